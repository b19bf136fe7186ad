"""How kernels are compiled: with explicit signatures, cached on disk, without the GIL."""

import functools
import hashlib
import inspect
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import platformdirs
from numba import config, njit

F = TypeVar("F", bound=Callable[..., Any])


def kernel(*signatures: Any, fastmath: bool = False, inline: bool = False) -> Callable[[F], F]:
    """Compile a function with Numba.

    Parameters
    ----------
    *signatures
        Numba signatures, as text such as ``"float64(float64[::1])"`` or as objects. With them a call with other
        types is a ``TypeError`` at once; without them the function is for use inside other kernels only.
    fastmath
        Let LLVM reorder floating-point operations. Not for kernels that may meet NaN or infinity.
    inline
        Inline into the calling kernel.

    Returns
    -------
    callable
        Decorator.
    """
    options: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": fastmath}
    if inline:
        options["inline"] = "always"

    def decorate(function: F) -> F:
        with _cache_in(_cache_folder(Path(inspect.getfile(function)).parent)):
            return cast(F, (njit(list(signatures), **options) if signatures else njit(**options))(function))

    return decorate


@contextmanager
def _cache_in(folder: str) -> Iterator[None]:
    # Numba reads this setting where a function is decorated, and offers no other way to choose the folder.
    before, config.CACHE_DIR = config.CACHE_DIR, folder
    try:
        yield
    finally:
        config.CACHE_DIR = before


@functools.cache
def _cache_folder(room: Path) -> str:
    """Return a folder for compiled kernels that belongs to exactly this source code.

    Numba notices a change in the file of a cached function, but not in the files of functions and tables that were
    compiled into it; so the folder's name is a digest of all kernels of the room.
    """
    if config.CACHE_DIR:
        return str(config.CACHE_DIR)
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted({Path(__file__), *room.glob("*.py")}):
        digest.update(path.read_bytes())
    folder = platformdirs.user_cache_path("edmlive") / "kernels" / digest.hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return tempfile.mkdtemp(prefix="edmlive-kernels-")
    return str(folder)
