"""Multiband compression, upward as well as downward: what makes a released track dense."""

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel
from edmlive.synth.kernels.filters import NO_DENORMAL, tangent

BANDS = 3


@kernel("float64[::1](float32[:, ::1], float64, float64, float64)")
def band_powers(samples: NDArray[np.float32], low: float, high: float, rate: float) -> NDArray[np.float64]:
    """Return the mean power of three bands that meet at `low` and `high` Hz, both channels together, shape (3,).

    Each band is what a filter of 6 dB an octave takes from what the lower ones have left, so that they sum to the
    samples.
    """
    powers = np.zeros(BANDS)
    g_low, g_high = tangent(np.pi * low / rate), tangent(np.pi * high / rate)
    a_low, a_high = g_low / (1.0 + g_low), g_high / (1.0 + g_high)
    for channel in range(2):
        s_low = s_high = 0.0
        for i in range(len(samples)):
            x = samples[i, channel] + NO_DENORMAL
            v = (x - s_low) * a_low
            bottom = s_low + v
            s_low = bottom + v
            rest = x - bottom
            v = (rest - s_high) * a_high
            middle = s_high + v
            s_high = middle + v
            top = rest - middle
            powers[0] += bottom * bottom
            powers[1] += middle * middle
            powers[2] += top * top
    return powers / max(1, len(samples))


@kernel("void(float32[:, ::1], float64, float64, float64, float64[::1], float64, float64, float64, float64)")
def compress_bands(
    samples: NDArray[np.float32],
    low: float,
    high: float,
    rate: float,
    thresholds: NDArray[np.float64],
    attack: float,
    release: float,
    most: float,
    depth: float,
) -> None:
    """Bring the bands of `band_powers` nearer to their thresholds, from above and from below, in place.

    At full depth the ratio is 2 : 1: the gain is the fourth root of threshold over power.

    Parameters
    ----------
    samples
        Shape (samples, 2).
    low, high
        Where the bands meet, in Hz.
    rate
        Sampling rate in Hz.
    thresholds
        Power of each band, both channels together, that is left as it is; shape (3,).
    attack, release
        Share of the distance to the power of a sample that is covered in one sample, upwards and downwards; 0...1.
    most
        Largest gain.
    depth
        0 (nothing happens) to 1.
    """
    g_low, g_high = tangent(np.pi * low / rate), tangent(np.pi * high / rate)
    a_low, a_high = g_low / (1.0 + g_low), g_high / (1.0 + g_high)
    s_low, s_high, power, band = np.zeros(2), np.zeros(2), thresholds.copy(), np.zeros((BANDS, 2))
    for i in range(len(samples)):
        for channel in range(2):
            x = samples[i, channel] + NO_DENORMAL
            v = (x - s_low[channel]) * a_low
            band[0, channel] = s_low[channel] + v
            s_low[channel] = band[0, channel] + v
            rest = x - band[0, channel]
            v = (rest - s_high[channel]) * a_high
            band[1, channel] = s_high[channel] + v
            s_high[channel] = band[1, channel] + v
            band[2, channel] = rest - band[1, channel]
        left = right = 0.0
        for k in range(BANDS):
            change = band[k, 0] * band[k, 0] + band[k, 1] * band[k, 1] - power[k]
            power[k] += change * (attack if change > 0.0 else release)
            gain = min(most, np.sqrt(np.sqrt(thresholds[k] / (power[k] + 1e-12))))
            gain = 1.0 + depth * (gain - 1.0)
            left += gain * band[k, 0]
            right += gain * band[k, 1]
        samples[i, 0] = left
        samples[i, 1] = right
