"""How commands that go on until they are stopped are stopped."""

import signal


def end_in_order() -> None:
    """Let a polite end from elsewhere, such as a closed terminal's, be the same as Ctrl-C."""
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(number, signal.default_int_handler)
