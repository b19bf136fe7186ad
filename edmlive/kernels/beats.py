"""Beats and onsets: the events that onset functions show.

Beats are tracked with a hidden Markov model whose state is the time since the last beat, after N. Degara et al.,
"Reliability-informed beat tracking of musical signals", IEEE TASLP 20(1), 2012: the onset function, scaled to its peak,
is the likelihood of a beat and its complement that of none; beats follow one another at a period that is normally
distributed. The most likely sequence is found beat by beat rather than state by state, which is the same path in less
time.

Onsets are counted after P. Brossier, J. P. Bello and M. D. Plumbley, "Fast labelling of notes in music signals", ISMIR
2004: a value that exceeds a median plus a share of the mean is an onset.
"""

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel
from edmlive.kernels.rhythm_tables import GRID_RATE

_DEVIATION = 0.025 * GRID_RATE
_REACH = 6  # the furthest from the period that an interval may be, just under three standard deviations
_OFFSETS = np.arange(-_REACH, _REACH + 1)
_LOG_PRIOR = -0.5 * (_OFFSETS / _DEVIATION) ** 2
# Log-likelihood of no beat until an offset from where it was due; the last value is for all beyond the reach.
_LOG_SURVIVAL = np.log(np.append(np.cumsum(np.exp(_LOG_PRIOR)[::-1])[::-1], 1e-12))
_FLOOR = 1e-3

_SPAN = 5  # values in the running mean and in the threshold of onsets
_MEAN_SHARE = 0.1
_SILENCE = 0.02


@kernel("int64[::1](float64[::1], int64[::1])")
def track_beats(onsets: NDArray[np.float64], periods: NDArray[np.int64]) -> NDArray[np.int64]:
    """Most likely beats, given that one fell just before the start.

    Parameters
    ----------
    onsets
        Shape (n,). Onset function on the grid; not negative, not all zero.
    periods
        Shape (n,). Beat period at each place, in places.

    Returns
    -------
    ndarray of int64
        Beats in order, as places on the grid.
    """
    n = onsets.size
    peak = np.max(onsets)
    silence = np.zeros(n + 1)  # log-likelihood of no beat at any place before i
    score = np.full(n, -np.inf)  # best log-likelihood up to a beat at i
    previous = np.full(n, -1)
    for i in range(n):
        silence[i + 1] = silence[i] + np.log(max(1.0 - onsets[i] / peak, _FLOOR))
        for k in range(2 * _REACH + 1):
            last = i - periods[i] - _OFFSETS[k]
            if last < -1 or last >= i:
                continue
            value = (score[last] if last >= 0 else 0.0) + silence[i] - silence[last + 1] + _LOG_PRIOR[k]
            if value > score[i]:
                score[i], previous[i] = value, last
        score[i] += np.log(max(onsets[i] / peak, _FLOOR))

    beat, best = -1, -np.inf
    for i in range(max(n - 2 * periods[n - 1], 0), n):
        overdue = min(max(n - i - periods[n - 1], -_REACH), _REACH + 1)
        value = score[i] + silence[n] - silence[i + 1] + _LOG_SURVIVAL[overdue + _REACH]
        if value > best:
            beat, best = i, value
    beats = np.empty(n, np.int64)
    first = n
    while beat >= 0:
        first -= 1
        beats[first] = beat
        beat = previous[beat]
    return beats[first:]


@kernel("int64(float64[:, ::1])")
def count_onsets(functions: NDArray[np.float64]) -> int:
    """Count the onsets that last at least two values.

    Parameters
    ----------
    functions
        Shape (n, m). m onset functions, one value each 11.6 ms, not negative. Each counts in proportion to its peak.

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
        # It exceeds the median where it exceeds most of the values.
        above = above + 1 if i > 0 and np.sum(latest < excess) > _SPAN // 2 else 0
        onsets += int(above == 2)
    return onsets
