"""Beat periods from an onset function, and the tempo and its distribution from beats.

The periodicity follows M. E. P. Davies and M. D. Plumbley, "Context-dependent beat tracking of musical audio", IEEE
TASLP 15(3), 2007: an adaptive threshold, the autocorrelation of six seconds, a comb over four multiples of each period
and a Rayleigh preference for periods near half a second. The path through the periods is Viterbi's, as in A. M. Stark,
M. E. P. Davies and M. D. Plumbley, "Real-time beat-synchronous analysis of musical audio", DAFx 2009. Where the papers
leave room, the values are those that reproduce the tempi of the Beatport data sets, octave included.

That comb cannot tell beats from three of every two: where kicks and hats alternate and are equally strong, as in much
dance music, each of its teeth finds a stroke at one and a half beats as well. What tells them apart is the bass, which
repeats itself one, two and four beats later, but not after half as much again.

Onset functions have one value each 1,024th of 44,100 samples; between two of them lies their mean, so that time here
counts on the grid of 11.6 ms.
"""

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel
from edmlive.kernels.rhythm_tables import GRID_RATE

ROW_LENGTH = 512
"""Places on the grid that a row of saliences is computed from: 5.9 s."""
ROW_HOP = 128
"""Places on the grid between rows: 1.5 s."""
LONGEST_PERIOD = 128
"""In places on the grid: 40 BPM."""
SHORTEST_PERIOD = 24
"""In places on the grid: 215 BPM."""
CONTEXT = 8
"""Values on either side that an adaptive threshold is the mean of."""

_HARMONICS = 4
_PREFERRED_PERIOD = 43.0
_PERIOD_DEVIATION = 8.0
_SALIENCE_FLOOR = 1e-5
_PREFERENCE = np.arange(LONGEST_PERIOD + 1) * np.exp(-0.5 * (np.arange(LONGEST_PERIOD + 1) / _PREFERRED_PERIOD) ** 2)
_LONGEST_LAG = 420  # so that a fifth of the row is left to compare with
_RIVALS = np.array([2 / 3, 3 / 2, 3 / 4, 4 / 3, 4 / 5, 5 / 4, 3 / 5, 5 / 3])
_MARGIN = 0.31
_DOUBT = 20.0
_BPM_TOLERANCE = 5.0
_SPAN_BEATS = 12
_STRAY = 2.0  # places on the grid
_ALIKE, _SAME = 0.02, 0.01
_NEW_SECONDS, _RELATED_SECONDS = 6.0, 10.0
_RELATIONS = np.array([1 / 3, 1 / 2, 2 / 3, 3 / 4, 4 / 3, 3 / 2, 2.0, 3.0])
_PEAK_REACH = 4


@kernel("float64[::1](float64[::1])")
def on_grid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Onset function with the means between its values.

    Parameters
    ----------
    values
        Shape (n,).

    Returns
    -------
    ndarray, shape (2 * n,)
        The last value is half the last of ``values``.
    """
    fine = np.empty(2 * values.size)
    for i in range(values.size):
        after = values[i + 1] if i + 1 < values.size else 0.0
        fine[2 * i] = values[i]
        fine[2 * i + 1] = 0.5 * (values[i] + after)
    return fine


@kernel("void(float64[::1], float64[::1])")
def subtract_threshold(values: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Subtract a threshold: the mean of the `CONTEXT` values on either side.

    Parameters
    ----------
    values
        Shape (n,).
    out
        Output, shape (n,): the excess over the threshold, or zero.
    """
    for i in range(values.size):
        around = values[max(i - CONTEXT, 0) : i + CONTEXT + 1]
        out[i] = max(values[i] - np.mean(around), 0.0)


@kernel(fastmath=True)
def _autocorrelation(row: NDArray[np.float64], lag: int) -> float:
    # A loop, because Numba takes np.dot from SciPy, which the live install does not have.
    total = 0.0
    for i in range(row.size - lag):
        total += row[i] * row[i + lag]
    return total / (row.size - lag)


@kernel("void(float64[::1], int64, float64[::1])")
def period_salience(values: NDArray[np.float64], first: int, salience: NDArray[np.float64]) -> None:
    """Salience of each beat period in six seconds of an onset function.

    Parameters
    ----------
    values
        Onset function on the grid, with up to `CONTEXT` values before and after the row.
    first
        Where the row of `ROW_LENGTH` values begins.
    salience
        Output, shape (LONGEST_PERIOD + 1,), by period; sums to 1, or is zero where there are no onsets.
    """
    peaks = np.empty(values.size)
    subtract_threshold(values, peaks)
    row = peaks[first : first + ROW_LENGTH]
    lags = np.empty(ROW_LENGTH)
    for lag in range(ROW_LENGTH):
        lags[lag] = _autocorrelation(row, lag)
    combed = np.zeros(LONGEST_PERIOD + 1)
    for period in range(1, LONGEST_PERIOD + 1):
        for harmonic in range(1, _HARMONICS + 1):
            # The teeth sit one lag short of the multiples: so do those of the reference values' comb.
            lowest, highest = harmonic * (period - 1), harmonic * (period + 1) - 2
            teeth = lags[lowest : min(highest + 1, ROW_LENGTH)]
            combed[period] += _PREFERENCE[period] * np.sum(teeth) / (2 * harmonic - 1)
    subtract_threshold(combed, salience)
    total = np.sum(salience)
    if total > 0.0:
        salience /= total


@kernel()
def _highest_nearby(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Highest of the values at most so many places away from each."""
    highest = values.copy()
    for offset in range(1, reach + 1):
        highest[offset:] = np.maximum(highest[offset:], values[:-offset])
        highest[:-offset] = np.maximum(highest[:-offset], values[offset:])
    return highest


@kernel()
def _repetition(near: NDArray[np.float64], far: NDArray[np.float64], period: float) -> float:
    """Mean correlation of a row with itself one, two and four periods later, as far as the row is long enough.

    `near` and `far` are the highest correlations within one and two lags of each.
    """
    one, two, four = round(period), round(2 * period), round(4 * period)
    if four < far.size:
        return float(near[one] + near[two] + far[four]) / 3
    return float(near[one] + near[two]) / 2 if two < near.size else float(near[one])


@kernel("void(float64[:, ::1], int64, float64[::1])")
def doubt_periods(values: NDArray[np.float64], first: int, salience: NDArray[np.float64]) -> None:
    """Lower the salience of periods to which another stands as three to two or the like and repeats the bass better.

    Parameters
    ----------
    values
        Onset functions of bands of the bass, at every other place on the grid: shape (bands, n), with some values
        before and after the row.
    first
        Where the row of half `ROW_LENGTH` values begins.
    salience
        Salience of each period, changed in place, shape (LONGEST_PERIOD + 1,). It no longer sums to 1.
    """
    correlations, lags = np.zeros(_LONGEST_LAG // 2 + 1), np.empty(_LONGEST_LAG // 2 + 1)
    peaks = np.empty(values.shape[1])
    for band in range(values.shape[0]):
        subtract_threshold(values[band], peaks)
        row = peaks[first : first + ROW_LENGTH // 2]
        for lag in range(lags.size):
            lags[lag] = _autocorrelation(row, lag)
        mean_square = np.mean(row) ** 2
        variance = lags[0] - mean_square
        if variance > 0.0:
            correlations += (lags - mean_square) / (variance * values.shape[0])
    fine = on_grid(correlations)[:-1]
    near, far = _highest_nearby(fine, 1), _highest_nearby(fine, 2)
    for period in range(SHORTEST_PERIOD, LONGEST_PERIOD + 1):
        if salience[period] > 0.0:
            best = 0.0
            for ratio in _RIVALS:
                best = max(best, _repetition(near, far, ratio * period))
            excess = best - _repetition(near, far, float(period)) - _MARGIN
            salience[period] *= np.exp(-_DOUBT * max(excess, 0.0))


@kernel("int64[::1](float64[:, ::1])")
def best_periods(salience: NDArray[np.float64]) -> NDArray[np.int64]:
    """Most likely path through the beat periods, which change little from row to row.

    Parameters
    ----------
    salience
        Shape (rows, LONGEST_PERIOD + 1). At least one row.

    Returns
    -------
    ndarray, shape (rows,)
        Periods in places on the grid, within `SHORTEST_PERIOD` ... `LONGEST_PERIOD`.
    """
    rows, periods = salience.shape[0], LONGEST_PERIOD + 1 - SHORTEST_PERIOD
    likelihood = np.log(salience[:, SHORTEST_PERIOD:] + _SALIENCE_FLOOR)
    penalty = 0.5 * (np.arange(1 - periods, periods) / _PERIOD_DEVIATION) ** 2
    best, before = likelihood[0].copy(), np.empty(periods)
    origin = np.zeros((rows, periods), np.int64)
    for row in range(1, rows):
        best, before = before, best
        best[:] = -np.inf
        for i in range(periods):
            for j in range(periods):
                value = before[i] - penalty[periods - 1 + j - i]
                if value > best[j]:
                    best[j], origin[row, j] = value, i
        best += likelihood[row]
    path = np.empty(rows, np.int64)
    j = int(np.argmax(best))
    for row in range(rows - 1, -1, -1):
        path[row] = SHORTEST_PERIOD + j
        j = int(origin[row, j])
    return path


@kernel()
def _seconds_needed(ratio: float) -> float:
    """Seconds that a tempo has to last in place of the one that most beats have, given their ratio."""
    if abs(ratio - 1.0) < 2 * _ALIKE:
        return 0.0
    for relation in _RELATIONS:
        if abs(ratio / relation - 1.0) < _ALIKE:
            return _RELATED_SECONDS
    return _NEW_SECONDS


@kernel("float64(int64[::1])")
def steady_tempo(beats: NDArray[np.int64]) -> float:
    """Tempo now, to a tenth of a BPM, for which single intervals are too coarse.

    It is held until another has lasted for `_NEW_SECONDS`, so that stray beats, as in breaks and fades, do not change
    it; half, double and the like have to last longer. Between two tempi lies none, but a tempo that is changed slowly
    is followed.

    Parameters
    ----------
    beats
        Shape (n,). Places on the grid; at least two.

    Returns
    -------
    float
        In BPM: the mean over all steady spans of beats within a hundredth of the newest that counts. The first quarter
        of the beats is ignored: the tracker needs some to lock on.
    """
    beats = beats[beats.size // 4 :]
    span = min(_SPAN_BEATS, beats.size - 1)
    periods = (beats[span:] - beats[:-span]) / span
    steady = np.empty(periods.size, np.bool_)
    for i in range(periods.size):
        inner = beats[i : i + span + 1] - beats[i] - periods[i] * np.arange(span + 1)
        steady[i] = np.max(np.abs(inner)) <= _STRAY
    if not np.any(steady):
        steady[:] = np.abs(periods - np.median(periods)) <= _STRAY / span
    period, most = 0.0, 0
    for candidate in periods[steady]:
        alike = int(np.sum(steady & (np.abs(periods / candidate - 1.0) < _ALIKE)))
        if alike > most:
            period, most = candidate, alike
    first = periods.size - 1
    while first >= 0:
        last = first
        if steady[last]:
            while first > 0 and steady[first - 1] and abs(periods[first - 1] / periods[first] - 1.0) < _ALIKE:
                first -= 1
            seconds = (beats[last + span] - beats[first]) / GRID_RATE
            if seconds >= _seconds_needed(periods[last] / period):
                period = periods[last]
                break
        first -= 1
    return float(60.0 * GRID_RATE / np.mean(periods[steady & (np.abs(periods / period - 1.0) < _SAME)]))


@kernel("UniTuple(float64, 2)(int64[::1])")
def agreed_tempo(intervals: NDArray[np.int64]) -> tuple[float, float]:
    """Mean tempo of the intervals that agree with the most common one: the data sets' tempo.

    Parameters
    ----------
    intervals
        Shape (n,). Between beats, in places on the grid; at least one.

    Returns
    -------
    bpm : float
        Mean of the tempi within 5 BPM of the fullest bin of two.
    share : float
        Share of the intervals that do so.
    """
    bpm = 60.0 * GRID_RATE / intervals
    bins = np.bincount((bpm / 2 + 0.5).astype(np.int64))
    common = 2.0 * np.argmax(bins)
    agreeing = bpm[np.abs(bpm - common) <= _BPM_TOLERANCE]
    return float(np.mean(agreeing)), agreeing.size / bpm.size


@kernel("float64[:, ::1](int64[::1])")
def tempo_peaks(intervals: NDArray[np.int64]) -> NDArray[np.float64]:
    """Two highest peaks of the histogram of tempi, in bins of 1 BPM.

    Parameters
    ----------
    intervals
        Shape (n,). Between beats, in places on the grid.

    Returns
    -------
    ndarray, shape (2, 3)
        Of each peak its tempo in BPM; its weight, the share of the intervals within 1 BPM; and its spread, the share of
        those within 4 BPM that are not within 1. Zeros where there is no second peak.
    """
    bpm = 60.0 * GRID_RATE / intervals
    histogram = np.bincount((bpm + 0.5).astype(np.int64)) / bpm.size
    peaks = np.zeros((2, 3))
    for i in range(2):
        peak = np.argmax(histogram)
        if histogram[peak] > 0.0:
            around = histogram[max(peak - _PEAK_REACH, 0) : peak + _PEAK_REACH + 1]
            weight = np.sum(histogram[max(peak - 1, 0) : peak + 2])
            peaks[i, 0], peaks[i, 1], peaks[i, 2] = peak, weight, 1.0 - weight / np.sum(around)
            around[:] = 0.0
    return peaks
