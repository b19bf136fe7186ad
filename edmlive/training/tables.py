"""Tables of tracks as people keep them: text with a header, cells between commas, semicolons or tabs."""

import csv
import io
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edmlive.errors import UserError
from edmlive.spec import MOST_LABELS, SpecError, require_names
from edmlive.util.files import read_up_to

LARGEST_BYTES = 1 << 29
LARGEST_NUMBER = 1e12
"""Larger numbers are no measurement of music, and their squares would leave no digits for the others."""
_SMALLEST_NUMBER = 1e-30
_DELIMITERS = (",", ";", "\t")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)


class TableError(UserError):
    """A table cannot be read. One sentence names it, the place and the reason."""


@dataclass(frozen=True)
class Table:
    """A table of text.

    Parameters
    ----------
    path
        The file.
    columns
        Names of the columns.
    rows
        The cells of each row, as many as there are columns; without space around them.
    lines
        The line of the file on which each row starts, from 1.
    decimal_comma
        Whether numbers may have a decimal comma, as cells are not between commas.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    decimal_comma: bool

    def __contains__(self, column: str) -> bool:
        return bool(self._places(column))

    def texts(self, column: str) -> list[str]:
        """Return the cells of a column; of ``Genre`` if there is no ``genre``.

        Raises
        ------
        TableError
            Several columns have that name.
        """
        places = self._places(column)
        if len(places) > 1:
            raise TableError(f"Table {self.path} has {len(places)} columns '{self.columns[places[0]]}': keep one.")
        return [row[places[0]] for row in self.rows]

    def _places(self, column: str) -> list[int]:
        exact = [k for k, name in enumerate(self.columns) if name == column]
        return exact or [k for k, name in enumerate(self.columns) if name.casefold() == column.casefold()]

    def numbers(self, column: str) -> list[float]:
        """Return the cells of a column as numbers.

        Raises
        ------
        TableError
            Several columns have that name, or a cell is no number from -1e12 to 1e12.
        """
        found = []
        for line, text in zip(self.lines, self.texts(column), strict=True):
            text = text.replace(",", ".") if self.decimal_comma else text
            number = float(text) if _NUMBER.fullmatch(text) else math.nan
            if math.isnan(number):
                raise TableError(f"Table {self.path} has no number in column '{column}' in line {line}.")
            if abs(number) > LARGEST_NUMBER:
                raise TableError(
                    f"Table {self.path} has a number over {LARGEST_NUMBER:.0e} in column '{column}' in line {line}."
                )
            found.append(number if abs(number) >= _SMALLEST_NUMBER else 0.0)
        return found


def read_text(path: Path) -> str:
    """Read a file of text in UTF-8, or in UTF-16 with a byte order mark, as spreadsheets write it.

    Raises
    ------
    TableError
        The file cannot be read, is larger than 512 MB, or is not such text.
    """
    try:
        content = read_up_to(path, LARGEST_BYTES)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise TableError(f"{path} cannot be read: {reason}.") from None
    if len(content) > LARGEST_BYTES:
        raise TableError(f"{path} is larger than {LARGEST_BYTES >> 20} MB, too much for a table.")
    utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        text = content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        where = "" if utf16 else f" in line {line}"
        raise TableError(f"{path} cannot be read: it is not UTF-8 text{where}; save it as UTF-8.") from None
    if "\0" in text:
        raise TableError(f"{path} cannot be read: it is not UTF-8 text; save it as UTF-8.")
    return text


def read_table(path: Path) -> Table:
    """Read a table: a header and rows, in the text that `read_text` reads.

    Cells are between commas, semicolons or tabs, whichever the header has most of, and may be quoted. Blank lines and
    a first line such as ``sep=;`` are skipped; a row that ends early is filled up with empty cells.

    Raises
    ------
    TableError
        There is no such file or no header, or a row is malformed or longer than the header.
    """
    text = read_text(path)
    mark = re.match(r"sep=([,;\t])\r?\n", text)
    delimiter = mark[1] if mark else max(_DELIMITERS, key=lambda each: _width(text, each))
    records = _records(path, text, delimiter, skipped=1 if mark else 0)
    _, header = next(records, (0, []))
    columns = tuple(" ".join(name.split()) for name in header)
    if not any(columns):
        raise TableError(f"Table {path} is empty: it needs a header with the names of its columns.")
    lines, rows = [], []
    for line, cells in records:
        if any(cells[len(columns) :]):
            raise TableError(
                f"Table {path} has {len(cells)} cells in line {line}, and {len(columns)} columns: quote cells that "
                "hold the sign between cells."
            )
        lines.append(line)
        rows.append((*cells[: len(columns)], *[""] * (len(columns) - len(cells))))
    return Table(path, columns, tuple(rows), tuple(lines), decimal_comma=delimiter != ",")


def tidy(name: str) -> str:
    """Return a genre or an artist in one form: Unicode's composed one, with single spaces, and none around it."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def refuse_labels(labels: Iterable[tuple[str, str]]) -> None:
    """Raise `TableError` if a model could not have these labels; each is given with the place where it was found."""
    places: dict[str, str] = {}
    for label, place in labels:
        places.setdefault(label, place)
    if len(places) > MOST_LABELS:
        place = next(reversed(places.values()))
        raise TableError(f"There are {len(places)} genres up to {place}, and a model can have {MOST_LABELS}.")
    for label, place in places.items():
        try:
            require_names("genre", (label,))
        except SpecError as error:
            raise TableError(f"In {place}: {error}.") from None


def _width(text: str, delimiter: str) -> int:
    """Return how many columns the header would have."""
    try:
        return len(next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), []))
    except csv.Error:
        return 0


def _records(path: Path, text: str, delimiter: str, *, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each record starts, and its cells."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise TableError(f"Table {path} is malformed in line {line}: {ascii(str(error))[1:-1]}.") from None
        if cells is None:
            return
        if line > skipped and cells:
            yield line, [cell.strip() for cell in cells]
