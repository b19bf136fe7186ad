"""Reading files of untrusted size, and writing files whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def read_up_to(path: Path, limit: int) -> bytes:
    """Read a file, or a little more than `limit` bytes if it has more or never ends, as ``/dev/zero``."""
    pieces, length = [], 0
    with path.open("rb") as file:
        while length <= limit and (piece := file.read(1 << 20)):
            pieces.append(piece)
            length += len(piece)
    return b"".join(pieces)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write to, which replaces a file when the block ends.

    If anything fails, an existing file stays as it is, and the partial one is removed. A process that is killed may
    leave ``PATH.part``, which the next one overwrites.

    Parameters
    ----------
    path
        File to replace or create.

    Yields
    ------
    Path
        Where to write, in the same folder.
    """
    partial = path.with_name(f"{path.name}.part")
    try:
        yield partial
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
