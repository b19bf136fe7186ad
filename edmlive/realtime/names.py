"""What answers are called: by the model's labels, by families, as Beatport did or does, or by names of one's own."""

import dataclasses
import difflib
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edmlive.errors import UserError
from edmlive.realtime.reading import Candidate, State
from edmlive.realtime.voter import Vote
from edmlive.sources.audio import Playing
from edmlive.spec import ModelSpec, SpecError, require_names
from edmlive.taxonomy import Shelf, agrees, shelf_of
from edmlive.util.toml_file import load_toml

FAMILIES, OF_2021, OF_2025 = "families", "2021", "2025"
_LISTS: dict[str, Callable[[Shelf], str]] = {
    FAMILIES: lambda shelf: shelf.family,
    OF_2021: lambda shelf: shelf.name,
    OF_2025: lambda shelf: shelf.of_2025,
}


@dataclass(frozen=True)
class Answer:
    """The part of a reading that comes from a vote; its fields are those of `Reading`."""

    state: State
    genre: str | None = None
    confidence: float | None = None
    top: tuple[Candidate, ...] = ()
    votes: dict[str, int] = dataclasses.field(default_factory=dict)
    family: str | None = None
    family_confidence: float | None = None
    set: tuple[str, ...] = ()


@dataclass(frozen=True)
class Names:
    """What the answers of a model are called.

    Parameters
    ----------
    genres
        Name by label of the model, in the model's order. A name that several labels have is as probable as they are
        together.
    families
        Family by label; labels that belong to none are missing.
    unsure_below
        Confidence under which an answer is *unsure*, 0..1.
    set_probability
        Sum of probabilities from which the likeliest genres hold the right one in 90 % of cases; 0 if unknown.
    """

    genres: dict[str, str]
    families: dict[str, str]
    unsure_below: float = 0.0
    set_probability: float = 0.0

    @property
    def all_genres(self) -> tuple[str, ...]:
        """Every name that an answer may have."""
        return tuple(dict.fromkeys(self.genres.values()))

    @property
    def all_families(self) -> tuple[str, ...]:
        """Every family that an answer may have."""
        return tuple(dict.fromkeys(self.families.values()))

    def answer(self, state: State, vote: Vote | None) -> Answer:
        """Return a vote by these names; the state says whether there is an answer at all.

        The winner of the vote stays the winner, unless some names stand for several labels: then the most probable
        name wins, and it may be sure where none of its labels is.
        """
        if vote is None or state not in (State.LISTENING, State.UNSURE):
            return Answer(state)
        sums, families, votes = defaultdict[str, float](float), defaultdict[str, float](float), Counter[str]()
        for candidate in vote.top:
            sums[self.genres[candidate.genre]] += candidate.confidence
            if candidate.genre in self.families:
                families[self.families[candidate.genre]] += candidate.confidence
        for label, count in vote.counts.items():
            votes[self.genres[label]] += count
        merged = len(sums) < len(vote.top)
        genre = max(sums, key=sums.__getitem__) if merged else self.genres[vote.genre]
        order = sorted(sums, key=lambda name: (name != genre, -sums[name]))
        family = max(families, key=families.__getitem__, default=None)
        if merged and state is State.UNSURE and vote.confidence < self.unsure_below <= sums[genre]:
            state = State.LISTENING
        return Answer(
            state,
            genre,
            sums[genre],
            tuple(Candidate(name, sums[name]) for name in order),
            {name: votes[name] for name in order if votes[name]},
            family,
            families[family] if family is not None else None,
            self._set(sums),
        )

    def _set(self, sums: Mapping[str, float]) -> tuple[str, ...]:
        """Return the fewest names that reach `set_probability` together, likeliest first."""
        if not self.set_probability:
            return ()
        order = sorted(sums, key=lambda name: -sums[name])
        reached = itertools.accumulate(sums[name] for name in order)
        enough = next((i for i, total in enumerate(reached, 1) if total >= self.set_probability), len(order))
        return tuple(order[:enough])

    def truth(self, playing: Playing | None) -> Playing | None:
        """Return what is playing by these names, where a label of the model means the same."""
        if playing is None or all(label == name for label, name in self.genres.items()):
            return playing
        shelf = shelf_of(playing.genre)
        same = [label for label in self.genres if agrees(label, playing.genre)]
        label = next((label for label in same if shelf_of(label) is shelf), same[0] if same else None)
        return playing if label is None else dataclasses.replace(playing, genre=self.genres[label])


def names_of(spec: ModelSpec, choice: "str | Path | Names | None" = None) -> Names:
    """Return what the answers of a model are called.

    Parameters
    ----------
    spec
        The model's spec.
    choice
        ``None`` for the model's labels; ``families``, ``2021`` or ``2025`` for edmlive's families or Beatport's names
        of that year; or a TOML file as in `read_tree`. Labels that the list or the file lacks keep their names.

    Raises
    ------
    UserError
        The file cannot be used, or the model has no label that Beatport or the paper had.
    """
    if isinstance(choice, Names):
        return choice
    shelves = {label: shelf for label in spec.labels if (shelf := shelf_of(label)) is not None}
    genres = {label: label for label in spec.labels}
    families = {label: shelf.family for label, shelf in shelves.items()}
    if choice is None:
        return Names(genres, families, spec.unsure_below, spec.set_probability)
    if (name := _LISTS.get(str(choice))) is not None:
        if not shelves:
            raise UserError(
                f"Model {spec.name} has no families and no other names: its labels are neither Beatport's nor the "
                "paper's, so give --labels a file of your own."
            )
        return Names(
            genres | {label: name(shelf) for label, shelf in shelves.items()},
            families,
            spec.unsure_below,
            spec.set_probability,
        )
    tree = read_tree(Path(choice), spec)
    genres |= {label: path[0] for label, path in tree.items()}
    own = {label: path[-1] for label, path in tree.items() if len(path) > 1 or label not in families}
    return Names(genres, families | own, spec.unsure_below, spec.set_probability)


def read_tree(path: Path, spec: ModelSpec) -> dict[str, tuple[str, ...]]:
    """Read a tree of names from a TOML file.

    A key is a name; its value is what belongs to it: a label of the model, another name, a list of those, or a table of
    further names. A copy of edmlive's own `taxonomy.toml` is such a file too: a table with a ``class`` is a label.

    Returns
    -------
    dict
        By label, the names above it, from the nearest to the topmost.

    Raises
    ------
    UserError
        The file is empty or not TOML, names something that the model does not know, has a name under two others, or
        under itself.
    """
    _, document = load_toml(path)
    try:
        edges = list(_edges(document))
    except TypeError as error:
        raise UserError(f"{path} is no tree of names: {error}.") from None
    if not edges:
        raise UserError(f'{path} names nothing: give at least one name and what belongs to it, as in A = ["B", "C"].')
    groups = {parent for parent, _, _ in edges}
    above: dict[tuple[str, bool], str] = {}
    for parent, child, is_group in edges:
        group = child in groups and child != parent if is_group is None else is_group
        if not group and child not in spec.labels:
            nearest = difflib.get_close_matches(child, [*spec.labels, *groups - {parent}], 1, 0.0)
            raise UserError(
                f"{path} has '{child}' under '{parent}', which model {spec.name} does not know: the nearest name is "
                f"'{nearest[0]}'."
            )
        other = above.setdefault((child, group), parent)
        if other != parent:
            raise UserError(f"{path} has '{child}' under both '{other}' and '{parent}': keep one.")
    return {child: names for child, group in above if (names := _climb(path, child, group, above)) and not group}


def _edges(table: dict[str, Any], parent: str | None = None) -> Iterator[tuple[str, str, bool | None]]:
    """Yield (name, what belongs to it, whether that is a name and no label, if it is certain), from the top."""
    for name, value in table.items():
        _require(name)
        if parent is not None:
            is_shelf = isinstance(value, dict) and "class" in value
            yield parent, name, not is_shelf
            if is_shelf:
                continue
        if isinstance(value, dict) and value:
            yield from _edges(value, name)
            continue
        children = [value] if isinstance(value, str) else value
        if not isinstance(children, list) or not children or not all(isinstance(child, str) for child in children):
            raise TypeError(f"'{name}' holds neither labels nor names, but {value!r}"[:200])
        for child in children:
            _require(child)
            yield name, child, None


def _require(name: str) -> None:
    try:
        require_names("name", (name,))
    except SpecError as error:
        raise TypeError(str(error)) from None


def _climb(path: Path, name: str, group: bool, above: dict[tuple[str, bool], str]) -> tuple[str, ...]:
    names = [above[name, group]]
    while (parent := above.get((names[-1], True))) is not None:
        if parent in names:
            circle = [*names[names.index(parent) :], parent]
            raise UserError(f"{path} goes round in a circle: {' > '.join(reversed(circle))}.")
        names.append(parent)
    return tuple(names)
