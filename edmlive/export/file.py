"""Writing model files."""

from pathlib import Path

from edmlive.errors import ModelError


def write_model(path: Path, data: bytes) -> None:
    """Write a model file; a former one is replaced only by a complete one.

    Raises
    ------
    ModelError
        It cannot be written.
    """
    partial = path.with_name(f"{path.name}.part")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ModelError(f"Model {path} cannot be written: {(error.strerror or str(error)).lower()}.") from None
