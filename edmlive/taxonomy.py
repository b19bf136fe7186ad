"""Electronic genres: families, shelves, their names over the years, and which labels mean the same music.

`taxonomy.toml` is the tree: 11 families of the 32 shelves that Beatport had in January 2021, each with its names of
2016 and 2025 and with the paper's subgenres that belong to it.

Beatport renames, splits and merges its genres. The paper's thirty date from 2017 or later, and some are from the second
level of the taxonomy (three kinds of trance, three of drum and bass, two of big room). The classes of `COMMON` are the
finest partition that splits none of the labels of 2016 and 2021 and of the thirty.

A label goes with its namesake, or with the genre that it was split from or merged into: "Trap-Hip-Hop-R&B" is trap,
future bass, hip-hop and R&B; "Funky-Groove-Jackin' House" was split from house, "Melodic House&Techno" largely from
progressive house, "Ambient" from electronica. "Hardcore / Hard Techno" became two: in 2021 "Hard Dance-Hardcore" has
the hardcore and "Hard Techno" the rest. Second-level subgenres go with their parent.

Some labels have **no counterpart** among the thirty. So that none was placed by ear or to suit the rendered music, they
go where a classifier puts most of their tracks that was trained on real tracks whose label has a counterpart (extremely
randomised trees on 71 descriptors of both tables; the share of the label's tracks in brackets):

- Techno (Peak Time-Driving) and Techno (Raw-Deep-Hypnotic) to hard techno (60 % and 70 %), as does plain Techno of 2016
  (26 %). Dub techno is the thirty's only other techno, hence one class of all of it.
- Organic House-Downtempo to deep house (44 %), and Afro House (30 %, as many to progressive house), and
  IndieDanceNuDisco of 2016 (32 %).
- Indie Dance to progressive house (54 %), Nu Disco-Disco to house (40 %), Bass House to tech house (38 %).
- FunkRAndB of 2016 to glitch hop (34 %).
- Electro (Classic-Detroit-Modern) to leftfield house and techno: 48 % among the tracks of 2021, the only ones with
  that genre; with those of 2016 as well, breaks come first (26 %).

Glitch hop has no label in 2021 and stands with hip-hop, whose beat it has and where R&B went as well.
"""

import tomllib
from dataclasses import dataclass
from importlib import resources

SUBGENRES = (
    "hard-dance",
    "deep-house",
    "glitch-hop",
    "progressive-big-room",
    "electro-big-room",
    "trap-future-bass",
    "jumpup-drum-and-bass",
    "progressive-trance",
    "uplifting-trance",
    "garage-baseline-grime",
    "electro-house",
    "house",
    "psy-trance",
    "leftfield-bass",
    "hip-hop-r-and-b",
    "tech-trance",
    "minimal-deep-tech",
    "progressive-house",
    "future-house",
    "tech-house",
    "leftfield-house-and-techno",
    "electronica-downtempo",
    "liquid-drum-and-bass",
    "breaks",
    "dance",
    "dubstep",
    "dub-techno",
    "reggae-dancehall-dub",
    "hardcore-hard-techno",
    "jungle-drum-and-bass",
)
"""The paper's thirty subgenres, in the order of its authors' released code."""


@dataclass(frozen=True)
class Shelf:
    """A shelf of Beatport in January 2021.

    Parameters
    ----------
    name
        What it was called.
    family
        The family it belongs to.
    common
        Its class in `COMMON`.
    of_2016, of_2025
        What it was and is called; ``None`` where there was none in 2016.
    thirty
        The paper's subgenres that belong to it.
    near
        Labels of any list that have no shelf of their own, and this is the nearest.
    """

    name: str
    family: str
    common: str
    of_2016: str | None
    of_2025: str
    thirty: tuple[str, ...]
    near: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that belongs here: the paper's, then its name, then those of other years."""
        named = (*self.thirty, self.name, self.of_2016, self.of_2025, *self.near)
        return tuple(dict.fromkeys(label for label in named if label is not None))


def _read() -> tuple[Shelf, ...]:
    tree = tomllib.loads(resources.files("edmlive").joinpath("taxonomy.toml").read_text(encoding="utf-8"))
    return tuple(
        Shelf(
            name,
            family,
            shelf["class"],
            shelf.get("2016"),
            shelf["2025"],
            tuple(shelf.get("thirty", ())),
            tuple(shelf.get("near", ())),
        )
        for family, shelves in tree.items()
        for name, shelf in shelves.items()
    )


SHELVES = _read()
"""The shelves of 2021, family by family."""

FAMILIES = tuple(dict.fromkeys(shelf.family for shelf in SHELVES))
"""The families."""

NAMES_OF_2021 = {shelf.of_2016: shelf.name for shelf in SHELVES if shelf.of_2016 not in (None, shelf.name)}
"""Genres of November 2016 that had another name by January 2021. Those that were split in between (Techno,
IndieDanceNuDisco, ElectronicaDowntempo, ...) are not in it."""

_SHELF_OF = {label: shelf for shelf in reversed(SHELVES) for label in shelf.labels}
_SHELF_OF |= {shelf.name: shelf for shelf in SHELVES}


def _common() -> dict[str, tuple[str, ...]]:
    """Return the labels of each class; one that is in several, as Mainstage of 2025 is, belongs to none."""
    classes: dict[str, dict[str, None]] = {name: {} for name in sorted({shelf.common for shelf in SHELVES})}
    for shelf in SHELVES:
        classes[shelf.common] |= dict.fromkeys(shelf.labels)
    once = [label for labels in classes.values() for label in labels]
    return {name: tuple(label for label in labels if once.count(label) == 1) for name, labels in classes.items()}


COMMON = _common()
"""Labels of each common class, in alphabetical order."""

_CLASS_OF = {label: name for name, labels in COMMON.items() for label in labels}


def shelf_of(label: str) -> Shelf | None:
    """Return the shelf that a label of any list belongs to, or the first of several; ``None`` if it is in no list."""
    return _SHELF_OF.get(label)


def common(label: str) -> str:
    """Return the common class of a label.

    Parameters
    ----------
    label
        One of the thirty subgenres, or a Beatport label of 2016, 2021 or 2025.

    Returns
    -------
    str
        A key of `COMMON`.

    Raises
    ------
    KeyError
        The label is unknown, or in several classes as Mainstage is.
    """
    return _CLASS_OF[label]


def agrees(predicted: str, true: str) -> bool:
    """Return whether two labels are the same or have the same common class.

    Parameters
    ----------
    predicted, true
        Any labels; one that is neither Beatport's nor among the thirty agrees only with itself.
    """
    return predicted == true or (true in _CLASS_OF and _CLASS_OF.get(predicted) == _CLASS_OF[true])
