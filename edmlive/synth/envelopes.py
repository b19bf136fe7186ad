"""Envelopes: the course of a sound's level, brightness or pitch."""

import math

import numpy as np
from numpy.typing import NDArray

from edmlive.synth.audio import RATE, length, steady
from edmlive.synth.kernels.oscillators import glide


def curve(samples: int, start: float, end: float, seconds: float) -> NDArray[np.float64]:
    """Return an exponential glide from `start` to `end` with a time constant, shape (samples,)."""
    return glide(samples, float(start), float(end), steady(math.exp(-1.0 / (max(seconds, 1e-5) * RATE))))


def decay(samples: int, seconds: float) -> NDArray[np.float64]:
    """Return an exponential decay from 1 that is 60 dB down after `seconds`, shape (samples,)."""
    return curve(samples, 1.0, 0.0, seconds / math.log(1000.0))


def gate(samples: int, attack: float, release: float) -> NDArray[np.float64]:
    """Return an envelope of 1 with a linear rise and fall at its ends, shape (samples,).

    Parameters
    ----------
    samples
        Length; the release lies within it.
    attack, release
        Seconds.
    """
    envelope = np.ones(samples)
    rise, fall = min(length(attack), samples), min(length(release), samples)
    envelope[:rise] = np.arange(rise) / rise
    envelope[-fall:] *= np.arange(fall, 0, -1) / fall
    return envelope
