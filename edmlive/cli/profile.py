"""Profiles: a TOML file with options of the commands under the same names; the command line overrides it."""

import inspect
import re
import warnings
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import platformdirs
from pydantic import BeforeValidator, Field, Strict, create_model, model_validator
from pydantic_core import PydanticCustomError
from typer.models import OptionInfo

from edmlive.util.toml_file import Table, read_toml

FILE_NAME = "edmlive.toml"
_SECRET = re.compile(r"(^|[-_])(password|secret|token)$")
_SECRET_IN_ADDRESS = re.compile(r"://[^/@\s]*:[^/@\s]+@")


def default_path() -> Path:
    """Return the default profile: ``edmlive.toml`` in the user's configuration folder."""
    return platformdirs.user_config_path("edmlive") / FILE_NAME


def read_profile(path: Path, group: Any) -> dict[str, Any]:
    """Read a profile.

    Parameters
    ----------
    path
        A TOML file with a table for each command, such as ``[listen]`` or ``[synth.track]``; its keys are the command's
        options without dashes.
    group
        The Click group of all commands; names come from it, types and ranges from the functions behind it.

    Returns
    -------
    dict
        The default map for Click: values by command and parameter.

    Raises
    ------
    UserError
        The file cannot be read or is not TOML; a key is unknown or holds a secret; a value has the wrong type or is out
        of range. The message names the file, the line and the closest valid name.
    """
    profile = read_toml(path, _table(group))
    return _default_map(group, profile.model_dump(exclude_unset=True, mode="json"))


class _Options(Table):
    """The options of a command."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_secrets(cls, table: Any) -> Any:
        for key, value in table.items() if isinstance(table, dict) else ():
            texts = [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]
            if _SECRET.search(key) or any(map(_SECRET_IN_ADDRESS.search, texts)):
                raise PydanticCustomError(
                    "unknown_name",  # reported with the line of the key
                    "'{name}' holds a secret, which a profile must not: set the environment variable "
                    "EDMLIVE_MQTT_PASSWORD or EDMLIVE_WEB_TOKEN instead",
                    {"name": key},
                )
        return table


def _table(command: Any) -> type[Table]:
    """Return the model of a command's table: its options, or the tables of a group's commands."""
    if hasattr(command, "commands"):
        tables: dict[str, Any] = {name: (_table(inner), None) for name, inner in command.commands.items()}
        return create_model(command.name or "edmlive", __base__=Table, **tables)
    hints = get_type_hints(inspect.unwrap(command.callback), include_extras=True)
    fields: dict[str, Any] = {key: (_checked(hints[name]), None) for key, name in _names(command).items()}
    with warnings.catch_warnings():
        # "json" is also the name of a deprecated method of pydantic's.
        warnings.filterwarnings("ignore", "Field name .* shadows")
        return create_model(command.name, __base__=_Options, **fields)


def _default_map(command: Any, table: dict[str, Any]) -> dict[str, Any]:
    """Return a table keyed by Click's parameter names."""
    if hasattr(command, "commands"):
        return {name: _default_map(command.commands[name], inner) for name, inner in table.items()}
    names = _names(command)
    return {names[key]: value for key, value in table.items()}


def _names(command: Any) -> dict[str, str]:
    """Return a command's parameter names by option name without dashes."""
    return {
        spelling.removeprefix("--"): parameter.name
        for parameter in command.params
        if parameter.param_type_name == "option" and parameter.name != "help"
        for spelling in parameter.opts
        if spelling.startswith("--")
    }


def _checked(hint: Any) -> Any:
    """Return a parameter's type with its range; paths and choices are strings in TOML."""
    base, *notes = get_args(hint)
    option = next(note for note in notes if isinstance(note, OptionInfo))
    kinds = [base, *get_args(base)]
    if list[str] in kinds:  # an option that may be repeated; once needs no list
        return Annotated[base, BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]
    if any(isinstance(kind, type) and issubclass(kind, (Path, str)) and kind is not str for kind in kinds):
        return Annotated[base, Strict(False)]
    if option.min is None and option.max is None:
        return base
    return Annotated[base, Field(ge=option.min, le=option.max)]
