"""Worker processes."""

import multiprocessing
import os
import signal
import threading


def live_with_parent() -> None:
    """Leave Ctrl-C to the parent, and end when the parent ends, however that happens; for use in a child process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, name="parent", daemon=True).start()
