"""Runs a sink on its own thread behind a bounded queue, so that it cannot hold up the audio."""

import queue
import threading
from collections.abc import Callable

from edmlive.errors import SinkError, SinkInterruptedError
from edmlive.realtime.reading import Reading
from edmlive.sinks import Sink

QUEUE_LENGTH = 256
CLOSE_SECONDS = 1.0


class SinkThread:
    """Passes readings to a sink on a thread of its own.

    Parameters
    ----------
    sink
        Used from this thread only.
    live
        Drop and count readings when the sink is too slow; otherwise wait for it, as is fine for a file.

    Attributes
    ----------
    dropped
        Readings dropped because the queue was full, or during an interruption.
    failure
        Why the sink stopped, once it has; later readings are discarded.
    interruption
        Why the newest reading could not be written, while there is hope for the next; only if live.
    """

    def __init__(self, sink: Sink, *, live: bool) -> None:
        self.failure: SinkError | None = None
        self.interruption: SinkError | None = None
        self._overflowed = 0
        self._interrupted = 0
        self._sink = sink
        self._live = live
        self._queue: queue.Queue[Reading | None] = queue.Queue(QUEUE_LENGTH)
        self._thread = threading.Thread(target=self._run, name=f"sink-{type(sink).__name__}", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Number of readings dropped."""
        return self._overflowed + self._interrupted

    def send(self, reading: Reading) -> None:
        """Queue a reading."""
        if self.failure is not None:
            return
        try:
            self._queue.put(reading, block=not self._live)
        except queue.Full:
            self._overflowed += 1

    def close(self, *, patient: bool = True) -> None:
        """Let the sink write what is queued; if patient and not live, as long as it takes, else for `CLOSE_SECONDS`."""
        timeout = None if patient and not self._live else CLOSE_SECONDS
        try:
            self._queue.put(None, timeout=timeout)
        except queue.Full:
            return
        self._thread.join(timeout)

    def _run(self) -> None:
        for reading in iter(self._queue.get, None):
            self._attempt(self._sink.write, reading)
        self._attempt(self._sink.close)

    def _attempt(self, action: Callable[..., None], *arguments: Reading) -> None:
        # The queue is emptied even after a failure, because a sender waiting for room must not wait forever.
        if self.failure is not None:
            return
        try:
            action(*arguments)
            self.interruption = None
        except SinkInterruptedError as error:
            if self._live:
                self.interruption = error
                self._interrupted += 1
            else:
                self.failure = error
        except SinkError as error:
            self.failure = error
        except Exception as error:  # a sink may use any library, and none may stop the audio
            self.failure = SinkError(f"{type(self._sink).__name__} has failed: {error}.")
