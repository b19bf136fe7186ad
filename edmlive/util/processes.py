"""Processes that work for another one."""

import multiprocessing
import os
import signal
import threading


def live_with_parent() -> None:
    """Let the parent handle Ctrl-C, and end when it ends, however it does; to be called in the child."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, name="parent", daemon=True).start()
