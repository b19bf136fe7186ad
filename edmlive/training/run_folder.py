"""The folder of a training: whose it is, and that nothing which a kill leaves there is half written."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from lightning.pytorch.plugins.io import TorchCheckpointIO

from edmlive.training.module import TrainingError
from edmlive.util.files import replacing

CHECKPOINT = "model.safetensors"
_SETTINGS, _LOCK = "settings.json", ".lock"


def first_of_torchrun() -> bool:
    """Whether this is the first of the processes that `torchrun` started, or was not started by it."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def claimed(folder: Path, settings: Mapping[str, Any]) -> Iterator[None]:
    """Hold a folder for a training, or for going on with one.

    Parameters
    ----------
    folder
        The folder; made where it does not exist.
    settings
        What must not change when a training goes on.

    Raises
    ------
    TrainingError
        The folder holds another training or a finished one, or another process trains in it, or it cannot be written
        to.
    """
    lock = FileLock(folder / _LOCK, blocking=False)
    try:
        _claim(folder, settings, lock)
        yield
    finally:
        lock.release()


def _claim(folder: Path, settings: Mapping[str, Any], lock: FileLock) -> None:
    path = folder / _SETTINGS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if first_of_torchrun():  # which holds it for the others
            lock.acquire()
        if not path.exists():
            partial = folder / f"{_SETTINGS}.{os.getpid()}.part"  # each process of a torchrun comes here
            partial.write_text(json.dumps(settings, indent=2) + "\n")
            partial.replace(path)
        found = dict(json.loads(path.read_text()))
    except Timeout:
        raise TrainingError(f"Another process is training in {folder}: end it, or name another folder.") from None
    except (OSError, ValueError, TypeError) as error:
        reason = str(getattr(error, "strerror", None) or error).lower()
        raise TrainingError(f"{folder} cannot be trained in ({reason}): name another folder.") from None
    if (folder / CHECKPOINT).exists():
        raise TrainingError(f"{folder} holds a finished training: name another folder.")
    wanted = json.loads(json.dumps(settings))  # tuples as lists, as they come back
    others = [name for name, value in wanted.items() if found.get(name) != value]
    if others:
        raise TrainingError(f"{folder} holds a training with another {', '.join(others)}: name another folder.")


class AtomicCheckpoints(TorchCheckpointIO):
    """A kill in the middle of writing leaves the checkpoint before."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint of Lightning's whole, or not at all."""
        with replacing(Path(path)) as partial:
            super().save_checkpoint(checkpoint, partial, storage_options)
