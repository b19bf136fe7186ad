"""Composition: from a recipe to the hits of each lane and the notes of each part."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edmlive.synth.arrangement import Stretch
from edmlive.synth.audio import RATE, steady
from edmlive.synth.harmony import CHORDS, SCALES, degree, near
from edmlive.synth.recipe import KICKS, Harmony, Lane, Part

ACCENT, PLAIN, GHOST = 1.0, 0.8, 0.4
PHRASE = 8
"""Bars after which fills fall and motifs begin anew."""
_VELOCITIES = {"X": ACCENT, "o": GHOST, "G": GHOST}
_MOTIF_NOTES = 16


@dataclass(frozen=True)
class Hit:
    """A stroke of a drum: its first sample, velocity 0...1, and which stroke of a break it is."""

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
        Part of a step by which every second step comes late.
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
        """Return the sample at which a step of a bar begins, as the grid has it."""
        return round((bar + step / steps) * self.bar)

    def played(self, bar: int, step: int, steps: int, rng: np.random.Generator) -> int:
        """Return the sample at which a step is played: swung, and as exactly as a human would."""
        late = self.swing if step % 2 and steps % 3 else 0.0
        straying = (rng.random() + rng.random() + rng.random() - 1.5) * 2.0 * self.human
        return max(0, self.sample(bar, step + late, steps) + round(straying))


@dataclass(frozen=True)
class Chords:
    """The harmony that a track has drawn.

    Parameters
    ----------
    tonic
        Pitch class 0...11.
    scale
        Name in `edmlive.synth.harmony.SCALES`.
    progression
        Scale degrees from 1, one for each chord.
    bars
        Bars that a chord lasts.
    steps
        Scale steps above the root of its notes.
    """

    tonic: int
    scale: str
    progression: tuple[int, ...]
    bars: float
    steps: tuple[int, ...]

    @classmethod
    def drawn(cls, harmony: Harmony, tonic: int, rng: np.random.Generator) -> "Chords":
        """Draw from a recipe's alternatives."""
        return cls(
            tonic,
            harmony.scales[rng.integers(len(harmony.scales))],
            harmony.progressions[rng.integers(len(harmony.progressions))],
            harmony.bars[rng.integers(len(harmony.bars))],
            CHORDS[harmony.chords[rng.integers(len(harmony.chords))]],
        )

    def root(self, bar: float) -> int:
        """Return the root of the chord at a bar, as a scale degree from 0."""
        return self.progression[int(bar // self.bars) % len(self.progression)] - 1

    def pitch(self, steps: int, about: int) -> float:
        """Return the MIDI pitch of a scale degree, at most a tritone from another pitch."""
        return near(self.tonic + degree(SCALES[self.scale], steps), about)

    def above(self, bar: float, number: int) -> int:
        """Return the semitones from the root of the chord at a bar up to its 1st, 2nd, ... scale step."""
        root, scale = self.root(bar), SCALES[self.scale]
        return degree(scale, root + number - 1) - degree(scale, root)

    def notes(self, bar: float, about: int) -> list[float]:
        """Return the chord at a bar from its lowest note up, voiced about a pitch."""
        return sorted({self.pitch(self.root(bar) + step, about) for step in self.steps})


def hits(
    lane: Lane, name: str, stretches: tuple[Stretch, ...], clock: Clock, fill: float, rng: np.random.Generator
) -> list[Hit]:
    """Play a drum lane.

    Parameters
    ----------
    lane, name
        The lane and its name in the recipe.
    stretches
        The track's form.
    clock
        Its time.
    fill
        Share of the phrases that end in a fill.
    rng
        Draws the grid, what is left to chance, velocities and timing.
    """
    grid = lane.grids[rng.integers(len(lane.grids))]
    played: list[Hit] = []
    for stretch in stretches:
        for bar in range(stretch.first, stretch.last):
            left = stretch.last - bar
            filling = (bar % PHRASE == PHRASE - 1 or left == 1) and rng.random() < fill
            signs = _bar(grid, lane.steps, bar) if name in stretch.plays else "." * lane.steps
            if filling and name in stretch.plays:
                signs = _filled(signs, lane, rng)
            if stretch.rises and left <= 4 and {"snare", "clap"} & set(lane.voice):
                signs = _roll(lane.steps, left)
            for step, sign in enumerate(signs):
                if sign == "." or (sign == "?" and rng.random() < 0.5):
                    continue
                strokes = (0.0, 1 / 3, 2 / 3) if sign == "!" else (0.0,)
                for part in strokes:
                    start = clock.played(bar, step, lane.steps, rng) + round(part * clock.bar / lane.steps)
                    velocity = _VELOCITIES.get(sign, PLAIN) * (1.0 - 0.25 * part) * rng.uniform(0.9, 1.0)
                    played.append(Hit(start, steady(velocity), sign))
    return played


def notes(
    part: Part, name: str, stretches: tuple[Stretch, ...], clock: Clock, chords: Chords, rng: np.random.Generator
) -> list[Note]:
    """Play a tonal part; the parameters are those of `hits`, and the track's harmony."""
    pattern = part.patterns[rng.integers(len(part.patterns))]
    about = part.pitch[rng.integers(len(part.pitch))]
    share = rng.uniform(*part.length)
    motif = _motif(rng)
    order = rng.permutation(16)
    step_seconds = 240.0 / clock.bpm / part.steps
    played: list[Note] = []
    for stretch in stretches:
        if name not in stretch.plays:
            continue
        signs = "".join(_bar(pattern, part.steps, bar) for bar in range(stretch.first, stretch.last))
        arpeggio = asked = 0
        for place, sign in enumerate(signs):
            bar, step = stretch.first + place // part.steps, place % part.steps
            if place % (2 * part.steps) == 0:
                asked = 0
            if sign in ".-":
                continue
            held = 1
            while place + held < len(signs) and signs[place + held] == "-":
                held += 1
            now = bar + step / part.steps
            if sign == "x":
                pitches = chords.notes(now, about)
            elif sign == "^":
                ladder = chords.notes(now, about) + [pitch + 12 for pitch in chords.notes(now, about)]
                pitches = [ladder[_rung(arpeggio, len(ladder), order)]]
                arpeggio += 1
            elif sign == "?":
                pitches = [chords.pitch(_sung(motif[asked % _MOTIF_NOTES], chords, now, step), about)]
                asked += 1
            else:
                pitches = [chords.pitch(chords.root(now), about) + chords.above(now, int(sign))]
            start = clock.played(bar, step, part.steps, rng)
            velocity = steady(rng.uniform(0.75, 0.85) + (0.15 if step % (part.steps // 4) == 0 else 0.0))
            seconds = steady(held * step_seconds * (share if held == 1 else max(share, 0.9)))
            played += [Note(start, seconds, pitch, velocity) for pitch in pitches]
    return played


def _bar(pattern: str, steps: int, bar: int) -> str:
    bars = max(1, len(pattern) // steps)
    first = bar % bars * steps
    return pattern[first : first + steps]


def _filled(signs: str, lane: Lane, rng: np.random.Generator) -> str:
    """Return a bar whose last beat is a fill: kicks pause, snares roll, hats go on."""
    beat = lane.steps // 4
    if KICKS & set(lane.voice) and rng.random() < 0.5:
        return signs[:-beat] + "." * beat
    if {"snare", "clap", "tom", "conga"} & set(lane.voice):
        return signs[:-beat] + "".join("oxxX"[4 * k // beat] if rng.random() < 0.8 else "." for k in range(beat))
    if "break" in lane.voice:
        return signs[:-beat] + "".join("SGSS"[4 * k // beat] for k in range(beat))
    return signs


def _roll(steps: int, left: int) -> str:
    """Return a bar of the snare roll that leads into a drop: quarters, eighths, then sixteenths."""
    every = max(1, steps // {1: 16, 2: 8}.get(left, 4))
    return "".join("x" if step % every == 0 else "." for step in range(steps))


def _motif(rng: np.random.Generator) -> list[int]:
    """Return a tune as scale steps about its chord's root: small steps, now and then a leap."""
    steps, here = [], 0
    for _ in range(_MOTIF_NOTES):
        steps.append(here)
        here += int(rng.choice([-2, -1, -1, 0, 1, 1, 2, 4]))
        here -= 7 * (here > 7) - 7 * (here < -4)
    return steps


def _sung(step: int, chords: Chords, bar: float, place: int) -> int:
    """Return a motif's scale degree from 0; on a beat the nearest note of the chord."""
    root = chords.root(bar)
    if place % 4:
        return root + step
    tones = (7 * octave + tone for octave in (-1, 0, 1) for tone in chords.steps)
    return root + min(tones, key=lambda tone: abs(tone - step))


def _rung(count: int, rungs: int, order: NDArray[np.int64]) -> int:
    """Return which note of the ladder comes next: up, up and down, or in a shuffled order, as the track has drawn."""
    style = int(order[0]) % 3
    if style == 0:
        return count % rungs
    if style == 1:
        turn = count % max(1, 2 * rungs - 2)
        return min(turn, max(0, 2 * rungs - 2 - turn))
    return int(order[count % len(order)]) % rungs
