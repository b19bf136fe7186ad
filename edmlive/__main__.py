"""Run the command: ``edmlive``, or ``python -m edmlive``."""

import os
import signal
from typing import NoReturn


def run() -> NoReturn:
    """Run the command; Ctrl-C ends it at once with exit code 130 until a command has started and says otherwise."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda number, frame: os._exit(128 + number))
    from edmlive.cli import run

    run()


if __name__ == "__main__":
    run()
