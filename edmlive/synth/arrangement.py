"""The form of a track: its sections, their lengths, and what plays in each."""

from dataclasses import dataclass

from edmlive.synth.recipe import Recipe, Section

PHRASE = 4
"""Bars between which nothing changes."""
SHORTEST_FORM = 16
"""Bars below which a track is a single section: too short for a form."""


@dataclass(frozen=True)
class Segment:
    """A section of a recipe, placed in a track.

    Parameters
    ----------
    name
        Such as intro, build, drop, breakdown, outro.
    first, last
        Its first bar from 0, and the first bar after it.
    plays
        Names of the lanes and parts that play.
    opens
        Octaves by which low-pass filters open over its length.
    rises
        Whether it ends in a riser and a roll.
    """

    name: str
    first: int
    last: int
    plays: frozenset[str]
    opens: float
    rises: bool

    @property
    def bars(self) -> int:
        """Its length in bars."""
        return self.last - self.first


def arrange(recipe: Recipe, bars: int) -> tuple[Segment, ...]:
    """Scale a recipe's sections to a number of bars; they begin and end between phrases.

    A track under `SHORTEST_FORM` bars is the section in which most lanes and parts play, alone.

    Parameters
    ----------
    recipe
        Of a subgenre.
    bars
        Length of the track.

    Returns
    -------
    tuple of Segment
        In order; together they cover all bars.
    """
    sections = recipe.sections
    if bars < SHORTEST_FORM:
        sections = (max(sections, key=lambda section: len(_names(recipe, section))),)
    whole = sum(section.bars for section in sections)
    segments: list[Segment] = []
    first, written = 0, 0.0
    for k, section in enumerate(sections):
        written += section.bars
        last = PHRASE * round(bars * written / whole / PHRASE)
        if k == len(sections) - 1 or bars - last < PHRASE:
            last = bars
        if last > first:
            plays = _names(recipe, section)
            segments.append(Segment(section.name, first, last, plays, section.opens, section.rises))
            first = last
    return tuple(segments)


def _names(recipe: Recipe, section: Section) -> frozenset[str]:
    """Lanes and parts that a section's words mean, each word adding or, after a dash, taking away."""
    every = {"drums": set(recipe.drums), "all": set(recipe.drums) | set(recipe.parts)}
    names: set[str] = set()
    for word in section.plays:
        chosen = every.get(word.removeprefix("-"), {word.removeprefix("-")})
        names = names - chosen if word.startswith("-") else names | chosen
    return frozenset(names)
