"""A TOML file that a person writes: what is wrong with it is told with its line and the nearest right name."""

import difflib
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from edmlive.errors import UserError


class Table(BaseModel):
    """A table of such a file: nothing but the keys it names, each of its very type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _know_every_key(cls, table: Any) -> Any:
        if isinstance(table, dict):
            check_names(table, cls.model_fields, "key")
        return table


TableType = TypeVar("TableType", bound=Table)


def check_names(names: Iterable[str], known: Iterable[str], kind: str) -> None:
    """Refuse names, in a validator, that are not among the known ones.

    Raises
    ------
    PydanticCustomError
        A name is not known; the error tells the nearest that is.
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


def read_toml(path: Path, table: type[TableType], context: dict[str, Any] | None = None) -> TableType:
    """Read a file.

    Parameters
    ----------
    path
        The file.
    table
        What it must hold.
    context
        Handed to the validators.

    Raises
    ------
    UserError
        The file cannot be read, is not TOML, or holds something else. The message names the first faulty line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({(error.strerror or str(error)).lower()}).") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not a text file in UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path} is not valid TOML: {str(error)[:1].lower()}{str(error)[1:]}.") from None
    try:
        return table.model_validate(document, context=context)
    except ValidationError as error:
        faults = [_fault(text, document, fault) for fault in error.errors(include_url=False)]
        line, sentence = min(faults)
        raise UserError(f"{path}, line {line}: {sentence}.") from None


def _fault(text: str, document: dict[str, Any], fault: Any) -> tuple[int, str]:
    """Return the line of a fault, and what is wrong there."""
    place = tuple(fault["loc"])
    message = fault["msg"]
    if fault["type"] == "unknown_name":
        place = (*place, fault["ctx"]["name"])
    else:
        message = f"{'.'.join(map(str, place))}: {message[:1].lower()}{message[1:]}, not {fault['input']!r}"
    while not _holds(document, place):
        place = place[:-1]
    return _line(text, place), message


def _line(text: str, place: tuple[str | int, ...]) -> int:
    """Return the line, counted from 1, on which the statement begins that brings a place into being."""
    lines = text.splitlines()
    first = 1
    for number in range(1, len(lines) + 1):
        try:
            so_far = tomllib.loads("\n".join(lines[:number]))
        except tomllib.TOMLDecodeError:  # in the middle of a value that spans lines
            continue
        if _holds(so_far, place):
            return first
        first = number + 1
    return first


def _holds(document: Any, place: tuple[str | int, ...]) -> bool:
    for part in place:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True
