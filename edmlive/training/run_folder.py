"""The folder of a training: one training owns it at a time, and a kill leaves no half-written file in it."""

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
    """Whether this is the first process of a `torchrun`, or was not started by `torchrun`."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def claimed(folder: Path, settings: Mapping[str, Any]) -> Iterator[None]:
    """Hold a folder for a training, new or resumed.

    Parameters
    ----------
    folder
        The folder; created if it does not exist.
    settings
        What must not change when a training is resumed.

    Raises
    ------
    TrainingError
        The folder holds another training or a finished one, or another process is training in it, or it cannot be
        written to.
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
        if first_of_torchrun():  # it holds the lock for the others
            lock.acquire()
        if not path.exists():
            partial = folder / f"{_SETTINGS}.{os.getpid()}.part"  # every process of a torchrun may write it
            partial.write_text(json.dumps(settings, indent=2) + "\n")
            partial.replace(path)
        found = dict(json.loads(path.read_text()))
    except Timeout:
        raise TrainingError(f"Another process is training in {folder}: end it, or name another folder.") from None
    except (OSError, ValueError, TypeError) as error:
        reason = str(getattr(error, "strerror", None) or error).lower()
        raise TrainingError(f"{folder} cannot be used for training ({reason}): name another folder.") from None
    if (folder / CHECKPOINT).exists():
        raise TrainingError(f"{folder} holds a finished training: name another folder.")
    requested = json.loads(json.dumps(settings))  # tuples become lists, as in the file
    others = [name for name, value in requested.items() if found.get(name) != value]
    if others:
        raise TrainingError(f"{folder} holds a training with another {', '.join(others)}: name another folder.")


class AtomicCheckpoints(TorchCheckpointIO):
    """Writes checkpoints so that a kill in the middle leaves the previous one."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint of Lightning's completely, or not at all."""
        with replacing(Path(path)) as partial:
            super().save_checkpoint(checkpoint, partial, storage_options)
