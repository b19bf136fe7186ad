"""Placing sounds in time."""

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel


@kernel("void(float32[::1], float32[::1], int64[::1], float64[::1])")
def place(
    track: NDArray[np.float32], sound: NDArray[np.float32], starts: NDArray[np.int64], gains: NDArray[np.float64]
) -> None:
    """Add a sound to a track at each start, in place; what would lie outside the track is cut off.

    Parameters
    ----------
    track
        Shape (samples,).
    sound
        Shape (length,).
    starts
        First samples, shape (times,).
    gains
        Factors, shape (times,).
    """
    for k in range(len(starts)):
        start = starts[k]
        for i in range(max(0, -start), min(len(sound), len(track) - start)):
            track[start + i] += gains[k] * sound[i]
