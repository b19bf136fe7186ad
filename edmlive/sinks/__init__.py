"""Where readings go: terminal, files, network and page."""

from typing import Protocol

from edmlive.realtime.reading import Reading


class Sink(Protocol):
    """Something that readings are written to, from one thread."""

    def write(self, reading: Reading) -> None:
        """Write one reading; `SinkError` when it cannot be done any more."""

    def close(self) -> None:
        """Write what is held back and let go; `SinkError` when that fails."""
