"""Mel spectrum of one frame of samples, and its decibels."""

import math

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels import fft
from edmlive.kernels.jit import kernel
from edmlive.kernels.tables import HOP_LENGTH, N_FFT, N_MELS, Window, mel_filters, window

AMIN = 1e-10
"""Powers below count as this one, as in ``librosa.power_to_db``."""
MINIMUM_DB = -100.0
"""Level of `AMIN`, the lowest there is."""
_DB_PER_NEPER = 10.0 / math.log(10.0)
_LOG_2 = math.log(2.0)
_BITS_OF_SQRT_HALF = np.int64(np.float64(math.sqrt(0.5)).view(np.int64))

_HOPS = N_FFT // HOP_LENGTH
_FILTERS = mel_filters()

SPECTRUM = np.dtype(
    [
        ("hops", np.float64, (_HOPS, 2, HOP_LENGTH // 2)),
        ("window", np.float64, (_HOPS, 2, HOP_LENGTH // 2)),
        ("plan", fft.plan_dtype(N_FFT)),
        ("first", np.uint64, N_MELS),
        ("offset", np.uint64, N_MELS + 1),
        ("weights", np.float64, _FILTERS.weights.size),
        ("mel", np.float64, N_MELS),
    ]
)
"""What the mel spectrum is computed with, and ``mel``, its latest value.

``hops`` holds the latest 2,048 samples, oldest first, each 512 of them packed. ``first`` and ``offset`` are those of
`MelFilters`, unsigned so that the compiler need not check for negative indices.
"""


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
    spectrum["window"] = [fft.packed(part) for part in window(window_name, N_FFT).reshape(_HOPS, HOP_LENGTH)]
    spectrum["first"], spectrum["offset"], spectrum["weights"] = _FILTERS
    fft.prepare(spectrum["plan"])


@kernel()
def append(spectrum: np.record, hop: NDArray[np.float64]) -> None:
    """Append the next 512 samples.

    Parameters
    ----------
    spectrum
        Record of `SPECTRUM`.
    hop
        Shape (512,).
    """
    hops = spectrum.hops
    for i in range(_HOPS - 1):
        for part in range(2):
            for place in range(HOP_LENGTH // 2):
                hops[i, part, place] = hops[i + 1, part, place]
    fft.pack(hop, hops[_HOPS - 1])


@kernel(fastmath=True)
def mel_spectrum(spectrum: np.record) -> None:
    """Mel power spectrum of the latest 2,048 samples, as ``librosa.feature.melspectrogram(power=2)``.

    Parameters
    ----------
    spectrum
        Record of `SPECTRUM`; ``spectrum.mel`` receives the 128 bands.
    """
    fft.power_2048(spectrum.plan, spectrum.hops, spectrum.window)
    for band in range(N_MELS):
        start = spectrum.offset[band]
        total = 0.0
        for i in range(spectrum.offset[band + 1] - start):
            total += spectrum.weights[start + i] * spectrum.plan.power[spectrum.first[band] + i]
        spectrum.mel[band] = total


@kernel()
def power_to_db(power: NDArray[np.float64], db: NDArray[np.float64]) -> None:
    """Levels of powers, as ``librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None)``.

    The compiler makes no vectors of ``math.log``, so here is its series: with x = m 2^e and m between the square roots
    of 1/2 and 2, log x = e log 2 + 2 artanh s, where s = (m - 1) / (m + 1). It is exact to 1e-15 of a level.

    Parameters
    ----------
    power
        Powers, shape (n,).
    db
        Output of n levels in dB, -100 or more; NaN where a power is not finite.
    """
    for i in range(power.size):
        x = np.float64(max(power[i], AMIN))
        bits = x.view(np.int64)
        exponent = (bits - _BITS_OF_SQRT_HALF) >> 52
        m = np.int64(bits - (exponent << 52)).view(np.float64)
        s = (m - 1.0) / (m + 1.0)
        q = s * s
        tail = 1 / 11 + q * (1 / 13 + q * (1 / 15 + q * (1 / 17 + q * (1 / 19))))
        artanh = s + s * q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q * tail))))
        db[i] = _DB_PER_NEPER * (exponent * _LOG_2 + 2.0 * artanh) + (x - x)
