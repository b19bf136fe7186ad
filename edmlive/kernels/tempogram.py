"""Autocorrelation and Fourier tempograms of onset strengths: at which periods the last 8.9 seconds repeat.

The values are those of ``librosa.feature.tempogram`` and of the magnitude of ``librosa.feature.fourier_tempogram``
(P. Grosche, M. Müller and F. Kurth, *Cyclic tempogram*, ICASSP 2010), but a row is labelled with the frame its window
ENDS at: row t covers onset strengths t - 383 ... t, and nothing waits for the future. librosa labels a window with its
middle, so row t is its column t - 191. Before the first onset strength there are zeros, as in librosa; in its last 191
columns librosa extends the onset strengths past the end of the file, which `centred` does too.

Both come from one window w of 384 strengths padded to 768: with X its real FFT, the inverse transform of |X|² is the
autocorrelation of w, and the even bins of X are the 384-point FFT of w.
"""

import math

import numpy as np
from numba import from_dtype, types
from numpy.typing import NDArray

from edmlive.kernels import fft
from edmlive.kernels.jit import kernel
from edmlive.kernels.tables import N_TEMPO_BINS, TEMPOGRAM_LENGTH, window

_TINY = np.finfo(np.float64).tiny

TEMPOGRAM = np.dtype(
    [
        ("window", np.float64, TEMPOGRAM_LENGTH),
        ("plan", fft.plan_dtype(2 * TEMPOGRAM_LENGTH)),
        ("autocorrelation", np.float64, TEMPOGRAM_LENGTH),
        ("fourier", np.float64, N_TEMPO_BINS),
    ]
)
"""Tables and work space of the tempograms; ``autocorrelation`` and ``fourier`` are their latest rows."""


def prepare(tempogram: NDArray[np.void]) -> None:
    """Fill in the tables of a tempogram.

    Parameters
    ----------
    tempogram
        Array of shape () or (1,) and of dtype `TEMPOGRAM`.
    """
    tempogram["window"] = window("hann", TEMPOGRAM_LENGTH)
    fft.prepare(tempogram["plan"])


@kernel(fastmath=True)
def tempograms(strengths: NDArray[np.float64], tempogram: np.record) -> None:
    """Both tempograms of one window of onset strengths.

    Parameters
    ----------
    strengths
        384 onset strengths.
    tempogram
        Record of `TEMPOGRAM`. ``tempogram.autocorrelation`` receives 384 lags relative to lag 0, or zeros if there was
        no onset; ``tempogram.fourier`` the magnitudes of 193 frequencies.
    """
    plan, lags = tempogram.plan, tempogram.autocorrelation
    fft.power_768(plan, strengths, tempogram.window)
    for k in range(N_TEMPO_BINS):
        tempogram.fourier[k] = math.sqrt(plan.power[2 * k])
    fft.autocorrelation_768(plan, lags)
    scale = 1.0 / lags[0] if lags[0] > _TINY else 0.0
    for lag in range(TEMPOGRAM_LENGTH):
        lags[lag] *= scale


@kernel(
    types.void(
        types.float64[::1], types.int64, from_dtype(TEMPOGRAM)[::1], types.float32[:, ::1], types.float32[:, ::1]
    ),
)
def _slide(
    strengths: NDArray[np.float64],
    stride: int,
    tempogram: NDArray[np.void],
    autocorrelation: NDArray[np.float32],
    fourier: NDArray[np.float32],
) -> None:
    """Tempograms of whole windows ``stride`` apart in ``strengths``, as many as the outputs have rows."""
    record = tempogram[0]
    for row in range(autocorrelation.shape[0]):
        tempograms(strengths[row * stride : row * stride + TEMPOGRAM_LENGTH], record)
        autocorrelation[row] = record.autocorrelation
        fourier[row] = record.fourier


def centred(strengths: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Tempograms of a whole file, each labelled with the middle of its window as librosa does, both edges included.

    Past the file's ends librosa lets the onset strength fall linearly to zero for the autocorrelation tempogram
    (``numpy.pad(mode="linear_ramp")``), and takes it as zero for the Fourier tempogram.

    Parameters
    ----------
    strengths
        Onset strengths, shape (frames,).

    Returns
    -------
    autocorrelation : ndarray of float32, shape (frames, 384)
        ``librosa.feature.tempogram(onset_envelope=strengths).T``
    fourier : ndarray of float32, shape (frames + 1, 193)
        ``abs(librosa.feature.fourier_tempogram(onset_envelope=strengths)).T``

    Raises
    ------
    ValueError
        If there are no onset strengths.
    """
    half = TEMPOGRAM_LENGTH // 2
    ramped, _ = trailing(np.pad(strengths, half, mode="linear_ramp"))
    _, fourier = trailing(np.pad(strengths, half))
    return ramped[:-1], fourier


def trailing(strengths: NDArray[np.float64], stride: int = 1) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Tempograms of the whole windows in a piece of onset strengths, as the stream has them where the windows end.

    Parameters
    ----------
    strengths
        Onset strengths, shape (frames,), at least 384. Before the first of a recording belong 383 zeros.
    stride
        Frames from one window to the next.

    Returns
    -------
    autocorrelation : ndarray of float32, shape (rows, 384)
        With ``rows = 1 + (frames - 384) // stride``; row r is labelled with frame ``r * stride + 383``.
    fourier : ndarray of float32, shape (rows, 193)

    Raises
    ------
    ValueError
        If there is no whole window.
    """
    rows = (strengths.size - TEMPOGRAM_LENGTH) // stride + 1
    if rows < 1:
        raise ValueError("a window needs 384 onset strengths")
    tempogram = np.zeros(1, TEMPOGRAM)
    prepare(tempogram)
    autocorrelation = np.empty((rows, TEMPOGRAM_LENGTH), np.float32)
    fourier = np.empty((rows, N_TEMPO_BINS), np.float32)
    _slide(strengths, stride, tempogram, autocorrelation, fourier)
    return autocorrelation, fourier
