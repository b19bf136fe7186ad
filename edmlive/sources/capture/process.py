"""The capture process seen from outside: started, read from, and killed whatever it is doing."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

from edmlive.errors import DeviceError

KILL_SECONDS = 0.5
PIPE_SECONDS = 0.3
LAST_WORDS_SECONDS = 0.2


class CaptureProcess:
    """A capture process. A thread receives its messages, and it never outlives its parent.

    Parameters
    ----------
    request
        What it is to do, as `edmlive.sources.capture.child` takes it.
    shared
        File descriptors for it to inherit.

    Raises
    ------
    DeviceError
        It cannot be started.
    """

    def __init__(self, request: dict[str, Any], shared: Iterable[int] = ()) -> None:
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "edmlive.sources.capture.child", json.dumps(request)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,  # ALSA and JACK chatter there; kept for the last words
                pass_fds=tuple(shared),
                start_new_session=True,  # no Ctrl-C reaches it, and what it has started is killed with it
            )
        except OSError as error:
            raise DeviceError(f"The capture process cannot be started ({error}): close other programs.") from None
        self._messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self._errors: list[bytes] = []
        self._messages_thread = threading.Thread(target=self._receive, name="capture-messages", daemon=True)
        self._errors_thread = threading.Thread(target=self._keep_last_words, name="capture-errors", daemon=True)
        self._messages_thread.start()
        self._errors_thread.start()

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def answer(self, kind: str, seconds: float = 0.0) -> Any:
        """Return the content of the next message, which must be of that kind; ``None`` if none comes in time.

        Raises
        ------
        DeviceError
            The process reports an error, or has ended.
        """
        try:
            message = self._messages.get(block=seconds > 0, timeout=seconds or None)
        except queue.Empty:
            return None
        if kind in message:
            return message[kind]
        raise DeviceError(message.get("error", f"The capture process ended{self.last_words()}."))

    def message(self) -> dict[str, Any]:
        """Return the next message; an empty one if there is none."""
        try:
            return self._messages.get_nowait()
        except queue.Empty:
            return {}

    def last_words(self) -> str:
        """Return how a process that is ending or has ended did so, for an error message."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(LAST_WORDS_SECONDS)
        self._errors_thread.join(LAST_WORDS_SECONDS)  # else its words may still be in the pipe
        code = self._process.poll()
        line = b"".join(self._errors).decode(errors="replace").strip().rpartition("\n")[2]
        return (f" with exit code {code}" if code else "") + (f" ({line})" if line and code else "")

    def kill(self) -> None:
        """Kill it and everything in its process group; this takes a second at most, whatever else holds its pipes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(KILL_SECONDS)
        assert self._process.stdin is not None
        self._process.stdin.close()
        # To close a pipe that a thread reads would wait for the thread, and that for every process that holds the pipe.
        deadline = time.monotonic() + PIPE_SECONDS
        for thread in (self._messages_thread, self._errors_thread):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _receive(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with contextlib.suppress(ValueError):  # a library's chatter, or the half of a line of a killed process
                    self._messages.put(json.loads(line))
        self._messages.put({})

    def _keep_last_words(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self._errors = [*self._errors[-9:], line]
