"""Writing model files."""

from pathlib import Path

from edmlive.errors import ModelError
from edmlive.util.files import replacing


def write_model(path: Path, data: bytes) -> None:
    """Write a model file; a former one is replaced only by a complete one.

    Raises
    ------
    ModelError
        It cannot be written.
    """
    try:
        with replacing(path) as partial:
            partial.write_bytes(data)
    except OSError as error:
        raise ModelError(f"Model {path} cannot be written: {(error.strerror or str(error)).lower()}.") from None
