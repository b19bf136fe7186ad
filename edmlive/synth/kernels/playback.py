"""Playing recorded sounds: at points of a track, or at a speed that changes as on a turntable."""

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


@kernel("float32[:, ::1](float32[:, ::1], int64, float64, int64, int64)")
def varispeed(samples: NDArray[np.float32], count: int, speed: float, hold: int, glide: int) -> NDArray[np.float32]:
    """Play a recording at a speed that is held and then glides to 1, by cubic interpolation (Catmull-Rom).

    It begins a fraction of a sample into the recording, so that after the glide the recording's own samples are heard.

    Parameters
    ----------
    samples
        Shape (samples, channels); silence before and after.
    count
        Samples to return.
    speed
        Speed at the start; 1 is the recording's own.
    hold
        Samples for which the speed is held.
    glide
        Samples over which it changes linearly to 1.

    Returns
    -------
    ndarray, shape (count, channels)
    """
    glided = speed * hold + 0.5 * (speed + 1.0) * glide
    offset = np.ceil(glided) - glided
    out = np.zeros((count, samples.shape[1]), np.float32)
    for i in range(count):
        if i < hold:
            place = offset + speed * i
        elif i < hold + glide:
            gliding = float(i - hold)
            place = offset + speed * hold + gliding * (speed + (1.0 - speed) * gliding / (2.0 * glide))
        else:
            place = np.ceil(glided) + (i - hold - glide)
        first = int(np.floor(place))
        x = place - first
        # Weights of the samples at first - 1 ... first + 2.
        x2 = x * x
        x3 = x2 * x
        weights = (
            0.5 * (2.0 * x2 - x3 - x),
            0.5 * (3.0 * x3 - 5.0 * x2 + 2.0),
            0.5 * (4.0 * x2 - 3.0 * x3 + x),
            0.5 * (x3 - x2),
        )
        for channel in range(samples.shape[1]):
            value = 0.0
            for k in range(4):
                index = first - 1 + k
                if 0 <= index < len(samples):
                    value += weights[k] * samples[index, channel]
            out[i, channel] = value
    return out
