"""Composition: from a recipe to the hits of each lane and the notes of each part."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edmlive.synth.arrangement import Segment
from edmlive.synth.audio import RATE, steady
from edmlive.synth.harmony import Chords
from edmlive.synth.recipe import KICKS, Lane, Part, choose

ACCENT, PLAIN, GHOST = 1.0, 0.8, 0.4
PHRASE = 8
"""Bars in a phrase, at whose end fills fall."""
SNARES = frozenset({"snare", "clap"})
"""Voices that roll before a drop."""
_VELOCITIES = {"X": ACCENT, "o": GHOST, "G": GHOST}
_MOTIF_NOTES = 16


@dataclass(frozen=True)
class Hit:
    """A hit of a drum: its first sample, velocity 0...1, and sign in the grid, which for a break names the stroke."""

    start: int
    velocity: float
    stroke: str


@dataclass(frozen=True)
class Note:
    """A note: its first sample, length in seconds, MIDI pitch and velocity 0...1."""

    start: int
    seconds: float
    pitch: float
    velocity: float


@dataclass(frozen=True)
class Clock:
    """Musical time in samples.

    Parameters
    ----------
    bpm
        Beats in a minute; four are a bar.
    swing
        Delay of every second step, as a share of a step.
    human
        Standard deviation of the players' timing in samples.
    """

    bpm: float
    swing: float
    human: float

    @property
    def bar(self) -> float:
        """Samples in a bar."""
        return 240.0 * RATE / self.bpm

    def sample(self, bar: int, step: float, steps: int) -> int:
        """Return the sample at which a step of a bar begins on the grid."""
        return round((bar + step / steps) * self.bar)

    def played(self, bar: int, step: int, steps: int, rng: np.random.Generator) -> int:
        """Return the sample at which a step is played, with swing and human timing."""
        late = self.swing if step % 2 and steps % 3 else 0.0
        straying = (rng.random() + rng.random() + rng.random() - 1.5) * 2.0 * self.human
        return max(0, self.sample(bar, step + late, steps) + round(straying))


def hits(
    lane: Lane, name: str, segments: tuple[Segment, ...], clock: Clock, fill: float, rng: np.random.Generator
) -> list[Hit]:
    """Play a drum lane.

    Parameters
    ----------
    lane, name
        The lane and its name in the recipe.
    segments
        The track's form.
    clock
        Its time.
    fill
        Share of the phrases that end in a fill.
    rng
        Draws the grid, hits that are left to chance, velocities and timing.
    """
    grid = choose(lane.grids, rng)
    played: list[Hit] = []
    for segment in segments:
        for bar in range(segment.first, segment.last):
            for step, sign in enumerate(_drum_bar(lane, name, grid, segment, bar, fill, rng)):
                played += _strokes(sign, bar, step, lane.steps, clock, rng)
    return played


def _drum_bar(
    lane: Lane, name: str, grid: str, segment: Segment, bar: int, fill: float, rng: np.random.Generator
) -> str:
    """Return the signs of a bar: the grid's, with a fill where a phrase ends, or the roll before a drop."""
    left = segment.last - bar
    filling = (bar % PHRASE == PHRASE - 1 or left == 1) and rng.random() < fill
    signs = "." * lane.steps
    if name in segment.plays:
        signs = _bar(grid, lane.steps, bar)
        signs = _filled(signs, lane, rng) if filling else signs
    rolling = segment.rises and left <= 4 and not SNARES.isdisjoint(lane.voice)
    return _roll(lane.steps, left) if rolling else signs


def _strokes(sign: str, bar: int, step: int, steps: int, clock: Clock, rng: np.random.Generator) -> list[Hit]:
    """Return the hits that a sign stands for: none, one, or three."""
    if sign == "." or (sign == "?" and rng.random() < 0.5):
        return []
    played = []
    for part in (0.0, 1 / 3, 2 / 3) if sign == "!" else (0.0,):
        start = clock.played(bar, step, steps, rng) + round(part * clock.bar / steps)
        velocity = _VELOCITIES.get(sign, PLAIN) * (1.0 - 0.25 * part) * rng.uniform(0.9, 1.0)
        played.append(Hit(start, steady(velocity), sign))
    return played


def notes(
    part: Part, name: str, segments: tuple[Segment, ...], clock: Clock, chords: Chords, rng: np.random.Generator
) -> list[Note]:
    """Play a tonal part; the parameters are those of `hits`, and the track's harmony."""
    pattern, about = choose(part.patterns, rng), choose(part.pitch, rng)
    share = rng.uniform(*part.length)
    line = _Line(chords, about, part.steps, _motif(rng), rng.permutation(16))
    played: list[Note] = []
    for segment in segments:
        if name not in segment.plays:
            continue
        signs = "".join(_bar(pattern, part.steps, bar) for bar in range(segment.first, segment.last))
        for place, sign in enumerate(signs):
            if sign in ".-":
                continue
            bar, step = segment.first + place // part.steps, place % part.steps
            start = clock.played(bar, step, part.steps, rng)
            velocity = steady(rng.uniform(0.75, 0.85) + (0.15 if step % (part.steps // 4) == 0 else 0.0))
            held = 1 + len(signs[place + 1 :]) - len(signs[place + 1 :].lstrip("-"))
            seconds = steady(held * (240.0 / clock.bpm / part.steps) * (share if held == 1 else max(share, 0.9)))
            played += [Note(start, seconds, pitch, velocity) for pitch in line.pitches(signs, place, bar)]
    return played


@dataclass(frozen=True)
class _Line:
    """What decides a part's pitches: chords, register, steps in a bar, motif, and the order of its arpeggios."""

    chords: Chords
    about: int
    steps: int
    motif: list[int]
    order: NDArray[np.int64]

    def pitches(self, signs: str, place: int, bar: int) -> list[float]:
        """Return the MIDI pitches that a sign of a segment stands for, which falls into a bar of the track."""
        step = place % self.steps
        now = bar + step / self.steps
        chord = self.chords.notes(now, self.about)
        match signs[place]:
            case "x":
                return chord
            case "^":
                ladder = chord + [pitch + 12 for pitch in chord]
                return [ladder[_rung(signs.count("^", 0, place), len(ladder), self.order)]]
            case "?":  # the motif begins anew every two bars
                played = signs.count("?", place - place % (2 * self.steps), place)
                return [self.chords.pitch(self._sung(self.motif[played % _MOTIF_NOTES], now, step), self.about)]
            case number:
                return [self.chords.pitch(self.chords.root(now), self.about) + self.chords.above(now, int(number))]

    def _sung(self, steps: int, now: float, step: int) -> int:
        """Return a motif's scale degree from 0; on a beat the nearest note of the chord."""
        root = self.chords.root(now)
        if step % 4:
            return root + steps
        tones = (7 * octave + tone for octave in (-1, 0, 1) for tone in self.chords.steps)
        return root + min(tones, key=lambda tone: abs(tone - steps))


def _bar(pattern: str, steps: int, bar: int) -> str:
    bars = max(1, len(pattern) // steps)
    first = bar % bars * steps
    return pattern[first : first + steps]


def _filled(signs: str, lane: Lane, rng: np.random.Generator) -> str:
    """Return a bar whose last beat is a fill: kicks pause, snares roll, hats continue."""
    beat = lane.steps // 4
    if KICKS & set(lane.voice) and rng.random() < 0.5:
        return signs[:-beat] + "." * beat
    if (SNARES | {"tom", "conga"}) & set(lane.voice):
        return signs[:-beat] + "".join("oxxX"[4 * k // beat] if rng.random() < 0.8 else "." for k in range(beat))
    if "break" in lane.voice:
        return signs[:-beat] + "".join("SGSS"[4 * k // beat] for k in range(beat))
    return signs


def _roll(steps: int, left: int) -> str:
    """Return a bar of the snare roll that leads into a drop: quarters, eighths, then sixteenths."""
    every = max(1, steps // {1: 16, 2: 8}.get(left, 4))
    return "".join("x" if step % every == 0 else "." for step in range(steps))


def _motif(rng: np.random.Generator) -> list[int]:
    """Draw a tune in scale steps relative to its chord's root: small steps, with an occasional leap."""
    steps, here = [], 0
    for _ in range(_MOTIF_NOTES):
        steps.append(here)
        here += int(rng.choice([-2, -1, -1, 0, 1, 1, 2, 4]))
        here -= 7 * (here > 7) - 7 * (here < -4)
    return steps


def _rung(count: int, rungs: int, order: NDArray[np.int64]) -> int:
    """Return the index of the next note of an arpeggio: up, up and down, or shuffled, as drawn for the track."""
    style = int(order[0]) % 3
    if style == 0:
        return count % rungs
    if style == 1:
        turn = count % max(1, 2 * rungs - 2)
        return min(turn, max(0, 2 * rungs - 2 - turn))
    return int(order[count % len(order)]) % rungs
