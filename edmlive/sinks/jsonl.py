"""Readings for programs: JSON lines, one object per line."""

import contextlib
import errno
import os
import sys
from datetime import datetime
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from edmlive.errors import SinkError, SinkInterruptedError
from edmlive.realtime.reading import Reading
from edmlive.util.printable import printable

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
        The file cannot be created, another edmlive writes to it, or a write fails later on.
    SinkInterruptedError
        The disk is full; once there is room, writing goes on.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._name = "standard output" if path == STANDARD_OUTPUT else path
        try:
            target = os.dup(sys.stdout.fileno()) if path == STANDARD_OUTPUT else path
            self._file = open(target, "ab", buffering=0)  # noqa: PTH123, SIM115 - a path does not open a descriptor
            if path != STANDARD_OUTPUT:
                self._lock()
        except OSError as error:
            raise self._failure(error) from None
        self._rest = b""
        self._encoding = sys.stdout.encoding if path == STANDARD_OUTPUT and self._file.isatty() else None

    def write(self, text: str) -> None:
        """Write one line: in UTF-8, lone surrogates escaped as in JSON; to a terminal what it can show of it."""
        if self._encoding is not None:
            text = printable(text)
        line = text.encode(self._encoding or "utf-8", errors="backslashreplace") + b"\n"
        started, data = self._rest, self._rest + line
        whole = len(data)
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            failure = self._failure(error)
            if isinstance(failure, SinkInterruptedError):
                # A line of which a part is written is finished as soon as there is room; others are dropped.
                written = whole - len(data)
                self._rest = started[written:] if written <= len(started) else data
            else:
                with contextlib.suppress(OSError):
                    self._file.close()
            raise failure from None
        self._rest = b""

    def close(self) -> None:
        """Close the file."""
        try:
            self._file.close()
        except OSError as error:
            raise self._failure(error) from None

    def _failure(self, error: OSError) -> SinkError:
        return _failure(f"Readings cannot be written to {self._name}", error)

    def _lock(self) -> None:
        """Refuse a file that another edmlive is writing to; where files cannot be locked, there is none."""
        try:
            flock(self._file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise SinkError(f"Another edmlive is writing to {self._name}: give each a file of its own.") from None
        except OSError:
            pass


def _failure(what: str, error: OSError) -> SinkError:
    kind = SinkInterruptedError if error.errno in (errno.ENOSPC, errno.EDQUOT) else SinkError
    return kind(f"{what} ({(error.strerror or str(error)).lower()}).")


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
            raise _failure(f"The folder for {path} cannot be created", error) from None
        return LineFile(path)
