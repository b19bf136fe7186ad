"""Which MIDI messages a genre and its figures become: a TOML file, or a default by the model's own order."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from edmlive.util.toml_file import Table, check_names, read_toml

DataByte = Annotated[int, Field(ge=0, le=127)]
Channel = Annotated[int, Field(ge=1, le=16)]


class GenreMessages(Table):
    """What is sent when a genre begins.

    Parameters
    ----------
    program
        Program change, 0..127 as on the wire; many devices show one more.
    note
        Note that is held for as long as the genre lasts, 0..127; 60 is middle C.
    channel
        MIDI channel 1..16, if not that of the whole map.
    """

    program: DataByte | None = None
    note: DataByte | None = None
    channel: Channel | None = None


class Controllers(Table):
    """Numbers of the controllers, 0..127, that follow every reading; ``None`` for those that are not sent.

    Parameters
    ----------
    confidence
        0..127 for a confidence of 0..1.
    level
        0..127 for an RMS level of -60..0 dBFS.
    """

    confidence: DataByte | None = None
    level: DataByte | None = None


class MidiMap(Table):
    """A whole map.

    Parameters
    ----------
    channel
        MIDI channel 1..16.
    clock
        Whether MIDI clock is sent at the tempo heard.
    controllers
        Confidence on controller 20 and level on 21, unless the file has a table of its own.
    genres
        Messages by genre; a genre that is not there sends nothing.
    """

    channel: Channel = 1
    clock: bool = True
    controllers: Controllers = Controllers(confidence=20, level=21)
    genres: dict[str, GenreMessages] = Field(default_factory=dict)

    @field_validator("genres")
    @classmethod
    def _know_every_genre(cls, genres: dict[str, GenreMessages], info: ValidationInfo) -> dict[str, GenreMessages]:
        if info.context is not None:
            check_names(genres, info.context["labels"], "genre")
        return genres


def default_map(labels: tuple[str, ...]) -> MidiMap:
    """Return the map that is used without a file: genres are programs 0, 1, 2... in the order of the model's labels."""
    return MidiMap(genres={label: GenreMessages(program=program) for program, label in enumerate(labels[:128])})


def read_map(path: Path, labels: tuple[str, ...]) -> MidiMap:
    """Read a map from a TOML file.

    Parameters
    ----------
    path
        The file.
    labels
        The model's genres, the only ones that make sense in the map.

    Raises
    ------
    UserError
        The file cannot be read, or something in it is wrong; the message names the line.
    """
    return read_toml(path, MidiMap, {"labels": labels})
