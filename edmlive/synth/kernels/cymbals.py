"""Cymbals of a drum machine: a cluster of square waves that share no harmonic."""

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel


@kernel("float32[::1](int64, float64[::1], float64[::1], float64)")
def square_cluster(
    samples: int, hertz: NDArray[np.float64], phases: NDArray[np.float64], rate: float
) -> NDArray[np.float32]:
    """Return the mean of square waves.

    They are not band-limited: what folds back is as inharmonic as the cluster itself.

    Parameters
    ----------
    samples
        Length.
    hertz, phases
        Frequency and first phase (in cycles, 0...1) of each wave, shape (waves,).
    rate
        Sampling rate in Hz.

    Returns
    -------
    ndarray, shape (samples,)
        Within -1...1.
    """
    out = np.zeros(samples, np.float32)
    for wave in range(len(hertz)):
        step = hertz[wave] / rate
        phase = phases[wave]
        level = np.float32(1.0 / len(hertz))
        for i in range(samples):
            out[i] += level if phase < 0.5 else -level
            phase += step
            if phase >= 1.0:
                phase -= 1.0
    return out
