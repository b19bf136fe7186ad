"""Recipes: what a subgenre consists of, as data; one TOML file for each family in ``recipes/``.

A file holds a table for each subgenre and may hold ``[defaults]``, which its subgenres share and override key by key.
``mastering.toml`` holds, for all of them, what was fitted to released tracks rather than chosen by ear: faders,
density, tonal balance, loudness (`research/mastering.py`). An amount is a number, or a range ``[low, high]`` from which
a value is drawn for each track.
"""

import difflib
import functools
import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from edmlive.errors import UserError
from edmlive.synth.audio import steady
from edmlive.taxonomy import SUBGENRES

T = TypeVar("T")

RECIPES = Path(__file__).parent / "recipes"
FITTED = RECIPES / "mastering.toml"
KICKS = frozenset({"kick", "hard-kick"})
"""Voices that are kicks."""
LOWEST_MUSIC = 48
"""MIDI pitch under which a part is a bass."""
BANDS = 12
"""Bands of a tonal balance; see `edmlive.synth.mastering.BALANCE_HERTZ`."""


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _as_range(value: object) -> object:
    return (value, value) if isinstance(value, int | float) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
"""Alternatives, one of which is drawn for each track; a single one may stand by itself."""
Amount = Annotated[tuple[float, float], BeforeValidator(_as_range)]
"""A range from which a value is drawn for each track; a single number may stand by itself."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sound(_Data):
    """What drum lanes and tonal parts have in common.

    Parameters
    ----------
    voice
        Name of a voice, or several to draw from.
    patch
        Amounts for the fields of the voice; the others are drawn near its defaults. Where several voices are named,
        each takes the fields it has, and ``"voice.field"`` applies to one of them alone.
    presence
        Share of the tracks that have the sound.
    level
        In dB: of a lane the peak of its loudest hit, of a part its RMS while it sounds, 12 dB lower.
    drive
        Soft clipping, 0...1.
    highpass, lowpass
        Corner frequencies in Hz.
    reverb, delay
        Sends in dB; -60 is none.
    pan
        -1 (left)...1.
    width
        Chorus that spreads a mono sound, 0...1.
    duck
        Depth of the side-chain compression under the kick, 0...1.
    steps
        Steps in a bar; 16 are sixteenths, 12 triplets of eighths.
    """

    voice: Names
    patch: dict[str, Amount] = {}
    presence: float = 1.0
    level: Amount = (-10.0, -10.0)
    drive: Amount = (0.0, 0.0)
    highpass: Amount = (20.0, 20.0)
    lowpass: Amount = (20_000.0, 20_000.0)
    reverb: Amount = (-60.0, -60.0)
    delay: Amount = (-60.0, -60.0)
    pan: Amount = (0.0, 0.0)
    width: Amount = (0.0, 0.0)
    duck: Amount = (0.0, 0.0)
    steps: int = 16


class Lane(Sound):
    """A drum.

    Parameters
    ----------
    grids
        Rhythms to draw from, a sign for each step, of one or more bars; spaces and ``|`` only help the eye.
        ``X`` accent, ``x`` hit, ``o`` ghost, ``?`` a hit half of the time, ``!`` a roll of three, ``.`` nothing. For
        the voice ``break``: ``K`` kick, ``S`` snare, ``G`` ghost snare, ``H`` hat, ``O`` open hat, ``R`` ride.
    """

    grids: Names

    @field_validator("grids")
    @classmethod
    def _only_signs(cls, grids: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_signs(grid, "Xxo?!.KSGHOR") for grid in grids)


class Part(Sound):
    """A bass, chords, a melody or a bed.

    Parameters
    ----------
    patterns
        Rhythms to draw from, a sign for each step; spaces and ``|`` only help the eye. ``x`` the chord, ``1``...``9``
        a single note so many scale degrees up from the chord's root (8 its octave), ``^`` the next note of an
        arpeggio, ``?`` the next note of the track's motif, ``-`` continues the previous note, ``.`` silence.
    pitch
        MIDI pitch about which its notes lie, or several to draw from.
    length
        Share of its steps for which a note sounds, 0...1 or more to overlap.
    sweep
        Octaves by which `lowpass` closes and opens over each eight bars.
    sync
        Cycles in a beat of the voice's `rate`, to draw from; without it the rate is the patch's, in Hz.
    """

    patterns: Names
    pitch: tuple[int, ...] = (57,)
    length: Amount = (0.9, 0.9)
    sweep: Amount = (0.0, 0.0)
    sync: tuple[float, ...] = ()

    @field_validator("patterns")
    @classmethod
    def _only_signs(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_signs(pattern, "x123456789^?-.") for pattern in patterns)


class Harmony(_Data):
    """Which chords.

    Parameters
    ----------
    scales
        Names in `edmlive.synth.harmony.SCALES` to draw from.
    progressions
        Scale degrees from 1 to draw from.
    bars
        Bars a chord lasts, to draw from.
    chords
        Names in `edmlive.synth.harmony.CHORDS` to draw from.
    """

    scales: Names
    progressions: tuple[tuple[int, ...], ...]
    bars: tuple[float, ...] = (1,)
    chords: Names = ("triad",)


class Section(_Data):
    """A section of the arrangement.

    Parameters
    ----------
    name
        Such as intro, build, drop, breakdown, outro.
    bars
        Its share of the track, in bars of the whole form.
    plays
        Lanes and parts that play; ``all``, or ``drums`` for every lane; a name after ``-`` is left out.
    opens
        Octaves by which the parts' low-pass filters open over the section.
    rises
        Whether it ends in a riser, a snare roll and an impact on the next section's first beat.
    """

    name: str
    bars: float
    plays: tuple[str, ...]
    opens: float = 0.0
    rises: bool = False


class Faders(_Data):
    """Levels of the four groups of a mix, in dB on top of those of their sounds.

    Parameters
    ----------
    kick, drums
        Lanes whose voices are kicks, and the other lanes.
    bass, music
        Parts about a pitch under `LOWEST_MUSIC`, and the other parts.
    """

    kick: float = 0.0
    drums: float = 0.0
    bass: float = 0.0
    music: float = 0.0


class Mastering(_Data):
    """How the mix is finished; see `edmlive.synth.mastering.Master`.

    Parameters
    ----------
    balance
        Mean level of each band in dB, relative to the mean of all bands.
    spread
        Standard deviation over tracks of each band's level, in dB.
    tape
        Wow and flutter of the finished track, 0...1.
    """

    loudness: Amount
    balance: Annotated[tuple[float, ...], Field(min_length=BANDS, max_length=BANDS)]
    spread: Annotated[tuple[float, ...], Field(min_length=BANDS, max_length=BANDS)]
    density: Amount = (0.3, 0.6)
    glue: Amount = (1.0, 3.0)
    punch: Amount = (0.005, 0.03)
    saturation: Amount = (0.0, 0.3)
    width: Amount = (0.8, 1.2)
    room: Amount = (0.0, 0.2)
    vinyl: Amount = (-90.0, -90.0)
    tape: Amount = (0.0, 0.0)


class Recipe(_Data):
    """A subgenre.

    Parameters
    ----------
    tempo
        10, 25, 50, 75 and 90 % quantiles in BPM.
    swing
        Delay of every second step, as a share of a step; 0.33 is a triplet feel.
    human
        Standard deviation of the players' timing, in ms.
    reverb, echo
        Seconds of the shared reverb; of the shared delay its length in steps of a sixteenth.
    riser
        Level in dB of risers and impacts.
    fill
        Share of the eight-bar phrases that end in a fill.
    """

    tempo: tuple[float, float, float, float, float]
    swing: Amount = (0.0, 0.0)
    human: Amount = (0.0, 1.0)
    reverb: Amount = (1.0, 3.0)
    echo: tuple[float, ...] = (3,)
    riser: Amount = (-16.0, -10.0)
    fill: float = 0.5
    harmony: Harmony
    drums: dict[str, Lane]
    parts: dict[str, Part]
    sections: tuple[Section, ...]
    faders: Faders = Faders()
    master: Mastering


def _signs(text: str, known: str) -> str:
    signs = text.replace(" ", "").replace("|", "")
    if unknown := set(signs) - set(known):
        raise ValueError(f"unknown sign {sorted(unknown)[0]!r} in {text!r}: choose from {known}")
    return signs


def draw(amount: tuple[float, float], rng: np.random.Generator) -> float:
    """Return an amount drawn uniformly from its range."""
    return steady(rng.uniform(*amount))


def choose(alternatives: tuple[T, ...], rng: np.random.Generator) -> T:
    """Return one of several alternatives, all equally likely."""
    return alternatives[int(rng.integers(len(alternatives)))]


@functools.cache
def recipes() -> dict[str, Recipe]:
    """Return all recipes by subgenre, in the paper's order."""
    tables: dict[str, Any] = {}
    for path in sorted(set(RECIPES.glob("*.toml")) - {FITTED}):
        family = tomllib.loads(path.read_text())
        defaults = family.pop("defaults", {})
        tables |= {genre: _merged(defaults, table) for genre, table in family.items()}
    tables = _merged(tables, tomllib.loads(FITTED.read_text()))
    return {genre: Recipe.model_validate(tables[genre]) for genre in SUBGENRES}


def recipe(genre: str) -> Recipe:
    """Return the recipe of a subgenre.

    Raises
    ------
    UserError
        There is no such subgenre.
    """
    if genre not in SUBGENRES:
        near = difflib.get_close_matches(genre, SUBGENRES, 1, 0.0)[0]
        raise UserError(f"There is no recipe for '{genre}'; the nearest name is '{near}'. All: {', '.join(SUBGENRES)}.")
    return recipes()[genre]


def _merged(defaults: dict[str, Any], table: dict[str, Any]) -> dict[str, Any]:
    merged = defaults | table
    for key in defaults.keys() & table.keys():
        if isinstance(defaults[key], dict) and isinstance(table[key], dict):
            merged[key] = _merged(defaults[key], table[key])
    return merged
