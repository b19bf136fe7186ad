"""Building blocks of percussion: noise, filters, ringing modes, saturation, and the end of a hit."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edmlive.synth.audio import RATE, Samples, length, steady
from edmlive.synth.envelopes import decay
from edmlive.synth.kernels.dynamics import soft_clip
from edmlive.synth.kernels.filters import state_variable
from edmlive.synth.kernels.oscillators import SINE, oscillate

LONGEST_SECONDS = 2.0
"""Length of the longest hit."""
_FADE_SECONDS = 0.01


def span(seconds: float) -> int:
    """Return the length in samples of a hit that decays for some seconds, including its final fade."""
    return length(min(seconds + _FADE_SECONDS, LONGEST_SECONDS))


def noise(rng: np.random.Generator, samples: int) -> Samples:
    """Return white noise, uniform within -1...1."""
    return rng.random(samples, dtype=np.float32) * np.float32(2) - np.float32(1)


def filtered(
    sound: NDArray[np.floating], response: int, hertz: float | NDArray[np.float64], resonance: float = 0.7
) -> Samples:
    """Return the sound through a state-variable filter; see `edmlive.synth.kernels.filters`."""
    out = np.array(sound, np.float32)
    state_variable(out, np.atleast_1d(np.asarray(hertz, np.float64)), RATE, resonance, response)
    return out


def modes(
    hertz: NDArray[np.float64], ratios: Sequence[float], levels: Sequence[float], seconds: Sequence[float]
) -> NDArray[np.float64]:
    """Return the ringing modes of a struck body: sines that each decay at a rate of their own.

    Parameters
    ----------
    hertz
        Frequency of the lowest mode at each sample, shape (samples,).
    ratios, levels, seconds
        Of each mode: frequency relative to the lowest, level, and seconds until it is 60 dB down.
    """
    out = np.zeros(len(hertz))
    for ratio, level, fall in zip(ratios, levels, seconds, strict=True):
        count = min(length(1.5 * fall), len(hertz))
        out[:count] += oscillate(SINE, hertz[:count] * ratio, RATE, 0.0, 0.5) * (level * decay(count, fall))
    return out


def saturate(sound: NDArray[np.floating], amount: float) -> Samples:
    """Return the sound softly clipped at 1.

    Parameters
    ----------
    sound
        Shape (samples,), peaks of about 1.
    amount
        0 leaves it nearly alone (at half its level), 1 boosts it by 30 dB first, which makes a sine almost square.
    """
    out = np.array(sound, np.float32)
    soft_clip(out, steady(0.5 + 31.0 * amount * amount))
    return out


def dulling(velocity: float) -> float:
    """Return the share of a hit's brightness that is left at a velocity: a softer stroke is duller, too."""
    return 0.5 + 0.5 * velocity


def normal(sound: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the sound with its peak at 1; silence stays silence."""
    return np.asarray(sound, np.float64) / max(float(np.abs(sound).max()), 1e-9)


def finish(sound: NDArray[np.floating], velocity: float) -> Samples:
    """Return a finished hit: silent at its end, without offset, its peak the velocity."""
    out = np.array(sound[: length(LONGEST_SECONDS)], np.float64)
    samples = len(out)
    fade = min(length(_FADE_SECONDS), samples)
    out[-fade:] *= np.arange(fade - 1, -1, -1) / fade
    place = np.arange(samples) / samples
    hump = place * (1.0 - place) * (1.0 - place)
    out -= hump * (out.sum() / hump.sum())
    return (normal(out) * velocity).astype(np.float32)
