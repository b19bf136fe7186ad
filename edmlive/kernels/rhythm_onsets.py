"""Onsets from onset functions.

After P. Brossier, J. P. Bello and M. D. Plumbley, "Fast labelling of notes in music signals", ISMIR 2004: what exceeds
a median plus a share of the mean is an onset.
"""

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel

_SPAN = 5
_MEAN_SHARE = 0.1
_SILENCE = 0.02


@kernel("int64(float64[:, ::1])")
def count_onsets(functions: NDArray[np.float64]) -> int:
    """Count the onsets that last at least two values.

    Parameters
    ----------
    functions : ndarray, shape (n, m)
        m onset functions, one value each 11.6 ms, not negative. Each counts in proportion to its peak.

    Returns
    -------
    int
    """
    n, m = functions.shape
    joint = np.zeros(n)
    for j in range(m):
        peak = np.max(functions[:, j])
        if peak > 0.0:
            joint += functions[:, j] / (m * peak)
    latest = np.zeros(_SPAN)
    onsets, above = 0, 0
    for i in range(n):
        smooth = np.sum(joint[max(i - _SPAN + 1, 0) : i + 1]) / _SPAN
        latest[i % _SPAN] = smooth if smooth >= _SILENCE else 0.0
        excess = latest[i % _SPAN] - _MEAN_SHARE * np.mean(latest)
        # Greater than the median is to be greater than most.
        above = above + 1 if i > 0 and np.sum(latest < excess) > _SPAN // 2 else 0
        onsets += int(above == 2)
    return onsets
