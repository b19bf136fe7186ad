"""How commands that go on until they are stopped are stopped."""

import signal


def end_in_order() -> None:
    """Let a polite end from elsewhere, such as a closed terminal's, be the same as Ctrl-C.

    Ctrl-C's own signal too: a shell script makes what it starts in the background deaf to it.
    """
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(number, signal.default_int_handler)
