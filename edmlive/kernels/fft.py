"""Power spectra of 2,048 and of 768 real samples.

N real samples are taken as N / 2 complex ones (even samples real, odd ones imaginary), transformed in four steps
(D. H. Bailey, *FFTs in external or hierarchical memory*, 1990) and untangled. The four steps: lay the points out as a
matrix of 16 rows and transform its columns; multiply by twiddle factors; transpose; transform the columns again. Every
inner loop then runs over at least 16 neighbouring columns and becomes vector instructions. The columns take Stockham's
radix-4, radix-3 and radix-2 passes, each from one side of the work array to the other.

A *plan* is one record (`plan_dtype`) with the work array and its tables at fixed places, not several arrays: the
compiler then knows that they do not overlap, and the transform is several times faster. All passes are inlined where
their sizes are literal, for the same reason.
"""

import math

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel
from edmlive.kernels.tables import roots_of_unity, twist

RE, IM = 0, 1
_HALF_SQRT_3 = math.sqrt(0.75)


def plan_dtype(length: int) -> np.dtype[np.void]:
    """Layout of a plan for ``length`` real samples.

    Fields, all float64:

    ``work`` (2, 2, length / 2)
        Two sides, each with real and imaginary parts. Samples go in and the transform comes out on side 0.
    ``roots`` (2, length), ``twist`` (2, length / 2)
        Twiddle factors: real and imaginary parts.
    ``power`` (length / 2 + 1,)
        Squared magnitudes of the spectrum.

    Parameters
    ----------
    length
        2,048 or 768.

    Returns
    -------
    dtype
    """
    half = length // 2
    shapes = {"work": (2, 2, half), "roots": (2, length), "twist": (2, half), "power": (half + 1,)}
    return np.dtype([(name, np.float64, shape) for name, shape in shapes.items()])


def prepare(plan: NDArray[np.void]) -> None:
    """Fill in a plan's tables.

    Parameters
    ----------
    plan
        Array of shape () or (1,) and of a `plan_dtype`.
    """
    half = plan["work"].shape[-1]
    plan["roots"] = roots_of_unity(2 * half)
    plan["twist"] = twist(16, half // 16)


@kernel(fastmath=True)
def power_2048(plan: np.record) -> None:
    """Power spectrum of the 2,048 samples packed into ``plan.work[0]``; ``plan.power`` has 1,025 bins.

    Parameters
    ----------
    plan
        Record of ``plan_dtype(2048)``; sample 2i is ``work[0, 0, i]``, sample 2i + 1 is ``work[0, 1, i]``.
    """
    work, roots = plan.work, plan.roots
    _radix4(work, roots, 0, 1, 16, 64)
    _radix4(work, roots, 1, 0, 4, 256)
    _twist_and_transpose(work, plan.twist, 0, 1, 16, 64)
    _radix4(work, roots, 1, 0, 64, 16)
    _radix4(work, roots, 0, 1, 16, 64)
    _radix4(work, roots, 1, 0, 4, 256)
    _untangle_power(work, roots, plan.power)


@kernel(fastmath=True)
def power_768(plan: np.record) -> None:
    """Power spectrum of the 768 samples packed into ``plan.work[0]``; ``plan.power`` has 385 bins.

    Parameters
    ----------
    plan
        Record of ``plan_dtype(768)``; samples packed as for `power_2048`.
    """
    _fft_384(plan)
    _untangle_power(plan.work, plan.roots, plan.power)


@kernel(fastmath=True)
def autocorrelation_768(plan: np.record, lags: NDArray[np.float64]) -> None:
    """Inverse transform of ``plan.power``, times 768: the circular autocorrelation of the samples it came from.

    A power spectrum is real and even, so its inverse transform is its forward one, and real.

    Parameters
    ----------
    plan
        Record of ``plan_dtype(768)``, after `power_768`.
    lags
        Output of 384 values, lag 0 first.
    """
    work, roots, power = plan.work, plan.roots, plan.power
    for i in range(192):
        work[0, RE, i], work[0, IM, i] = power[2 * i], power[2 * i + 1]
        work[0, RE, i + 192], work[0, IM, i + 192] = power[384 - 2 * i], power[383 - 2 * i]
    _fft_384(plan)
    lags[0] = work[0, RE, 0] + work[0, IM, 0]
    lags[192] = work[0, RE, 192]
    for k in range(1, 192):
        x, y = _untangle(work, roots, k, 384 - k)
        lags[k], lags[384 - k] = x.real, y.real


@kernel(inline=True)
def _fft_384(plan: np.record) -> None:
    work, roots = plan.work, plan.roots
    _radix4(work, roots, 0, 1, 16, 24)
    _radix4(work, roots, 1, 0, 4, 96)
    _twist_and_transpose(work, plan.twist, 0, 1, 16, 24)
    _radix4(work, roots, 1, 0, 24, 16)
    _radix2(work, roots, 0, 1, 6, 64)
    _radix3(work, roots, 1, 0, 3, 128)


@kernel(inline=True)
def _radix4(
    work: NDArray[np.float64], roots: NDArray[np.float64], source: int, target: int, points: int, lanes: int
) -> None:
    """Take the first pass of transforms of ``points`` points, ``lanes`` of them side by side; a quarter is left."""
    quarter = points // 4
    step = roots.shape[1] // points
    stride = quarter * lanes
    for p in range(quarter):
        w1, w2, w3 = _get(roots, p * step), _get(roots, 2 * p * step), _get(roots, 3 * p * step)
        for lane in range(lanes):
            i, o = p * lanes + lane, 4 * p * lanes + lane
            a, b = _get(work[source], i), _get(work[source], i + stride)
            c, d = _get(work[source], i + 2 * stride), _get(work[source], i + 3 * stride)
            turned = complex((b - d).imag, (d - b).real)
            _put(work[target], o, (a + c) + (b + d))
            _put(work[target], o + lanes, (a - c + turned) * w1)
            _put(work[target], o + 2 * lanes, ((a + c) - (b + d)) * w2)
            _put(work[target], o + 3 * lanes, (a - c - turned) * w3)


@kernel(inline=True)
def _radix3(
    work: NDArray[np.float64], roots: NDArray[np.float64], source: int, target: int, points: int, lanes: int
) -> None:
    """Take the first pass of transforms of ``points`` points, ``lanes`` of them side by side; a third is left."""
    third = points // 3
    step = roots.shape[1] // points
    stride = third * lanes
    for p in range(third):
        w1, w2 = _get(roots, p * step), _get(roots, 2 * p * step)
        for lane in range(lanes):
            i, o = p * lanes + lane, 3 * p * lanes + lane
            a, b, c = _get(work[source], i), _get(work[source], i + stride), _get(work[source], i + 2 * stride)
            middle = a - 0.5 * (b + c)
            turned = _HALF_SQRT_3 * complex((b - c).imag, (c - b).real)
            _put(work[target], o, a + (b + c))
            _put(work[target], o + lanes, (middle + turned) * w1)
            _put(work[target], o + 2 * lanes, (middle - turned) * w2)


@kernel(inline=True)
def _radix2(
    work: NDArray[np.float64], roots: NDArray[np.float64], source: int, target: int, points: int, lanes: int
) -> None:
    """Take the first pass of transforms of ``points`` points, ``lanes`` of them side by side; half is left."""
    half = points // 2
    step = roots.shape[1] // points
    stride = half * lanes
    for p in range(half):
        w = _get(roots, p * step)
        for lane in range(lanes):
            i, o = p * lanes + lane, 2 * p * lanes + lane
            a, b = _get(work[source], i), _get(work[source], i + stride)
            _put(work[target], o, a + b)
            _put(work[target], o + lanes, (a - b) * w)


@kernel(inline=True)
def _twist_and_transpose(
    work: NDArray[np.float64], twist: NDArray[np.float64], source: int, target: int, rows: int, columns: int
) -> None:
    for column in range(columns):
        for row in range(rows):
            o = column * rows + row
            _put(work[target], o, _get(work[source], row * columns + column) * _get(twist, o))


@kernel(inline=True)
def _untangle(work: NDArray[np.float64], roots: NDArray[np.float64], k: int, mirror: int) -> tuple[complex, complex]:
    """Bins ``k`` and ``mirror`` = N / 2 - k of the real samples' spectrum, from the half-length transform."""
    a, b = _get(work[0], k), _get(work[0], mirror).conjugate()
    even = 0.5 * (a + b)
    odd = 0.5 * complex((a - b).imag, (b - a).real) * _get(roots, k)
    return even + odd, (even - odd).conjugate()


@kernel(inline=True)
def _untangle_power(work: NDArray[np.float64], roots: NDArray[np.float64], power: NDArray[np.float64]) -> None:
    half = work.shape[2]
    middle = half // 2
    first, centre = _get(work[0], 0), _get(work[0], middle)
    power[0] = (first.real + first.imag) ** 2
    power[half] = (first.real - first.imag) ** 2
    power[middle] = _power(centre)
    for k in range(1, middle):
        x, y = _untangle(work, roots, k, half - k)
        power[k], power[half - k] = _power(x), _power(y)


@kernel(inline=True)
def _get(points: NDArray[np.float64], i: int) -> complex:
    return complex(points[RE, i], points[IM, i])


@kernel(inline=True)
def _put(points: NDArray[np.float64], i: int, value: complex) -> None:
    points[RE, i], points[IM, i] = value.real, value.imag


@kernel(inline=True)
def _power(value: complex) -> float:
    return value.real * value.real + value.imag * value.imag
