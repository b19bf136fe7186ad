"""The complex spectrum of a short real frame, for what needs phases as well as magnitudes."""

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel


@kernel(fastmath=True)
def real_spectrum(frame: NDArray[np.float64], roots: NDArray[np.complex128], spectrum: NDArray[np.complex128]) -> None:
    """Transform N real samples as N / 2 complex ones, by Stockham's radix-2 passes.

    Parameters
    ----------
    frame : ndarray, shape (N,)
        Windowed samples; N is a power of two.
    roots : ndarray, shape (N / 2,)
        ``exp(-2j * pi * k / N)``.
    spectrum : ndarray, shape (N / 2 + 1,)
        Written: ``rfft(frame)``.
    """
    half = frame.size // 2
    points, other = np.empty(half, np.complex128), np.empty(half, np.complex128)
    for i in range(half):
        points[i] = complex(frame[2 * i], frame[2 * i + 1])
    pairs, lanes = half // 2, 1
    while pairs > 0:
        for p in range(pairs):
            root = roots[2 * p * lanes]
            for lane in range(p * lanes, (p + 1) * lanes):
                a, b = points[lane], points[lane + half // 2]
                other[lane + p * lanes] = a + b
                other[lane + (p + 1) * lanes] = (a - b) * root
        points, other = other, points
        pairs, lanes = pairs // 2, 2 * lanes
    spectrum[0] = points[0].real + points[0].imag
    spectrum[half] = points[0].real - points[0].imag
    for k in range(1, half):
        a, b = points[k], points[half - k].conjugate()
        spectrum[k] = 0.5 * (a + b) - 0.5j * roots[k] * (a - b)
