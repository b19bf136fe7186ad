"""Readings for machines: JSON lines, one object a line."""

from edmlive.realtime.reading import Reading
from edmlive.realtime.sinks.lines import LineFile


class JsonLines:
    """Writes one JSON object a line, each at once.

    Parameters
    ----------
    path
        File to append to, or ``-`` for standard output.

    Raises
    ------
    SinkError
        The file cannot be created.
    """

    def __init__(self, path: str) -> None:
        self._lines = LineFile(path)

    def write(self, reading: Reading) -> None:
        """Write one line."""
        self._lines.write(reading.to_json())

    def close(self) -> None:
        """Close the file."""
        self._lines.close()
