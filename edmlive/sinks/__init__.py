"""Where readings go: terminal, files, network and web page."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the command starts without NumPy
    from edmlive.realtime.reading import Reading


class Sink(Protocol):
    """Something that readings are written to, always from the same thread."""

    def write(self, reading: "Reading") -> None:
        """Write one reading; raise `SinkError` once that is no longer possible."""

    def close(self) -> None:
        """Write what is still pending and release resources; raise `SinkError` if that fails."""
