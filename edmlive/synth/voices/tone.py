"""Building blocks of tonal voices: tuned oscillators, moving filters, and the envelope of a note."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edmlive.synth.audio import RATE, Samples, hertz, length, steady
from edmlive.synth.envelopes import curve
from edmlive.synth.kernels.filters import LOW, ladder, state_variable
from edmlive.synth.kernels.oscillators import PULSE, SAW, SINE, glide, modulated_sine, oscillate

Curve = NDArray[np.float64]
"""A quantity at each sample, shape (samples,)."""

_DECIBELS_60 = math.log(1000.0)


def falling(samples: int, start: float, end: float, seconds: float) -> Curve:
    """Return an exponential fall (or rise) of which a thousandth is left after some seconds."""
    return curve(samples, start, end, seconds / _DECIBELS_60)


def ramp(samples: int, start: float, end: float) -> Curve:
    """Return a geometric ramp from `start` to `end`, both above 0."""
    return glide(samples, start, 0.0, 1.0 + steady(math.expm1(math.log(end / start) / samples)))


def interval(octaves: float) -> float:
    """Return an interval in octaves as a ratio of frequencies."""
    return steady(2.0**octaves)


def adsr(seconds: float, attack: float, decay: float, sustain: float, release: float) -> Curve:
    """Return the envelope of a note: linear attack, exponential decay, and a release that ends at 0.

    Parameters
    ----------
    seconds
        While the key is down.
    attack, decay, release
        Seconds; `decay` for 60 dB. The attack is shortened where the key comes up before it ends.
    sustain
        Level that the decay leads to, 0...1.

    Returns
    -------
    ndarray, shape (samples of `seconds` + samples of `release`,)
    """
    held, tail = length(seconds), length(release)
    rise = min(length(attack), held)
    envelope = np.empty(held + tail)
    envelope[:rise] = np.arange(rise) / rise
    envelope[rise:] = falling(held + tail - rise, 1.0, sustain, decay)
    envelope[held:] *= np.square(np.arange(tail - 1, -1, -1) / tail)
    return envelope


def voiced(samples: Samples, envelope: Curve, velocity: float) -> Samples:
    """Return a note under its envelope, with its peak at the velocity."""
    note = samples * envelope.astype(np.float32)
    peak = float(np.abs(note).max())
    return note * np.float32(velocity / peak) if peak > 0 else note


def lfo(samples: int, rate: float, phase: float = 0.0, waveform: int = SINE) -> Curve:
    """Return a low-frequency oscillation in 0...1; a sine starts in the middle, rising."""
    return 0.5 + 0.5 * oscillate(waveform, np.full(samples, float(rate)), RATE, phase, 0.5).astype(np.float64)


def tuned(
    samples: int, pitch: float, slide: float = 0.0, seconds: float = 0.1, vibrato: float = 0.0, rate: float = 5.5
) -> Curve:
    """Return the frequency of a note at each sample.

    Parameters
    ----------
    samples
        Length.
    pitch
        MIDI pitch.
    slide
        Semitones from above which (or, if negative, below which) the pitch arrives.
    seconds
        Duration of the slide.
    vibrato
        Depth in cents; it sets in over the first half-second.
    rate
        Of the vibrato, in Hz.
    """
    frequency = falling(samples, hertz(pitch + slide), hertz(pitch), seconds)
    if vibrato > 0:
        depth = interval(vibrato / 1200.0) - 1.0
        frequency *= 1.0 + depth * falling(samples, 0.0, 1.0, 0.5) * (2.0 * lfo(samples, rate) - 1.0)
    return frequency


def unison(
    rng: np.random.Generator, frequency: Curve, cents: Sequence[float], waveform: int = SAW, width: float = 0.5
) -> Samples:
    """Return oscillators with random phases, each detuned by some cents."""
    offset_of_pulses = 2.0 * width - 1.0 if waveform == PULSE else 0.0
    total = np.full(len(frequency), -len(cents) * offset_of_pulses, np.float32)
    for offset in cents:
        detuned = frequency * interval(offset / 1200.0)
        total += oscillate(waveform, detuned, RATE, rng.random(), width)
    return total * np.float32(1.0 / math.sqrt(len(cents)))


def spread(cents: float, count: int) -> list[float]:
    """Return evenly spaced detunings from ``-cents`` to ``cents``."""
    return [cents * (2 * i / (count - 1) - 1) for i in range(count)]


def harmonics(frequency: Curve, levels: dict[float, float]) -> Samples:
    """Return a sum of sines at multiples of a frequency, as an organ's drawbars add them."""
    total = np.zeros(len(frequency), np.float32)
    for multiple, level in levels.items():
        total += np.float32(level) * oscillate(SINE, frequency * multiple, RATE, 0.0, 0.5)
    return total


def fm(frequency: Curve, ratio: float, index: Curve) -> Samples:
    """Return a sine modulated in phase by another (Chowning 1973).

    Parameters
    ----------
    frequency
        Of the carrier in Hz.
    ratio
        Of the modulator's frequency to the carrier's; lowered where the modulator would lie above 13 kHz.
    index
        Peak deviation of the phase at each sample, in cycles.
    """
    audible = min(ratio, 0.3 * RATE / float(frequency.max()))
    modulation = index * oscillate(SINE, frequency * audible, RATE, 0.0, 0.5)
    return modulated_sine(np.cumsum(frequency) / RATE, modulation)


def filtered(samples: Samples, cutoff: Curve | float, resonance: float = 0.0, response: int = LOW) -> Samples:
    """Filter in place, 12 dB an octave, and return the samples.

    Parameters
    ----------
    samples
        Shape (samples,).
    cutoff
        Hz, at each sample or one for all.
    resonance
        0 (flat) ... 1 (20 dB at the cutoff).
    response
        `LOW`, `BAND`, `HIGH` or `NOTCH`.
    """
    state_variable(samples, np.atleast_1d(np.float64(cutoff)), RATE, steady(0.7 + 9.3 * resonance**2), response)
    return samples


def laddered(samples: Samples, cutoff: Curve | float, resonance: float = 0.0) -> Samples:
    """Low-pass in place, 24 dB an octave and saturating, and return the samples; a resonance of 1 all but whistles."""
    ladder(samples, np.atleast_1d(np.float64(cutoff)), RATE, steady(3.9 * resonance))
    return samples
