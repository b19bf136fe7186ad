"""Reading files of untrusted size, and writing files whole or not at all."""

import errno
import os
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


@contextmanager
def replacing_both(first: Path, second: Path) -> Iterator[tuple[Path, Path]]:
    """Yield two paths to write to, which replace two files that belong together when the block ends.

    No file system replaces two files in one step. The old first file is therefore removed before the second is
    replaced, and the new one put in its place last: a process that is killed in between leaves the second file alone,
    never two that do not belong together. If anything fails before, both stay as they are.

    Parameters
    ----------
    first, second
        Files to replace or create.

    Yields
    ------
    tuple of Path
        Where to write each, in the same folder.
    """
    with replacing(first) as new_first, replacing(second) as new_second:
        yield new_first, new_second
        if second.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(second))
        first.unlink(missing_ok=True)
