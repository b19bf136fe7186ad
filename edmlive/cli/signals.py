"""How commands that go on until they are stopped are stopped."""

import signal
from types import FrameType
from typing import NoReturn

_ENDS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def end_in_order() -> None:
    """Let a polite end from elsewhere, such as a closed terminal's, be the same as Ctrl-C.

    Ctrl-C's own signal too: a shell script makes what it starts in the background deaf to it. Not so the closed
    terminal of a program that was started with ``nohup``.
    """
    for number in _ENDS:
        if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    # Once is enough: whoever closes a terminal sends two of them, and the second must not interrupt the end.
    for end in _ENDS:
        signal.signal(end, _ignore)
    raise KeyboardInterrupt


def _ignore(number: int, frame: FrameType | None) -> None:
    """Do nothing; where the system is told to ignore a signal that is on its way, Python complains of it."""
