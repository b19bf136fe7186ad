"""The cache of compiled kernels on disk, and what happens if it cannot be written or is damaged."""

import functools
import hashlib
import inspect
import logging
import multiprocessing
import os
import pickle
import shutil
import stat
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba import config
from numba.core.caching import FunctionCache, IndexDataCacheFile

UNUSED_DAYS = 30
"""Kernels of other versions that have not been used for this long are removed."""

_CHECKSUM_BYTES = 4

log = logging.getLogger("edmlive.kernels")


class KernelCache(FunctionCache):  # type: ignore[misc]
    """Numba's cache of one function; whatever is wrong with its files, the worst that happens is compiling again.

    Numba trusts what it reads: an index cut short raises, and object code that a power cut has filled with zeros aborts
    the process. Here every data file ends with its checksum. What cannot be written is done without.

    Parameters
    ----------
    function
        The Python function.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = _CheckedFile(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=self._impl.locator.get_source_stamp(),
        )


class _CheckedFile(IndexDataCacheFile):  # type: ignore[misc]
    def save(self, key: Any, data: Any) -> None:
        try:
            super().save(key, data)
        except OSError as error:
            warn(f"Compiled kernels cannot be kept in {self._cache_path} ({_reason(error)})")

    def _load_index(self) -> dict[Any, str]:
        try:
            return dict(super()._load_index())
        except Exception:  # pickle raises whatever the damage spells
            return {}

    def _load_data(self, name: str) -> Any:
        content = Path(self._data_path(name)).read_bytes()
        data, checksum = content[:-_CHECKSUM_BYTES], content[-_CHECKSUM_BYTES:]
        if checksum != _checksum(data):
            raise OSError(f"{name} is damaged")  # which Numba takes for a file that is not there
        return pickle.loads(data)

    def _save_data(self, name: str, data: Any) -> None:
        content = self._dump(data)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(content + _checksum(content))


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(_CHECKSUM_BYTES, "little")


def cache_of(function: Callable[..., Any]) -> KernelCache | None:
    """Return the cache of a kernel; ``None`` where no folder can be written to."""
    folder = _folder(Path(inspect.getfile(function)).parent)
    if folder is None:
        return None
    with _numba_caches_in(folder):
        return KernelCache(function)


@contextmanager
def _numba_caches_in(folder: Path) -> Iterator[None]:
    # Numba reads this setting where a cache is made, and offers no other way to choose the folder.
    before, config.CACHE_DIR = config.CACHE_DIR, str(folder)
    try:
        yield
    finally:
        config.CACHE_DIR = before


@functools.cache
def _folder(room: Path) -> Path | None:
    """Return a folder for compiled kernels that belongs to exactly this source code.

    Numba notices a change in the file of a cached function, but not in the files of functions and tables that were
    compiled into it; so the folder's name is a digest of all kernels of the room.
    """
    name = _digest(room)
    if config.CACHE_DIR:
        chosen = Path(config.CACHE_DIR) / name
        if (refusal := _refusal(chosen)) is None:
            return chosen
    else:
        kept = platformdirs.user_cache_path("edmlive") / "kernels"
        chosen = kept / name
        if (refusal := _refusal(chosen)) is None:
            _remove_unused(kept, chosen)
            return chosen
    private = Path(tempfile.gettempdir()) / f"edmlive-kernels-{_user()}"
    if _is_private(private) and _refusal(private / name) is None:
        warn(f"Compiled kernels cannot be kept in {chosen.parent} ({refusal}), so they are in {private}", lost=False)
        return private / name
    warn(f"Compiled kernels cannot be kept in {chosen.parent} ({refusal}), nor in {private}")
    return None


def _digest(room: Path) -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    here = Path(__file__)
    for path in sorted({here, here.with_name("jit.py"), *room.glob("*.py")}):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _refusal(folder: Path) -> str | None:
    """Try to write to a folder, creating it if it is missing; return the reason if that fails."""
    if not folder.is_absolute():
        return "there is no home folder"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        os.utime(folder)  # so that it counts as used
    except OSError as error:
        return _reason(error)
    return None


def _is_private(folder: Path) -> bool:
    """Make a folder that only this user can write to; return whether it is one, as others may have made it before."""
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        ours = os.name != "posix" or (found.st_uid == _user() and not found.st_mode & 0o077)
        return stat.S_ISDIR(found.st_mode) and ours
    return False


def _user() -> int:
    return os.getuid() if os.name == "posix" else 0


def _remove_unused(kept: Path, used: Path) -> None:
    oldest = time.time() - UNUSED_DAYS * 86_400
    with suppress(OSError):
        for folder in kept.iterdir():
            if folder != used and folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def warn(what: str, *, lost: bool = True) -> None:
    """Say once, in the first process, why the next start will be slow."""
    if multiprocessing.parent_process() is None:
        log.warning("edmlive: %s%s.", what, "; the next start compiles them again" if lost else "")


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
