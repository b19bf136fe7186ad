"""Resonators: the modes of a struck body, and a plucked string."""

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel

_INAUDIBLE = 1e-10
"""Squared magnitude at which a mode ends."""


@kernel("float32[::1](int64, float64[::1], float64[::1], float64[::1])")
def decaying_sines(
    samples: int, real: NDArray[np.float64], imaginary: NDArray[np.float64], amplitudes: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return a sum of exponentially decaying sines.

    Parameters
    ----------
    samples
        Length.
    real, imaginary
        What each mode is multiplied by from sample to sample: ``r exp(2j pi f / rate)``; shape (modes,).
    amplitudes
        Amplitude of each mode at the start, shape (modes,).

    Returns
    -------
    ndarray, shape (samples,)
    """
    out = np.zeros(samples, np.float32)
    for m in range(len(real)):
        x, y = amplitudes[m], 0.0
        for i in range(samples):
            out[i] += y
            x, y = real[m] * x - imaginary[m] * y, imaginary[m] * x + real[m] * y
            if x * x + y * y < _INAUDIBLE:
                break
    return out


@kernel("void(float32[::1], float64, float64, float64)")
def string(samples: NDArray[np.float32], period: float, loss: float, softness: float) -> None:
    """Let an excitation run along a string, in place.

    The algorithm of Karplus and Strong with the tuning of Jaffe and Smith (*Extensions of the Karplus-Strong
    plucked-string algorithm*, Computer Music Journal 7, 1983).

    Parameters
    ----------
    samples
        The excitation, and silence for as long as the string is to sound; shape (samples,).
    period
        Of the vibration in samples, above 4.
    loss
        What is left of the vibration after a period, below 1.
    softness
        How fast high partials die, 0 (never) ... 0.5.
    """
    lag = int(period - softness - 0.3)
    rest = period - softness - lag
    allpass = (1.0 - rest) / (1.0 + rest)
    before = tuned = 0.0
    for i in range(lag + 1, len(samples)):
        returned = loss * ((1.0 - softness) * samples[i - lag] + softness * samples[i - lag - 1])
        tuned = allpass * (returned - tuned) + before
        before = returned
        samples[i] += tuned
