"""Constants and tables of pyAudioAnalysis's short-term features at 22,050 Hz.

The definitions, truncations and slips included, are those of pyAudioAnalysis 0.3.14 (Giannakopoulos 2015,
"pyAudioAnalysis: An Open-Source Python Library for Audio Signal Analysis", PLOS ONE 10(12)), because the data sets
that the models learn from were made with it.
"""

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.tables import SAMPLE_RATE

FRAME_LENGTH = 1102
"""Samples in a short-term frame, which is also the hop length: ``round(0.05 * 22050)``."""
BLOCK_FRAMES = 20
"""Frames in a mid-term block, nominally one second: ``round(22050 / 1102)``."""
BINS = FRAME_LENGTH // 2
"""Magnitudes kept of a frame's spectrum: 0 Hz up to, but without, the Nyquist frequency."""
FEATURES = 34
EPS = float(np.finfo(np.float64).eps)

SUB_BLOCKS = 10
"""Parts of a frame or a spectrum for its entropy; the remainder of the division is in none of them."""
SUB_SAMPLES = FRAME_LENGTH // SUB_BLOCKS
SUB_BINS = BINS // SUB_BLOCKS
ROLLOFF = 0.9
"""Share of the spectral energy below the roll-off."""

FREQUENCIES = np.arange(1, BINS + 1) / BINS
"""Frequency of each bin as pyAudioAnalysis counts it (one bin too high), in units of the Nyquist frequency."""


def _filter_bank() -> NDArray[np.float64]:
    """Triangular filters for the MFCCs.

    Returns
    -------
    ndarray, shape (40, BINS)
        Weights. 13 filters are spaced linearly, 27 logarithmically. The bins are taken to be ``SAMPLE_RATE / BINS``
        apart, twice their true distance, as in the original.
    """
    linear = 133.33 + 200 / 3 * np.arange(13)
    edges = np.concatenate([linear, linear[-1] * 1.0711703 ** np.arange(1, 30)])
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    frequencies = np.arange(BINS) / BINS * SAMPLE_RATE
    first, middle, last = (np.floor(edge * BINS / SAMPLE_RATE) for edge in (low, centre, high))
    bins = np.arange(BINS)
    rising = (frequencies - low) / (centre - low) * ((bins > first) & (bins <= middle))
    falling = (high - frequencies) / (high - centre) * ((bins > middle) & (bins <= last))
    weights: NDArray[np.float64] = 2.0 / (high - low) * (rising + falling)
    return weights


def _chroma_weights() -> NDArray[np.float64]:
    """Linear map from the energy spectrum to the twelve pitch classes.

    Returns
    -------
    ndarray, shape (12, BINS)
        Weights. Of the bins that round to one semitone only the highest counts, divided by the number of bins that
        share the semitone of the bin whose *index* is that semitone's number: both as in the original, as is
        the negative semitone number of bin 0, which wraps around to the end.
    """
    semitones = np.round(12.0 * np.log2(FREQUENCIES * SAMPLE_RATE / 2 / 27.5)).astype(np.int64)
    _, inverse, counts = np.unique(semitones, return_inverse=True, return_counts=True)
    sharing = counts[inverse]
    weights = np.zeros((12, BINS))
    for semitone in np.unique(semitones):
        index = semitone % BINS
        weights[index % 12, np.flatnonzero(semitones == semitone)[-1]] = 1.0 / sharing[semitones[index]]
    return weights


def _cosine_transform(inputs: int, outputs: int) -> NDArray[np.float64]:
    """First columns of the orthonormal DCT-II.

    Returns
    -------
    ndarray, shape (inputs, outputs)
    """
    angles = np.pi / inputs * np.outer(np.arange(inputs) + 0.5, np.arange(outputs))
    columns: NDArray[np.float64] = np.sqrt(2.0 / inputs) * np.cos(angles)
    columns[:, 0] *= np.sqrt(0.5)
    return columns


FILTERS = _filter_bank()
FILTER_SPANS = np.array([(row.nonzero()[0][0], row.nonzero()[0][-1] + 1) for row in FILTERS])
"""First bin of each filter, and one past its last."""
COSINES = _cosine_transform(len(FILTERS), 13)

_CHROMA = _chroma_weights()
CHROMA_DC_CLASS = int(_CHROMA[:, 0].argmax())
"""Pitch class of bin 0."""
CHROMA_DC_WEIGHT = float(_CHROMA[CHROMA_DC_CLASS, 0])
_CHROMA[:, 0] = 0.0
CHROMA_CLASSES, CHROMA_BINS = np.divmod(np.flatnonzero(_CHROMA), BINS)
CHROMA_WEIGHTS = _CHROMA[CHROMA_CLASSES, CHROMA_BINS]
"""Pitch class, bin and weight of each bin above 0 that counts."""

# Good's prime-factor map, 1102 = 38 * 29: sample (29 a + 38 b) mod 1102 goes to (a, b), and bin k comes out at
# (k mod 38, k mod 29). The two short transforms are then independent, without twiddle factors between them.
ROWS, COLUMNS = 38, 29
ROW_LANES, HALF_COLUMNS = ROWS // 2 + 1, COLUMNS // 2 + 1
"""Rows and columns left when mirrored ones are added and subtracted."""
COLUMN_LANES = 32
"""`COLUMNS`, rounded up to whole vectors of eight."""
GATHER = (COLUMNS * np.arange(ROWS)[:, None] + ROWS * np.arange(COLUMNS)[None, :]) % FRAME_LENGTH
_bins = np.arange(FRAME_LENGTH)
SCATTER = np.empty((COLUMNS, ROWS), np.int64)
SCATTER[_bins % COLUMNS, _bins % ROWS] = np.minimum(_bins, FRAME_LENGTH - _bins)
"""Bin, folded to 0...551, found at (k mod 29, k mod 38)."""


def _half_turns(length: int, function: np.ufunc) -> NDArray[np.float64]:
    """Cosines or sines of a DFT of a given length, for indices up to its half.

    Returns
    -------
    ndarray, shape (length // 2 + 1, length // 2 + 1)
    """
    half = np.arange(length // 2 + 1)
    values: NDArray[np.float64] = function(2.0 * np.pi / length * (np.outer(half, half) % length))
    return values


ROW_COSINES, ROW_SINES = _half_turns(ROWS, np.cos), _half_turns(ROWS, np.sin)
COLUMN_COSINES, COLUMN_SINES = _half_turns(COLUMNS, np.cos), _half_turns(COLUMNS, np.sin)
