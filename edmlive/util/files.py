"""Files that are written whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write to, which takes a file's place when the block ends.

    If anything fails, a former file stays as it is, and nothing else is left. A process that is killed may leave
    ``PATH.part``, which the next one overwrites.

    Parameters
    ----------
    path
        The file.
    """
    partial = path.with_name(f"{path.name}.part")
    try:
        yield partial
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
