"""A stream from the network, such as Icecast's: when it breaks off or falls silent, it is opened again."""

import queue
import threading
import time

from edmlive.errors import SourceError
from edmlive.sources.audio import AudioBlock
from edmlive.sources.file import FileSource
from edmlive.sources.supervisor import (
    POLL_SECONDS,
    WAIT_SECONDS,
    InputEndedError,
    Link,
    OnLoss,
    Opened,
    SupervisedSource,
    log,
)

BLOCKS_HELD = 240
CLOSE_SECONDS = 0.2


class StreamSource(SupervisedSource):
    """A stream from a URL, at its own rate. A block's time is that of its arrival, bursts and all.

    A stream with a length, such as a podcast, ends with it.

    Parameters
    ----------
    location
        URL of anything PyAV opens.
    channels
        Channel numbers from 1 to keep, in that order; ``None`` for all.
    on_loss
        ``wait`` for a lost stream, or ``exit`` with a `SourceError`.

    Raises
    ------
    SourceError
        Unreachable, not audio, no such channel; or, while reading, a lost stream that is not waited for.
    """

    kind = "Stream"

    def __init__(self, location: str, channels: tuple[int, ...] | None = None, on_loss: OnLoss = "wait") -> None:
        self._location = location
        super().__init__(channels, None, on_loss)

    def _connect(self) -> Link:
        return _DecoderLink(self._location)


class _DecoderLink:
    """One connection, decoded on a thread of its own, because a read from the network may block."""

    patient = True  # the network may stutter, and a dead connection runs into its own timeout
    overflows = 0
    notice = None

    def __init__(self, location: str) -> None:
        self._location = location
        self._opened: Opened | None = None
        self._failure: SourceError | None = None
        self._fault: str | None = None
        self._closing = False
        self._blocks: queue.Queue[AudioBlock] = queue.Queue(BLOCKS_HELD)
        self._thread = threading.Thread(target=self._decode, name="stream", daemon=True)
        self._thread.start()

    def opened(self) -> Opened | None:
        if self._opened is None and not self._thread.is_alive() and self._failure is not None:
            raise self._failure
        return self._opened

    def read(self) -> AudioBlock | None:
        running = self._thread.is_alive()  # asked first, so that the last block is still read
        try:
            return self._blocks.get_nowait()
        except queue.Empty:
            if running:
                return None
            if self._failure is not None:
                raise self._failure from None
            raise InputEndedError(self._fault) from None

    def wait(self, wanted: float) -> None:
        time.sleep(min(max(wanted, POLL_SECONDS), WAIT_SECONDS))

    def close(self) -> None:
        self._closing = True
        self._thread.join(CLOSE_SECONDS)  # a read from the network ends with its timeout

    def _decode(self) -> None:
        try:
            with FileSource(self._location) as source:
                self._opened = Opened(source.name, source.rate, source.channels)
                for block in source:
                    if not self._hand_over(block):
                        return
                self._fault = source.fault
                if source.endless:
                    because = f" ({source.fault})" if source.fault else ""
                    self._failure = SourceError(f"Stream '{self._location}' has ended{because}: start it again.")
        except SourceError as error:
            self._failure = error
        except Exception as error:  # or a fault of ours would pass for the stream's proper end
            log.exception("the reader of %s failed", self._location)
            self._failure = SourceError(f"Stream '{self._location}' cannot be read ({type(error).__name__}: {error}).")

    def _hand_over(self, block: AudioBlock) -> bool:
        while not self._closing:
            try:
                self._blocks.put(block, timeout=CLOSE_SECONDS)
                return True
            except queue.Full:
                continue
        return False
