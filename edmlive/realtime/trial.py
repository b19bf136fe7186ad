"""A model of strangers, tried in a process of its own before this one loads it.

What a graph costs shows only when it runs: a file of 600 bytes may ask for gigabytes. The trial runs it on silence and
on noise, within limits of memory and time, and says in a word how that went.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from edmlive.errors import ModelError
from edmlive.realtime.onnx_file import read_model

TRIAL_SECONDS = 30.0
MEMORY_BYTES = 4 << 30
"""Address space that the trial may take beyond the file's own size; ONNX Runtime itself maps about one gigabyte."""


def try_model(path: Path) -> None:
    """Run a model once on silence and once on noise, in another process.

    Raises
    ------
    ModelError
        It fails, does not come back, needs too much memory, or does not answer with probabilities.
    """
    try:
        run = subprocess.run(
            [sys.executable, "-m", "edmlive.realtime.trial", os.fspath(path)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TRIAL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ModelError(f"Model {path} does not answer within {TRIAL_SECONDS:.0f} s.") from None
    except OSError as error:
        raise ModelError(f"Model {path} cannot be tried ({error}): close other programs.") from None
    try:
        failure = json.loads(run.stdout.splitlines()[-1])["failure"]
    except (IndexError, ValueError, KeyError, TypeError):
        failure = f"it takes more than {MEMORY_BYTES >> 30} GB of memory, or ends the process that runs it"
    if failure is not None:
        raise ModelError(f"Model {path} cannot be run: {failure}.")


def _attempt(path: Path) -> str | None:
    """Return why a model cannot be run, if it cannot."""
    import onnxruntime as ort

    from edmlive.realtime.providers import open_session, provider_candidates

    file = read_model(path)
    _limit_memory(len(file.data))
    random = np.random.default_rng(0)
    try:
        (providers,) = provider_candidates("cpu", ort.get_available_providers())
        session = open_session(file.data, providers, 1)
        for draw in (np.zeros, random.random):
            window = {i.name: np.asarray(draw((1, *i.shape)), np.float32) for i in file.spec.inputs}
            answer = session.run(None, window)[0]
            if not (np.isfinite(answer).all() and abs(float(np.sum(answer)) - 1) < 1e-3):
                return "it does not answer with probabilities that sum to 1"
    except Exception as error:  # ONNX Runtime's exceptions share no base of their own
        return str(error).strip().partition("\n")[0].rstrip(".")
    return None


def _limit_memory(size: int) -> None:
    if os.name == "posix":
        import resource

        limit = MEMORY_BYTES + 4 * size
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    print(json.dumps({"failure": _attempt(Path(sys.argv[1]))}), flush=True)
    os._exit(0)
