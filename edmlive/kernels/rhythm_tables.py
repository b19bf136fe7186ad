"""Constants and tables of the rhythm kernels, at 22,050 Hz."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.short_term_tables import FRAME_LENGTH
from edmlive.kernels.tables import HOP_LENGTH, SAMPLE_RATE

GRID = HOP_LENGTH // 2
"""Samples between two places on the grid, where beats can lie: 11.6 ms."""
GRID_RATE = SAMPLE_RATE / GRID

BEAT_FRAME = 1_024
"""Samples in a frame of the onset function that beats are tracked on; its hop length is `HOP_LENGTH`."""
BEAT_BAND_EDGES = np.array([4, 8, 19])
"""Ends of the bands of a beat frame, in bins of 21.5 Hz: 75, 160 and 400 Hz."""
ONSET_FRAME = 512
"""Samples in a frame of the two onset functions that onsets are counted on; their hop length is `GRID`."""

BEAT_RANGE = 1_102
"""A beat sounds within this many samples (50 ms) of its place on the grid, and is measured over as many."""
BAND_EDGES = np.array([0, 10, 20, 40, 80, 160, FRAME_LENGTH // 2])
"""Six bands, in bins of 20 Hz: up to 200, 400, 800, 1,600, 3,200 Hz and beyond (Scheirer 1998). A bin on an edge counts
in both bands."""

HALF_SAMPLES_IN_10_MS, HALF_SAMPLES_IN_50_MS = 2 * SAMPLE_RATE // 100, 2 * SAMPLE_RATE // 20
"""Lengths of the blocks of which deviations and powers are measured: not whole numbers of samples."""

INTERPOLATOR = np.sinc(np.arange(-7, 9) - 0.5) * np.kaiser(18, 8.0)[1:-1]
"""Weights of the samples -7 ... 8 for the value half-way between samples 0 and 1."""


class LoudnessFilter(NamedTuple):
    """Cascaded biquads and a gain.

    Attributes
    ----------
    sections : ndarray, shape (n, 5)
        Coefficients b0, b1, b2, a1, a2 of each section, a0 being 1.
    power_gain : float
        Factor on the power of the output.
    """

    sections: NDArray[np.float64]
    power_gain: float


def _high_pass(frequency: float) -> list[float]:
    """Second-order Butterworth, by the bilinear transform."""
    k = np.tan(np.pi * frequency / SAMPLE_RATE)
    norm = 1 + np.sqrt(2) * k + k * k
    return [1 / norm, -2 / norm, 1 / norm, 2 * (k * k - 1) / norm, (1 - np.sqrt(2) * k + k * k) / norm]


def _peak(frequency: float, gain_db: float, q: float) -> list[float]:
    """Peaking equaliser (R. Bristow-Johnson, *Audio EQ cookbook*)."""
    a, w = 10 ** (gain_db / 40), 2 * np.pi * frequency / SAMPLE_RATE
    alpha, middle = np.sin(w) / (2 * q), -2 * np.cos(w)
    norm = 1 + alpha / a
    return [(1 + alpha * a) / norm, middle / norm, (1 - alpha * a) / norm, middle / norm, (1 - alpha / a) / norm]


# The high-pass is the one that the ReplayGain 1.0 specification names; the peaks and the gain are fitted to its target
# curve, within 0.3 dB from 50 Hz to 9 kHz.
LOUDNESS_FILTER = LoudnessFilter(
    np.array([_high_pass(150), _peak(3_857, 22.5, 0.31), _peak(7_590, -19.12, 0.30), _peak(1_520, -10.02, 0.44)]),
    10 ** (-7.49 / 10),
)


def blackman_harris(length: int) -> NDArray[np.float64]:
    """Three-term Blackman-Harris window of 62 dB (Harris 1978), scaled so that a sine's peak is its amplitude."""
    phase = 2 * np.pi * np.arange(length) / (length - 1)
    window: NDArray[np.float64] = 0.44959 - 0.49364 * np.cos(phase) + 0.05677 * np.cos(2 * phase)
    window *= 2 / window.sum()
    return window
