"""Power spectra of 2,048 and of 768 real samples; and, less elaborate, the complex spectrum of a short frame.

N real samples are taken as n = N / 2 complex points (even samples real, odd ones imaginary), transformed, and
untangled. The points are a matrix of 16 columns: first the columns are transformed, all 16 side by side, then the rows
(four-step; D. H. Bailey, *FFTs in external or hierarchical memory*, 1990). The columns take Stockham's radix-4 and
radix-3 passes (decimation in frequency), whose inner loops run over at least 16 neighbours with the same twiddle
factors. The rows take two radix-4 passes of constant geometry (decimation in time; M. C. Pease, *An adaptation of the
fast Fourier transform for parallel processing*, 1968), which read every fourth point and leave the spectrum in its
natural order. All this becomes vector instructions.

The rows' two passes want each 16 points transposed as a matrix of 4 by 4 before the first of all passes. That is the
*packed* order: place 16 b + 4 i + j holds point 16 b + 4 j + i.

A *plan* is one record (`plan_dtype`) with the work array and its tables at fixed places, not several arrays: the
compiler then knows that they do not overlap, and the transform is several times faster. All passes are inlined where
their sizes are literal, for the same reason. Within a loop's body, all loads come before all stores: otherwise the
compiler cannot know that later loads do not need what was just stored.
"""

import math

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel
from edmlive.kernels.tables import roots_of_unity

RE, IM = 0, 1
_ROW = 16
_ONE, _TWO = np.uint64(1), np.uint64(2)
_HALF_SQRT_3 = math.sqrt(0.75)


def plan_dtype(length: int) -> np.dtype[np.void]:
    """Layout of a plan for ``length`` real samples.

    Fields, all float64, with n = length / 2:

    ``work`` (2, 2, n)
        Two sides, each with real and imaginary parts.
    ``power`` (n + 1,)
        Squared magnitudes of the spectrum.
    ``roots`` (2, length)
        Twiddle factors of the columns' passes and of untangling.
    ``rows`` (2, 3, 2, n / 4)
        Twiddle factors of the rows' two passes, for the second, third and fourth of four points.

    Parameters
    ----------
    length
        2,048 or 768.

    Returns
    -------
    dtype
    """
    half = length // 2
    shapes = {"work": (2, 2, half), "power": (half + 1,), "roots": (2, length), "rows": (2, 3, 2, half // 4)}
    return np.dtype([(name, np.float64, shape) for name, shape in shapes.items()])


def prepare(plan: NDArray[np.void]) -> None:
    """Fill in a plan's tables.

    Parameters
    ----------
    plan
        Array of shape () or (1,) and of a `plan_dtype`.
    """
    half = plan["work"].shape[-1]
    roots = roots_of_unity(2 * half)
    points = np.arange(half // 4)
    plan["roots"] = roots
    for j in (1, 2, 3):
        plan["rows"][..., 0, j - 1, :, :] = roots[:, 8 * j * (points // 4)]
        plan["rows"][..., 1, j - 1, :, :] = roots[:, 2 * j * points]


def packed(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return real samples as complex points in packed order.

    Parameters
    ----------
    samples
        Shape (32 k,).

    Returns
    -------
    ndarray, shape (2, 16 k)
        Real parts, imaginary parts.
    """
    return np.ascontiguousarray(samples.reshape(-1, 4, 4, 2).transpose(3, 0, 2, 1).reshape(2, -1))


@kernel(inline=True)
def pack(samples: NDArray[np.float64], points: NDArray[np.float64]) -> None:
    """Do what `packed` does, in a kernel.

    Parameters
    ----------
    samples
        Shape (32 k,).
    points
        Output, shape (2, 16 k).
    """
    for block in range(0, points.shape[1], _ROW):
        for i in range(4):
            for j in range(4):
                sample = 2 * (block + 4 * j + i)
                points[RE, block + 4 * i + j] = samples[sample]
                points[IM, block + 4 * i + j] = samples[sample + 1]


@kernel(fastmath=True)
def power_2048(plan: np.record, hops: NDArray[np.float64], window: NDArray[np.float64]) -> None:
    """Power spectrum of 2,048 samples times a window; ``plan.power`` has 1,025 bins.

    Parameters
    ----------
    plan
        Record of ``plan_dtype(2048)``.
    hops
        The samples in packed quarters, shape (4, 2, 256).
    window
        Packed quarters of the window, shape (4, 2, 256).
    """
    work, roots = plan.work, plan.roots
    for p in range(16):
        w1, w2, w3 = _get(roots, p * 32), _get(roots, 2 * p * 32), _get(roots, 3 * p * 32)
        for lane in range(_ROW):
            i, o = p * _ROW + lane, 4 * p * _ROW + lane
            a, b = _windowed(hops[0], window[0], i), _windowed(hops[1], window[1], i)
            c, d = _windowed(hops[2], window[2], i), _windowed(hops[3], window[3], i)
            turned = complex((b - d).imag, (d - b).real)
            _put(work[1], o, (a + c) + (b + d))
            _put(work[1], o + _ROW, (a - c + turned) * w1)
            _put(work[1], o + 2 * _ROW, ((a + c) - (b + d)) * w2)
            _put(work[1], o + 3 * _ROW, (a - c - turned) * w3)
    _radix4(work, roots, 1, 0, 16, 64)
    _radix4(work, roots, 0, 1, 4, 256)
    _rows(work, plan.rows[0], 1, 0)
    _rows(work, plan.rows[1], 0, 1)
    _untangle_power(work[1], roots, plan.power, plan.power)


@kernel(fastmath=True)
def power_768(plan: np.record, samples: NDArray[np.float64], window: NDArray[np.float64]) -> None:
    """Power spectrum of 384 samples times a window, and as many zeros; ``plan.power`` has 385 bins.

    Parameters
    ----------
    plan
        Record of ``plan_dtype(768)``.
    samples
        Shape (384,).
    window
        Shape (384,).
    """
    work, roots = plan.work, plan.roots
    for p in range(12):
        w = _get(roots, p * 32)
        for i in range(4):
            for j in range(4):
                sample = 2 * (p * _ROW + 4 * j + i)
                a = complex(samples[sample] * window[sample], samples[sample + 1] * window[sample + 1])
                o = 2 * p * _ROW + 4 * i + j
                _put(work[0], o, a)
                _put(work[0], o + _ROW, a * w)
    _fft_384(plan)
    _untangle_power(work[0], roots, plan.power, plan.power)


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
    for p in range(12):
        w = _get(roots, p * 32)
        for i in range(4):
            for j in range(4):
                k = 2 * (p * _ROW + 4 * j + i)
                a, b = complex(power[k], power[k + 1]), complex(power[384 - k], power[383 - k])
                o = 2 * p * _ROW + 4 * i + j
                _put(work[0], o, a + b)
                _put(work[0], o + _ROW, (a - b) * w)
    _fft_384(plan)
    _untangle_lags(work[0], roots, lags, lags)


@kernel(inline=True)
def _fft_384(plan: np.record) -> None:
    """Take what is left after the first pass of radix 2, on side 0."""
    work, roots = plan.work, plan.roots
    _radix4(work, roots, 0, 1, 12, 32)
    _radix3(work, roots, 1, 0, 3, 128)
    _rows(work, plan.rows[0], 0, 1)
    _rows(work, plan.rows[1], 1, 0)


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
def _rows(work: NDArray[np.float64], twiddles: NDArray[np.float64], source: int, target: int) -> None:
    """Take one of the two passes of constant geometry."""
    quarter = work.shape[2] // 4
    for v in range(quarter):
        a, b = _get(work[source], 4 * v), _get(work[source], 4 * v + 1) * _get(twiddles[0], v)
        c = _get(work[source], 4 * v + 2) * _get(twiddles[1], v)
        d = _get(work[source], 4 * v + 3) * _get(twiddles[2], v)
        turned = complex((b - d).imag, (d - b).real)
        _put(work[target], v, (a + c) + (b + d))
        _put(work[target], v + quarter, a - c + turned)
        _put(work[target], v + 2 * quarter, (a + c) - (b + d))
        _put(work[target], v + 3 * quarter, a - c - turned)


@kernel(fastmath=True)
def _untangle_power(
    points: NDArray[np.float64], roots: NDArray[np.float64], power: NDArray[np.float64], mirrored: NDArray[np.float64]
) -> None:
    """Squared magnitudes of the real samples' spectrum, from that of the points.

    ``power`` and ``mirrored`` are the same array. One is written forwards and one backwards, until they meet: under two
    names the compiler checks at run time that they do not overlap, and makes vectors. So this is not inlined. The
    indices are unsigned, because it would look at each of the others whether it counts from the array's end.
    """
    half = np.uint64(points.shape[1])
    middle = half // _TWO
    first, centre = _get(points, 0), _get(points, middle)
    power[0] = (first.real + first.imag) ** 2
    power[half] = (first.real - first.imag) ** 2
    power[middle] = _power(centre)
    for k in range(_ONE, middle):
        a, b = _get(points, k), _get(points, half - k).conjugate()
        even = 0.5 * (a + b)
        odd = 0.5 * complex((a - b).imag, (b - a).real) * _get(roots, k)
        power[k], mirrored[half - k] = _power(even + odd), _power(even - odd)


@kernel(fastmath=True)
def _untangle_lags(
    points: NDArray[np.float64], roots: NDArray[np.float64], lags: NDArray[np.float64], mirrored: NDArray[np.float64]
) -> None:
    """Do as `_untangle_power`, where the samples are real and even: so is their spectrum, and no more is needed."""
    half = np.uint64(points.shape[1])
    middle = half // _TWO
    lags[0] = points[RE, 0] + points[IM, 0]
    lags[middle] = points[RE, middle]
    for k in range(_ONE, middle):
        a, b = points[RE, k], points[RE, half - k]
        even = 0.5 * (a + b)
        odd = 0.5 * (a - b) * roots[IM, k] + points[IM, k] * roots[RE, k]
        lags[k], mirrored[half - k] = even + odd, even - odd


@kernel(inline=True)
def _windowed(points: NDArray[np.float64], window: NDArray[np.float64], i: int) -> complex:
    return complex(points[RE, i] * window[RE, i], points[IM, i] * window[IM, i])


@kernel(inline=True)
def _get(points: NDArray[np.float64], i: int | np.uint64) -> complex:
    return complex(points[RE, i], points[IM, i])


@kernel(inline=True)
def _put(points: NDArray[np.float64], i: int, value: complex) -> None:
    points[RE, i], points[IM, i] = value.real, value.imag


@kernel(inline=True)
def _power(value: complex) -> float:
    return value.real * value.real + value.imag * value.imag


def half_roots(length: int) -> NDArray[np.complex128]:
    """First half of the roots of unity, what `real_spectrum` needs for a frame of a given length.

    Parameters
    ----------
    length
        Samples in a frame, even.

    Returns
    -------
    ndarray of complex128, shape (length // 2,)
        ``exp(-2j * pi * k / length)``.
    """
    real, imaginary = roots_of_unity(length)[:, : length // 2]
    roots: NDArray[np.complex128] = real + 1j * imaginary
    return roots


@kernel(fastmath=True)
def real_spectrum(frame: NDArray[np.float64], roots: NDArray[np.complex128], spectrum: NDArray[np.complex128]) -> None:
    """Complex spectrum of N real samples, where phases are needed too: N / 2 complex points by radix-2 passes.

    Parameters
    ----------
    frame
        Windowed samples, shape (N,); N is a power of two.
    roots
        ``half_roots(N)``.
    spectrum
        Output, shape (N / 2 + 1,): ``rfft(frame)``.
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
