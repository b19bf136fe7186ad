"""Readings for machines: JSON lines, one object a line."""

from datetime import datetime
from pathlib import Path

from edmlive.errors import SinkError
from edmlive.realtime.reading import Reading
from edmlive.sinks.lines import LineFile


class JsonLines:
    """Writes one JSON object a line, each at once.

    Parameters
    ----------
    path
        File to append to, or ``-`` for standard output. A name with the codes of `strftime`, such as
        ``night-%Y%m%d-%H.jsonl``, becomes a new file whenever it changes; ``%%`` is a per cent sign. A line goes to
        the file of its own `Reading.clock`, and folders that a code names are made.

    Raises
    ------
    SinkError
        The file cannot be created, or a write fails later on.
    """

    def __init__(self, path: str) -> None:
        self._pattern = path
        # Opened before there is anything to write, so that a bad place shows now and not in the middle of the night.
        self._lines = self._open(datetime.now().astimezone())

    def write(self, reading: Reading) -> None:
        """Write one line."""
        if "%" in self._pattern:
            moment = datetime.fromisoformat(reading.clock)
            if moment.strftime(self._pattern) != self._lines.path:
                self._lines.close()
                self._lines = self._open(moment)
        self._lines.write(reading.to_json())

    def close(self) -> None:
        """Close the file."""
        self._lines.close()

    def _open(self, moment: datetime) -> LineFile:
        if "%" not in self._pattern:
            return LineFile(self._pattern)
        path = moment.strftime(self._pattern)
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise SinkError(f"The folder for {path} cannot be made ({reason}).") from None
        return LineFile(path)
