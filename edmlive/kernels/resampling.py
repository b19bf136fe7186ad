"""Resampling by a rational ratio, sample by sample, so that nothing waits for a block to fill."""

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel


@kernel("void(float32[::1], int64, int64, float32[:, ::1], float32[::1])", fastmath=True)
def resample(
    samples: NDArray[np.float32], place: int, step: int, phases: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """Filter and resample by a polyphase filter.

    Parameters
    ----------
    samples
        Shape (n,). Input, including everything within the filter's reach.
    place
        Where the filter for the first output begins, in input samples times the number of phases.
    step
        Between two outputs, in the same unit.
    phases
        Shape (phases, taps). Weights of consecutive input samples for an output at each place between two of them.
    out
        Output, shape (m,).
    """
    count, taps = phases.shape
    for k in range(out.size):
        first = place // count
        weights, window = phases[place % count], samples[first : first + taps]
        total = np.float32(0.0)
        for t in range(taps):
            total += weights[t] * window[t]
        out[k] = total
        place += step
