"""Mel spectrum of one frame of samples, and its decibels."""

import math

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels import fft
from edmlive.kernels.jit import kernel
from edmlive.kernels.tables import N_FFT, N_MELS, Window, mel_filters, window

AMIN = 1e-10
"""Least power that has a level of its own, as in ``librosa.power_to_db``."""
MINIMUM_DB = -100.0
"""Level of `AMIN` and of everything below."""
_DB_PER_NEPER = 10.0 / math.log(10.0)

_FILTERS = mel_filters()

SPECTRUM = np.dtype(
    [
        ("window", np.float64, N_FFT),
        ("plan", fft.plan_dtype(N_FFT)),
        ("first", np.int64, N_MELS),
        ("offset", np.int64, N_MELS + 1),
        ("weights", np.float64, _FILTERS.weights.size),
        ("mel", np.float64, N_MELS),
    ]
)
"""What the mel spectrum is computed with, and ``mel``, its latest value."""


def prepare(spectrum: NDArray[np.void], window_name: Window) -> None:
    """Fill in the tables of a spectrum.

    Parameters
    ----------
    spectrum
        Array of shape () or (1,) and of dtype `SPECTRUM`.
    window_name
        ``"hann"`` or ``"hamming"``.

    Raises
    ------
    ValueError
        If there is no window of that name.
    """
    spectrum["window"] = window(window_name, N_FFT)
    spectrum["first"], spectrum["offset"], spectrum["weights"] = _FILTERS
    fft.prepare(spectrum["plan"])


@kernel(fastmath=True)
def mel_spectrum(samples: NDArray[np.float64], spectrum: np.record) -> None:
    """Mel power spectrum of one frame, as ``librosa.feature.melspectrogram(power=2)``.

    Parameters
    ----------
    samples
        The frame's 2,048 samples.
    spectrum
        Record of `SPECTRUM`; ``spectrum.mel`` receives the 128 bands.
    """
    work = spectrum.plan.work
    for i in range(N_FFT // 2):
        work[0, fft.RE, i] = samples[2 * i] * spectrum.window[2 * i]
        work[0, fft.IM, i] = samples[2 * i + 1] * spectrum.window[2 * i + 1]
    fft.power_2048(spectrum.plan)
    for band in range(N_MELS):
        start = spectrum.offset[band]
        total = 0.0
        for i in range(spectrum.offset[band + 1] - start):
            total += spectrum.weights[start + i] * spectrum.plan.power[spectrum.first[band] + i]
        spectrum.mel[band] = total


@kernel()
def power_to_db(power: NDArray[np.float64], db: NDArray[np.float64]) -> None:
    """Levels of powers, as ``librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None)``.

    Parameters
    ----------
    power
        Powers, shape (n,).
    db
        Output of n levels in dB, -100 or more.
    """
    for i in range(power.size):
        db[i] = _DB_PER_NEPER * math.log(max(power[i], AMIN))
