"""Danceability by detrended fluctuation analysis.

After S. Streich and P. Herrera, "Detrended fluctuation analysis of music signals: danceability estimation and further
semantic characterization", AES 118th convention, 2005.
"""

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel

_SPANS = np.array([int(31 * 1.1**i) for i in range(36)])  # 0.31 s to 8.71 s, in blocks of 10 ms
_OVERLAP = 50  # a span moves on by this fraction of itself


@kernel(fastmath=True)
def _residual(sums: NDArray[np.float64], span: int, hop: int) -> float:
    """Mean squared residual of a straight line fitted to each span, from the running sums of `danceability`."""
    spread = span * (span * span - 1.0) / 12.0
    residual, spans = 0.0, 0
    for first in range(0, sums.shape[1] - span, hop):
        end = first + span
        total, squares = sums[0, end] - sums[0, first], sums[2, end] - sums[2, first]
        moment = sums[1, end] - sums[1, first] - (first + (span - 1) / 2.0) * total
        residual += max(squares - total * total / span - moment * moment / spread, 0.0) / span
        spans += 1
    return residual / spans


@kernel("float64(float64[::1])")
def danceability(deviations: NDArray[np.float64]) -> float:
    """Danceability: the inverse of the mean exponent with which the fluctuation of the loudness curve grows with time.

    Parameters
    ----------
    deviations
        Shape (n,). Standard deviations of the samples in blocks of 10 ms.

    Returns
    -------
    float
        Usually 0 to 3; 0 for silence and for less than half a second.
    """
    n = deviations.size
    steps = deviations - np.mean(deviations)
    # Running sums of the integrated curve y, of y * place and of y * y: the residuals of a straight line fitted to any
    # span follow from their differences.
    sums = np.zeros((3, n + 1))
    y = 0.0
    for i in range(n):
        y += steps[i]
        sums[0, i + 1] = sums[0, i] + y
        sums[1, i + 1] = sums[1, i] + i * y
        sums[2, i + 1] = sums[2, i] + y * y

    exponents, count = 0.0, 0
    last_fluctuation, last_span = 0.0, 0.0
    for span in _SPANS:
        if span > n:
            break
        residual = _residual(sums, span, max(span // _OVERLAP, 1))
        fluctuation = np.log10(np.sqrt(residual)) if residual > 0.0 else -np.inf
        log_span = np.log10(span + 3.0)  # the paper's correction for short spans
        if last_span > 0.0 and fluctuation > -np.inf:
            exponents += (fluctuation - last_fluctuation) / (log_span - last_span)
            count += 1
        last_fluctuation, last_span = fluctuation, log_span
    return count / exponents if exponents > 0.0 else 0.0
