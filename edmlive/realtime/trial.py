"""An untrusted model's first run, in a separate process with limits.

What a graph costs shows only when it runs: a file of 600 bytes may ask for gigabytes. The trial runs it on silence and
on noise, within limits of memory and time.
"""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import platformdirs

from edmlive.errors import ModelError
from edmlive.spec import Features

TRIAL_SECONDS = 30.0
MEMORY_BYTES = 4 << 30
"""Address space that the trial may take, beyond four times the file's size."""


def require_trial(path: Path, sha256: str, batch: int) -> None:
    """Run a model in another process, unless the same file has passed before.

    Parameters
    ----------
    path
        The file.
    sha256
        Of its content, in hexadecimal digits.
    batch
        Windows per run.

    Raises
    ------
    ModelError
        It fails, does not return, takes too much memory, or does not output probabilities.
    """
    import onnxruntime as ort

    passed = platformdirs.user_cache_path("edmlive") / "trials" / f"{sha256[:32]}-{ort.__version__}-{batch}"
    with suppress(OSError):
        if passed.is_file():
            return
    _run(path, batch)
    with suppress(OSError):
        passed.parent.mkdir(parents=True, exist_ok=True)
        passed.touch()


def _run(path: Path, batch: int) -> None:
    command = [sys.executable, "-m", "edmlive.realtime.trial", os.fspath(path.absolute()), str(batch)]
    try:
        run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TRIAL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise ModelError(f"Model {path} does not answer within {TRIAL_SECONDS:.0f} s.") from None
    except OSError as error:
        raise ModelError(f"Model {path} cannot be tested ({error}): close other programs.") from None
    try:
        failure = json.loads(run.stdout.splitlines()[-1])["failure"]
    except (IndexError, ValueError, KeyError, TypeError):
        failure = (
            f"cannot be run: it takes more than {MEMORY_BYTES >> 30} GB of memory, or crashes the process that runs it"
        )
    if failure is not None:
        raise ModelError(f"Model {path} {failure}.")


def _failure(path: Path, batch: int) -> str | None:
    """Return the rest of the sentence "Model PATH ..." that says why a model cannot be used, if it cannot."""
    from edmlive.realtime.classifier import Classifier

    _limit_memory(path.stat().st_size)
    random = np.random.default_rng(0)
    try:
        classifier = Classifier(path, "cpu", batch, trusted=True)
        noise: Features = {i.name: random.random(i.shape, np.float32) for i in classifier.spec.inputs}
        classifier.probabilities_of([noise] * batch)
    except ModelError as error:
        return str(error).removeprefix(f"Model {path} ").rstrip(".")
    except MemoryError:
        return f"cannot be run: it takes more than {MEMORY_BYTES >> 30} GB of memory"
    return None


def _limit_memory(size: int) -> None:
    if sys.platform != "win32":
        import resource

        limit = MEMORY_BYTES + 4 * size
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    print(json.dumps({"failure": _failure(Path(sys.argv[1]), int(sys.argv[2]))}), flush=True)
    os._exit(0)
