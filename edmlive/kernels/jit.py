"""How kernels are compiled: with explicit signatures, cached on disk, without the GIL."""

import functools
import logging
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar, cast

from numba import njit

from edmlive.kernels.cache import cache_of

F = TypeVar("F", bound=Callable[..., Any])

log = logging.getLogger("edmlive.kernels")


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
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": fastmath}
    if inline:
        options["inline"] = "always"

    def decorate(function: F) -> F:
        compiled = njit(**options)(function)
        if (cache := cache_of(function)) is not None:
            compiled._cache = cache  # in place of Numba's own, which `cache=True` would put there
        for signature in signatures:
            with _interrupts_deferred():
                compiled.compile(signature)
            if not compiled.stats.cache_hits:
                _announce()
        if signatures:
            compiled.disable_compile()
        return cast(F, compiled)

    return decorate


@functools.cache
def _announce() -> None:
    """Say once that kernels are being compiled, and not loaded."""
    if multiprocessing.parent_process() is None:
        log.info("Compiling for this computer, which takes half a minute or more; later starts need not.")


@contextmanager
def _interrupts_deferred() -> Iterator[None]:
    """Hold Ctrl-C back until a kernel is compiled: LLVM does not survive an exception in the middle of its work."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield  # Python runs its handlers in the main thread only, and the system's own end the process
        return
    caught: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda *arguments: caught.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if caught:
        before(*caught[0])
