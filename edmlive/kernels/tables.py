"""Constants and tables of the front end's kernels."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 22_050
N_FFT = 2_048
HOP_LENGTH = 512
N_MELS = 128
TEMPOGRAM_LENGTH = 384
"""Onset strengths in a tempogram's window (8.9 s), and lags of the autocorrelation tempogram."""
N_TEMPO_BINS = TEMPOGRAM_LENGTH // 2 + 1
"""Frequency bins of the Fourier tempogram."""
WHOLE_VECTORS = 16
"""Values that a summing loop processes at a time, in vectors of up to eight; a multiple leaves no remainder."""

Window = Literal["hann", "hamming"]


class MelFilters(NamedTuple):
    """Sparse triangular mel filters.

    Band ``m`` weights the spectrum's bins from ``first[m]`` on with ``weights[offset[m]:offset[m + 1]]``, padded with
    zeros to a multiple of `WHOLE_VECTORS`.

    Attributes
    ----------
    first : ndarray of int64, shape (128,)
    offset : ndarray of int64, shape (129,)
    weights : ndarray of float64, shape (number of weights,)
    """

    first: NDArray[np.int64]
    offset: NDArray[np.int64]
    weights: NDArray[np.float64]


def window(name: Window, length: int) -> NDArray[np.float64]:
    """Periodic (DFT-even) raised-cosine window, as ``scipy.signal.get_window``.

    Parameters
    ----------
    name
        ``"hann"`` or ``"hamming"``.
    length
        Samples.

    Returns
    -------
    ndarray of float64, shape (length,)

    Raises
    ------
    ValueError
        If there is no window of that name.
    """
    offsets = {"hann": 0.5, "hamming": 0.54}
    if name not in offsets:
        raise ValueError(f"unknown window {name!r}; there are: {', '.join(offsets)}")
    offset = offsets[name]
    return offset - (1.0 - offset) * np.cos(2.0 * np.pi * np.arange(length) / length)


def roots_of_unity(length: int) -> NDArray[np.float64]:
    """``exp(-2j pi k / length)`` for k = 0 ... length - 1.

    Parameters
    ----------
    length
        Order of the roots.

    Returns
    -------
    ndarray of float64, shape (2, length)
        Real parts, imaginary parts.
    """
    angle = -2.0 * np.pi * np.arange(length) / length
    return np.stack([np.cos(angle), np.sin(angle)])


def mel_filters() -> MelFilters:
    """Slaney's mel filter bank: 128 area-normalised triangles from 0 Hz to half the sample rate.

    The scale is linear up to 1 kHz and logarithmic above (M. Slaney, *Auditory Toolbox*, Interval Research
    Technical Report 1998-010); the values are those of ``librosa.filters.mel``.

    Returns
    -------
    MelFilters
    """
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(SAMPLE_RATE / 2), N_MELS + 2))
    frequencies = np.fft.rfftfreq(N_FFT, 1.0 / SAMPLE_RATE)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (frequencies - low) / (centre - low)
    falling = (high - frequencies) / (high - centre)
    # librosa rounds the filters to float32, before and after the normalisation; its values are our reference.
    triangles = np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
    filters = (triangles * (2.0 / (high - low))).astype(np.float32)
    counts = -(-np.count_nonzero(filters, axis=1) // WHOLE_VECTORS) * WHOLE_VECTORS
    first = np.minimum(np.argmax(filters > 0, axis=1), frequencies.size - counts)
    weights = [row[start : start + count] for row, start, count in zip(filters, first, counts, strict=True)]
    return MelFilters(first, np.concatenate([[0], np.cumsum(counts)]), np.concatenate(weights).astype(np.float64))


_LINEAR_HZ_PER_MEL = 200.0 / 3.0
_LOG_FROM_HZ = 1_000.0
_LOG_FROM_MEL = _LOG_FROM_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


def _hz_to_mel(frequency: float) -> float:
    """Mel of a frequency (Hz) on the logarithmic part of Slaney's scale."""
    return float(_LOG_FROM_MEL + np.log(frequency / _LOG_FROM_HZ) / _LOG_STEP)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frequencies (Hz) of points on Slaney's mel scale."""
    logarithmic = _LOG_FROM_HZ * np.exp(_LOG_STEP * (mel - _LOG_FROM_MEL))
    return np.where(mel < _LOG_FROM_MEL, _LINEAR_HZ_PER_MEL * mel, logarithmic)
