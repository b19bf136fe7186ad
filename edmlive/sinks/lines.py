"""A file or standard output that takes whole lines, each written out at once."""

import contextlib
import os
import sys

from edmlive.errors import SinkError

STANDARD_OUTPUT = "-"


class LineFile:
    """Writes lines without a buffer, so that nothing is left to fail when the program ends.

    Parameters
    ----------
    path
        File to append to, so that no earlier night is lost, or ``-`` for standard output.

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
        """Write one line, in UTF-8; what UTF-8 cannot hold, as a file name may, is escaped as Python and JSON do."""
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
