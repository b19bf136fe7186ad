"""Readings for programs: JSON lines, one object per line."""

import contextlib
import os
import sys
from datetime import datetime
from pathlib import Path

from edmlive.errors import SinkError
from edmlive.realtime.reading import Reading

STANDARD_OUTPUT = "-"


class LineFile:
    """Appends lines to a file or standard output, unbuffered, so that nothing is left to fail when the program ends.

    Parameters
    ----------
    path
        File to append to, or ``-`` for standard output.

    Attributes
    ----------
    path
        As given.

    Raises
    ------
    SinkError
        The file cannot be created, or a write fails later on.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._name = "standard output" if path == STANDARD_OUTPUT else path
        try:
            target = os.dup(sys.stdout.fileno()) if path == STANDARD_OUTPUT else path
            self._file = open(target, "ab", buffering=0)  # noqa: PTH123, SIM115 - a path does not open a descriptor
        except OSError as error:
            raise self._failure(error) from None

    def write(self, text: str) -> None:
        """Write one line in UTF-8; lone surrogates, as in some file names, are escaped as in Python and JSON."""
        line = text.encode(errors="backslashreplace") + b"\n"
        try:
            while line:
                line = line[self._file.write(line) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.close()
            raise self._failure(error) from None

    def close(self) -> None:
        """Close the file."""
        try:
            self._file.close()
        except OSError as error:
            raise self._failure(error) from None

    def _failure(self, error: OSError) -> SinkError:
        reason = (error.strerror or str(error)).lower()
        return SinkError(f"Readings cannot be written to {self._name} ({reason}).")


class JsonLines:
    """Writes each reading at once as a line of JSON.

    Parameters
    ----------
    path
        File to append to, or ``-`` for standard output. With `strftime` codes, such as ``night-%Y%m%d-%H.jsonl``, a
        new file is started whenever the name changes; ``%%`` is a percent sign. `Reading.clock` decides which file a
        line goes to, and missing folders are created.

    Raises
    ------
    SinkError
        The file cannot be created, or a write fails later on.
    """

    def __init__(self, path: str) -> None:
        self._pattern = path
        # Opened before there is anything to write, so that a bad path fails now and not in the middle of the night.
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
            raise SinkError(f"The folder for {path} cannot be created ({reason}).") from None
        return LineFile(path)
