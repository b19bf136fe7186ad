"""Integrated loudness in LUFS: the perceived loudness of a whole piece (ITU-R BS.1770-4)."""

import functools
import math

import numpy as np

from edmlive.synth.audio import RATE, Samples, steady
from edmlive.synth.kernels.dynamics import Section, weighted_powers

_TABULATED_RATE = 48_000
_SHELF = (1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585)
_HIGH_PASS = (1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621)
"""K-weighting at 48 kHz: tables 1 and 2 of the recommendation."""
_STEPS_PER_SECOND, _STEPS_IN_BLOCK = 10, 4
_OFFSET = -0.691
_ABSOLUTE_GATE, _RELATIVE_GATE = -70.0, -10.0


def k_weighting(rate: int) -> tuple[Section, Section]:
    """Return the filters of K-weighting at any sampling rate.

    The recommendation tabulates them for 48 kHz. Here the bilinear transform is undone, and done again at `rate` so
    that each filter's corner stays at its frequency.

    Parameters
    ----------
    rate
        Sampling rate in Hz.

    Returns
    -------
    tuple of two `Section`
        The shelf that models the head, and the high-pass.
    """
    return _moved(_SHELF, rate), _moved(_HIGH_PASS, rate)


def loudness(samples: Samples, rate: int = RATE) -> float:
    """Measure the integrated loudness of a piece.

    Parameters
    ----------
    samples
        Shape (samples, channels): mono or stereo. A piece shorter than a block of 0.4 s is padded with silence.
    rate
        Sampling rate in Hz, a multiple of 10.

    Returns
    -------
    float
        LUFS; minus infinity if no block of 0.4 s reaches -70.
    """
    step = rate // _STEPS_PER_SECOND
    missing = max(0, _STEPS_IN_BLOCK * step - len(samples))
    whole = np.pad(samples, ((0, missing), (0, 0))) if missing else np.ascontiguousarray(samples)
    steps = weighted_powers(whole, *k_weighting(rate), step)
    blocks = np.lib.stride_tricks.sliding_window_view(steps, _STEPS_IN_BLOCK).mean(axis=1)
    loud = blocks[blocks > _power(_ABSOLUTE_GATE)]
    if not len(loud):
        return -math.inf
    # Every block over the absolute gate is at least as loud as that, so their mean is, and some block passes this one.
    return _level(float(loud[loud > loud.mean() * 10.0 ** (_RELATIVE_GATE / 10.0)].mean()))


@functools.cache
def _moved(section: Section, rate: int) -> Section:
    # With z⁻¹ = (1 - p) / (1 + p), a filter in z is one in p = j tan(π f / rate): the same at every rate but for scale.
    b0, b1, b2, a1, a2 = section
    numerator, denominator = _in_p(b0, b1, b2), _in_p(1.0, a1, a2)
    corner = math.sqrt(denominator[0] / denominator[2])
    scale = corner / math.tan(math.atan(corner) * _TABULATED_RATE / rate)
    scales = (1.0, scale, scale * scale)
    # The substitution is its own inverse, but for a factor that the division by a0 removes.
    b0, b1, b2 = _in_p(*(c * s for c, s in zip(numerator, scales, strict=True)))
    a0, a1, a2 = _in_p(*(c * s for c, s in zip(denominator, scales, strict=True)))
    return b0 / a0, b1 / a0, b2 / a0, a1 / a0, a2 / a0


def _in_p(c0: float, c1: float, c2: float) -> tuple[float, float, float]:
    return c0 + c1 + c2, 2.0 * (c0 - c2), c0 - c1 + c2


def _level(power: float) -> float:
    return steady(_OFFSET + 10.0 * math.log10(power))


def _power(level: float) -> float:
    return float(10.0 ** ((level - _OFFSET) / 10.0))
