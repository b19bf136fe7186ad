"""pyAudioAnalysis's statistics over short-term features: mid-term means and deviations, and its coarse beat."""

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel
from edmlive.kernels.short_term_tables import BLOCK_FRAMES, FEATURES

BEAT_FEATURES = np.array([0, 1, *range(3, 19)])
BEAT_LAGS = 40
"""Longest time between two peaks that can be a beat, in frames: two seconds."""
BEAT_FRAME_SECONDS = 0.05


@kernel("float64[::1](float64[:, ::1])")
def mid_term_statistics(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean and standard deviation within one-second blocks, averaged over the blocks.

    Parameters
    ----------
    features
        Shape (frames, FEATURES).

    Returns
    -------
    ndarray, shape (2 * FEATURES,)
        Means, then standard deviations. A last block that is short counts as much as the others, as in the original.
    """
    statistics = np.zeros(2 * FEATURES)
    blocks = (len(features) + BLOCK_FRAMES - 1) // BLOCK_FRAMES
    for block in range(blocks):
        frames = features[block * BLOCK_FRAMES : (block + 1) * BLOCK_FRAMES]
        for j in range(FEATURES):
            mean = frames[:, j].sum() / len(frames)
            deviation = 0.0
            for t in range(len(frames)):
                deviation += (frames[t, j] - mean) ** 2
            statistics[j] += mean / blocks
            statistics[FEATURES + j] += np.sqrt(deviation / len(frames)) / blocks
    return statistics


@kernel("UniTuple(float64, 2)(float64[:, ::1])")
def beat(features: NDArray[np.float64]) -> tuple[float, float]:
    """Tempo as the commonest time between neighbouring peaks of the short-term features.

    Parameters
    ----------
    features
        Shape (frames, FEATURES).

    Returns
    -------
    bpm : float
        One of 1,200 / lag, for a lag of 1 to 40 frames: its resolution is coarse.
    confidence : float
        Share of all times between peaks that are this one.
    """
    histogram = np.zeros(BEAT_LAGS + 1)
    frames = len(features)
    for j in BEAT_FEATURES:
        threshold = 0.0
        for t in range(1, frames):
            threshold += abs(features[t, j] - features[t - 1, j])
        threshold = max(2.0 * threshold / max(frames - 1, 1), 1e-16)

        # A peak is confirmed where the curve has fallen by the threshold since it, and the next is sought
        # once the curve has risen by as much (Billauer's peak detector).
        highest, lowest, at, last, rising = -np.inf, np.inf, 0, -1, True
        for t in range(frames):
            value = features[t, j]
            if value > highest:
                highest, at = value, t
            lowest = min(lowest, value)
            if rising and value < highest - threshold:
                if last >= 0 and at - last <= BEAT_LAGS:
                    histogram[at - last] += 1.0 / frames
                last, lowest, rising = at, value, False
            elif not rising and value > lowest + threshold:
                highest, at, rising = value, t, True
    lag = max(int(histogram.argmax()), 1)
    return 60.0 / (lag * BEAT_FRAME_SECONDS), histogram[lag] / (histogram.sum() + 1e-8)
