"""Scales, chords, and the harmony of a track."""

from dataclasses import dataclass

import numpy as np

from edmlive.synth.recipe import Harmony, choose

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "harmonic-minor": (0, 2, 3, 5, 7, 8, 11),
    "pentatonic-minor": (0, 3, 5, 5, 7, 10, 10),
}
"""Semitones above the tonic of seven degrees; a pentatonic scale doubles two of its own."""

CHORDS = {
    "unison": (0,),
    "fifth": (0, 4),
    "triad": (0, 2, 4),
    "sus": (0, 3, 4),
    "seventh": (0, 2, 4, 6),
    "ninth": (0, 2, 4, 6, 8),
}
"""Scale steps above the chord's root."""

KEYS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def degree(scale: tuple[int, ...], steps: int) -> int:
    """Return the semitones above the tonic of a scale degree, counted from 0 and over octaves."""
    return scale[steps % 7] + 12 * (steps // 7)


def near(pitch: float, register: int) -> float:
    """Return the octave of a pitch that lies nearest to a register, within a tritone."""
    return pitch + 12 * round((register - pitch) / 12)


@dataclass(frozen=True)
class Chords:
    """The harmony of a track.

    Parameters
    ----------
    tonic
        Pitch class 0...11.
    scale
        Name in `SCALES`.
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
        """Draw a harmony from a recipe's alternatives."""
        return cls(
            tonic,
            choose(harmony.scales, rng),
            choose(harmony.progressions, rng),
            choose(harmony.bars, rng),
            CHORDS[choose(harmony.chords, rng)],
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
