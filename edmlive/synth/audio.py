"""Sampling rate and units of everything rendered, and why the same seed gives the same samples.

The sine, exponential and power functions of NumPy and of the C library differ in their last bit from one processor to
another of the same architecture; addition, subtraction, multiplication, division and square root do not. So audio is
made of those alone, and what needs more (a filter's coefficient, a table of the sine) is computed once and passed
through `steady`. Sums of products that a BLAS may reorder (``@``, ``np.dot``, ``np.convolve``) are not used either.
"""

import numpy as np
from numpy.typing import NDArray

RATE = 44_100
"""Sampling rate of everything rendered, in Hz."""

Samples = NDArray[np.float32]
"""Audio: shape (samples,) of a voice, (samples, 2) of a mix. Full scale is 1."""


def steady(value: float) -> float:
    """Round a computed parameter to single precision, which removes differences in its last bits."""
    return float(np.float32(value))


def gain(decibels: float) -> float:
    """Return a level in decibels as a factor."""
    return steady(10.0 ** (decibels / 20.0))


def hertz(pitch: float) -> float:
    """Return the frequency in Hz of a MIDI pitch number; 69 is 440 Hz."""
    return steady(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))


def length(seconds: float) -> int:
    """Return a number of seconds in samples, at least 1."""
    return max(1, round(seconds * RATE))
