"""A singing voice: a buzz through the resonances of a mouth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edmlive.synth.audio import RATE, Samples
from edmlive.synth.kernels.filters import HIGH, LOW, state_variable
from edmlive.synth.voices.hits import noise
from edmlive.synth.voices.tone import adsr, falling, filtered, spread, tuned, unison, voiced

FORMANTS = np.array(
    [
        [370.0, 950.0, 2670.0],  # u as in "hood"
        [590.0, 920.0, 2710.0],  # o as in "awed"
        [850.0, 1220.0, 2810.0],  # a as in "hod"
        [610.0, 2330.0, 2990.0],  # e as in "head"
        [310.0, 2790.0, 3310.0],  # i as in "heed"
    ]
)
"""First three formants of women's vowels in Hz (Peterson and Barney, JASA 24, 1952), shape (5, 3)."""
_BANDWIDTHS = (80.0, 100.0, 140.0, 220.0, 300.0)
_UPPER = (3900.0, 4900.0)


@dataclass(frozen=True)
class Vocal:
    """One or more voices on a vowel that may turn into another: chops, hooks and choirs.

    Parameters
    ----------
    vowel
        u, o, a, e, i are 0, 1, 2, 3, 4: 0...4.
    towards
        The vowel it turns into: 0...4.
    turn
        Seconds that takes: 0.05...1.
    size
        Of the formants: 0.8 a man, 1 a woman, above it a child or a sample played fast: 0.7...1.6.
    voices
        Cents between the voices of a choir; 0 is one voice: 0...30.
    breath
        Level of breath: 0...0.6.
    slide
        Semitones from which the pitch arrives: -12...12.
    vibrato
        Cents: 0...80.
    attack
        Seconds: 0.005...1.
    release
        Seconds: 0.02...1.2.
    """

    vowel: float = 2.0
    towards: float = 1.0
    turn: float = 0.3
    size: float = 1.0
    voices: float = 0.0
    breath: float = 0.1
    slide: float = -1.0
    vibrato: float = 20.0
    attack: float = 0.03
    release: float = 0.15

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, self.attack, 1.0, 1.0, self.release)
        frequency = tuned(len(envelope), pitch, self.slide, 0.15, self.vibrato)
        sound = unison(rng, frequency, spread(self.voices, 3) if self.voices > 0 else [0.0])
        air = noise(rng, len(envelope))
        sound += np.float32(self.breath) * air
        turned = falling(len(envelope), 0.0, 1.0, self.turn)
        # All-pole resonances in a row have the levels of a real mouth by themselves.
        tract = zip([*_formants(self.vowel), *_UPPER], [*_formants(self.towards), *_UPPER], _BANDWIDTHS, strict=True)
        for start, end, bandwidth in tract:
            cutoff = self.size * (start + (end - start) * turned)
            state_variable(sound, cutoff, RATE, start / bandwidth, LOW)
        # What hisses between the teeth does not go through the throat.
        sound += np.float32(0.3 * self.breath) * np.abs(sound).max() * filtered(air, 4000.0, 0.0, HIGH)
        return voiced(sound, envelope, velocity)


def _formants(vowel: float) -> NDArray[np.float64]:
    lower = min(int(vowel), len(FORMANTS) - 2)
    between: NDArray[np.float64] = FORMANTS[lower] + (vowel - lower) * (FORMANTS[lower + 1] - FORMANTS[lower])
    return between
