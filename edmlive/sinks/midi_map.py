"""Maps genres and values to MIDI messages: a TOML file, or a default in the order of the model's genres."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from edmlive.util.toml_file import Table, check_names, read_toml

DataByte = Annotated[int, Field(ge=0, le=127)]
Channel = Annotated[int, Field(ge=1, le=16)]


class GenreMessages(Table):
    """Messages sent when a genre or a family starts.

    Parameters
    ----------
    program
        Program change, 0..127 as transmitted; many devices display it plus one.
    note
        Note held for as long as it lasts, 0..127; 60 is middle C.
    channel
        MIDI channel 1..16; ``None`` for the map's own.
    """

    program: DataByte | None = None
    note: DataByte | None = None
    channel: Channel | None = None


class Controllers(Table):
    """Controller numbers, 0..127, sent with every reading; ``None`` for those not sent.

    Parameters
    ----------
    confidence
        0..127 for a confidence of 0..1.
    family_confidence
        0..127 for a confidence in the family of 0..1.
    level
        0..127 for an RMS level of -60..0 dBFS.
    """

    confidence: DataByte | None = None
    family_confidence: DataByte | None = None
    level: DataByte | None = None


class MidiMap(Table):
    """A complete map.

    Parameters
    ----------
    channel
        MIDI channel 1..16.
    clock
        Whether to send MIDI clock.
    controllers
        Confidence on controller 20 and level on 21, unless the file has a table of its own.
    genres
        Messages by genre; nothing is sent for a genre that is missing.
    families
        Messages by family, likewise.
    """

    channel: Channel = 1
    clock: bool = True
    controllers: Controllers = Controllers(confidence=20, level=21)
    genres: dict[str, GenreMessages] = Field(default_factory=dict)
    families: dict[str, GenreMessages] = Field(default_factory=dict)

    @field_validator("genres", "families")
    @classmethod
    def _know_every_name(cls, entries: dict[str, GenreMessages], info: ValidationInfo) -> dict[str, GenreMessages]:
        if info.context is not None:
            check_names(entries, info.context[info.field_name], "genre" if info.field_name == "genres" else "family")
        return entries


def default_map(genres: tuple[str, ...]) -> MidiMap:
    """Return the map used without a file: genres are programs 0, 1, 2... in the order of the model's labels."""
    return MidiMap(genres={genre: GenreMessages(program=program) for program, genre in enumerate(genres[:128])})


def read_map(path: Path, genres: tuple[str, ...], families: tuple[str, ...] = ()) -> MidiMap:
    """Read a map from a TOML file.

    Parameters
    ----------
    path
        The file.
    genres, families
        Those that an answer may have, the only ones allowed in the map.

    Raises
    ------
    UserError
        The file cannot be read or is not valid; the message names the line.
    """
    return read_toml(path, MidiMap, {"genres": genres, "families": families})
