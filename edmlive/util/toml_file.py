"""Read a TOML file that a person wrote: an error names the line and, for an unknown name, the nearest known one."""

import difflib
import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from edmlive.errors import UserError


class Table(BaseModel):
    """A table of the file: unknown keys are refused, and types are strict."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, table: Any) -> Any:
        if isinstance(table, dict):
            check_names(table, cls.model_fields, "key")
        return table


TableType = TypeVar("TableType", bound=Table)


def check_names(names: Iterable[str], known: Iterable[str], kind: str) -> None:
    """Refuse unknown names; for use in a validator.

    Parameters
    ----------
    names
        What the file has.
    known
        What it may have.
    kind
        What the names stand for, such as "key", for the message.

    Raises
    ------
    PydanticCustomError
        A name is unknown; the message suggests the nearest known one.
    """
    known = tuple(known)
    for name in names:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, 1, 0.0)
            hint = f": the nearest is '{nearest[0]}'" if nearest else ""
            raise PydanticCustomError(
                "unknown_name",
                "there is no {kind} '{name}'{hint}",
                {"kind": kind, "name": name, "hint": hint},
            )


def load_toml(path: Path) -> tuple[str, dict[str, Any]]:
    """Read a TOML file of any contents; return its text and its values.

    Raises
    ------
    UserError
        The file cannot be read, is not TOML, or is nested too deeply.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({(error.strerror or str(error)).lower()}).") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not a text file in UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path} is not valid TOML: {str(error)[:1].lower()}{str(error)[1:]}.") from None
    except RecursionError:
        raise UserError(f"{path} is not valid here: its values are nested too deeply.") from None
    except ValueError:  # Python's limit on the digits of an integer
        raise UserError(f"{path} is not valid here: it contains a number with too many digits.") from None


def read_toml(path: Path, table: type[TableType], context: dict[str, Any] | None = None) -> TableType:
    """Read and validate a TOML file.

    Parameters
    ----------
    path
        The file.
    table
        Model of its contents.
    context
        Passed to the validators.

    Returns
    -------
    Table
        The validated contents, an instance of ``table``.

    Raises
    ------
    UserError
        The file cannot be read, is not TOML, is nested too deeply, or does not match the model. The message names the
        first faulty line.
    """
    text, document = load_toml(path)
    try:
        return table.model_validate(document, context=context)
    except ValidationError as error:
        line, message = _first_fault(text, document, error.errors(include_url=False))
        raise UserError(f"{path}, line {line}: {message}.") from None


def _first_fault(text: str, document: dict[str, Any], errors: Sequence[Any]) -> tuple[int, str]:
    """Line, counted from 1, of the first statement that a validation error is about, and its message."""
    faults = [(_place(document, error), _message(error)) for error in errors]
    ends = _statement_ends(text)

    def messages(end: int) -> list[str]:
        so_far = tomllib.loads(text[:end])
        return [message for place, message in faults if _holds(so_far, place)]

    first = bisect_left(ends, True, key=lambda end: bool(messages(end)))
    start = ends[first - 1] if first > 0 else 0
    return 1 + text.count("\n", 0, start), min(messages(ends[first]))


def _place(document: dict[str, Any], error: Any) -> tuple[str | int, ...]:
    """Keys and indices that lead to the faulty value, as far as the document has them."""
    place: tuple[str | int, ...] = error["loc"]
    if error["type"] == "unknown_name":
        place = (*place, error["ctx"]["name"])
    while not _holds(document, place):
        place = place[:-1]
    return place


def _message(error: Any) -> str:
    message: str = error["msg"]
    if error["type"] == "unknown_name":
        return message
    return f"{'.'.join(map(str, error['loc']))}: {message[:1].lower()}{message[1:]}, not {error['input']!r}"


def _holds(document: Any, place: tuple[str | int, ...]) -> bool:
    for part in place:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


_TOKEN = re.compile(
    r"""
    "{3} (?: \\. | [^\\] )*? "{3,5}  # multi-line strings, which may end in quotes of their own
    | '{3} .*? '{3,5}
    | " (?: \\. | [^"\\] )* " | ' [^']* '
    | \# [^\n]*
    | [\[\]{}\n]
    """,
    re.DOTALL | re.VERBOSE,
)
"""Tokens that determine where a statement of a valid document ends: strings, comments, brackets, ends of lines."""


def _statement_ends(text: str) -> list[int]:
    """Offsets after the statements of a valid document; an empty line or a comment counts as one."""
    ends, depth = [], 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        elif token[0] == "\n" and depth == 0:
            ends.append(token.end())
    return [*ends, len(text)]
