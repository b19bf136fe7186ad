"""Levels over time: following, shaping and weighting them.

Of exactly rounded operations only, like all that renders sound; see `edmlive.synth.audio`.
"""

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel
from edmlive.synth.kernels.filters import NO_DENORMAL

_QUIET = 1e-10
"""Lowest power of `follow`, 100 dB below full scale, so that nothing divides by zero."""


@kernel("void(float32[::1], float64)")
def soft_clip(samples: NDArray[np.float32], boost: float) -> None:
    """Multiply by `boost` and clip softly to -1...1, in place.

    The curve is the Pade approximant of the hyperbolic tangent, ``x (27 + x²) / (27 + 9 x²)``, which is 1 at 3 and
    level there.
    """
    for i in range(len(samples)):
        x = min(max(samples[i] * boost, -3.0), 3.0)
        square = x * x
        samples[i] = x * (27.0 + square) / (27.0 + 9.0 * square)


@kernel("float32[::1](float32[:, ::1], float64, float64)")
def follow(samples: NDArray[np.float32], attack: float, release: float) -> NDArray[np.float32]:
    """Return the smoothed power of the louder of two channels.

    Parameters
    ----------
    samples
        Shape (samples, 2).
    attack, release
        Share of the distance to the power of a sample that is covered in one sample, upwards and downwards; 0...1.

    Returns
    -------
    ndarray, shape (samples,)
        Squared magnitudes, 1e-10 at least.
    """
    out = np.empty(len(samples), np.float32)
    power = _QUIET
    for i in range(len(samples)):
        left, right = np.float64(samples[i, 0]), np.float64(samples[i, 1])
        distance = max(left * left, right * right, _QUIET) - power
        power += distance * (attack if distance > 0.0 else release)
        out[i] = power
    return out


@kernel("float32[:, ::1](float32[:, ::1], float64, float64, float64, float64)")
def limit(
    samples: NDArray[np.float32], boost: float, ceiling: float, attack: float, release: float
) -> NDArray[np.float32]:
    """Return two channels multiplied by `boost` and kept below a ceiling: look-ahead limiting.

    The gain that each sample needs is approached from both sides exponentially: after a peak as a release, before it as
    an attack, which is a release run backwards from the end. So the gain is nowhere above what a sample needs, and
    never jumps.

    Parameters
    ----------
    samples
        Shape (samples, 2).
    boost
        Gain before the limiter.
    ceiling
        Magnitude that is not exceeded.
    attack, release
        Share of the distance to 1 that the gain covers in one sample away from a peak, to the past and to the future.

    Returns
    -------
    ndarray, shape (samples, 2)
    """
    out = np.empty_like(samples)
    gains = np.empty(len(samples), np.float32)
    below = np.float32(ceiling * (1.0 - 1e-6))  # rounding does not lift it over the ceiling
    gain = 1.0
    for i in range(len(samples)):
        peak = boost * max(abs(samples[i, 0]), abs(samples[i, 1]))
        gain = min(gain + (1.0 - gain) * release, below / max(peak, below))
        gains[i] = gain
    gain = 1.0
    for i in range(len(samples) - 1, -1, -1):
        gain = min(gain + (1.0 - gain) * attack, gains[i])
        out[i, 0] = samples[i, 0] * boost * gain
        out[i, 1] = samples[i, 1] * boost * gain
    return out


Section = tuple[float, float, float, float, float]
"""Coefficients ``b0, b1, b2, a1, a2`` of a second-order filter; ``a0`` is 1."""


@kernel("float64[::1](float32[:, ::1], UniTuple(float64, 5), UniTuple(float64, 5), int64)")
def weighted_powers(samples: NDArray[np.float32], first: Section, second: Section, block: int) -> NDArray[np.float64]:
    """Return the power of each block of samples behind two filters, summed over the channels.

    Parameters
    ----------
    samples
        Shape (samples, channels).
    first, second
        The filters.
    block
        Length of a block in samples. What is left over after the last whole block does not count.

    Returns
    -------
    ndarray, shape (blocks,)
        Sums over the channels of mean squares.
    """
    b0, b1, b2, a1, a2 = first
    d0, d1, d2, c1, c2 = second
    powers = np.zeros(len(samples) // block)
    for channel in range(samples.shape[1]):
        p = q = r = s = 0.0
        for k in range(len(powers)):
            energy = 0.0
            for i in range(k * block, (k + 1) * block):
                x = samples[i, channel] + NO_DENORMAL
                y = b0 * x + p
                p = b1 * x - a1 * y + q
                q = b2 * x - a2 * y
                z = d0 * y + r
                r = d1 * y - c1 * z + s
                s = d2 * y - c2 * z
                energy += z * z
            powers[k] += energy / block
    return powers
