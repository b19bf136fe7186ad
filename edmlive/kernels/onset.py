"""Onset strength: how much the levels of the mel bands rise from one frame to the next; and its recent past.

The values are those of ``librosa.onset.onset_strength(S=librosa.power_to_db(mel, top_db=None))``. librosa labels the
rise between frames t - 3 and t - 2 with t, because a frame extends half a window ahead; the first three are 0.

``librosa.power_to_db(top_db=80)``, its default, raises every level to at least 80 dB below the loudest of the whole
file. For a file that takes two passes: the ``floor_db`` of the first is where the second starts. Live, the floor rises
with the loudest level so far, and the onset strengths kept for the tempograms are then recomputed.
"""

import math

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel
from edmlive.kernels.spectrum import MINIMUM_DB, power_to_db
from edmlive.kernels.tables import N_MELS, TEMPOGRAM_LENGTH

_LAG = 1
_SHIFT = 2
"""Frames of half a window, n_fft // (2 * hop_length), by which librosa delays onset strengths beyond the lag."""
_LEVELS_KEPT = TEMPOGRAM_LENGTH + _SHIFT + _LAG

ONSET = np.dtype(
    [
        ("frame", np.int64),
        ("top_db", np.float64),
        ("floor_db", np.float64),
        ("levels", np.float64, (_LEVELS_KEPT, N_MELS)),
        ("strengths", np.float64, TEMPOGRAM_LENGTH),
    ]
)
"""State of the onset strength.

``frame`` counts frames; ``levels`` is a ring of the latest mel levels in dB, frame t in row t modulo its length;
``strengths`` holds the latest onset strengths, newest last, preceded by zeros.
"""


def prepare(onset: NDArray[np.void], top_db: float | None, floor_db: float) -> None:
    """Set the floor before the first frame.

    Parameters
    ----------
    onset
        Array of shape () or (1,) and of dtype `ONSET`.
    top_db
        The floor is this many dB below the loudest level so far; None for no such floor.
    floor_db
        Where the floor starts, in dB.
    """
    onset["top_db"] = math.inf if top_db is None else top_db
    onset["floor_db"] = max(floor_db, MINIMUM_DB)


@kernel()
def append(onset: np.record, mel: NDArray[np.float64]) -> None:
    """Append a frame: its onset strength becomes the last of ``onset.strengths``.

    Parameters
    ----------
    onset
        Record of `ONSET`.
    mel
        The frame's 128 mel powers.
    """
    levels, strengths = onset.levels, onset.strengths
    newest = levels[onset.frame % _LEVELS_KEPT]
    power_to_db(mel, newest)
    floor_db = newest.max() - onset.top_db
    if floor_db > onset.floor_db:
        onset.floor_db = floor_db
        for age in range(TEMPOGRAM_LENGTH):
            strengths[TEMPOGRAM_LENGTH - 1 - age] = onset_strength(levels, onset.frame - age, floor_db)
    else:
        for i in range(TEMPOGRAM_LENGTH - 1):
            strengths[i] = strengths[i + 1]
        strengths[TEMPOGRAM_LENGTH - 1] = onset_strength(levels, onset.frame, onset.floor_db)
    onset.frame += 1


@kernel(fastmath=True)
def onset_strength(levels: NDArray[np.float64], frame: int, floor_db: float) -> float:
    """Onset strength at one frame: the mean over the bands of how much their levels rose.

    Parameters
    ----------
    levels
        Ring of mel levels in dB (``ONSET["levels"]``).
    frame
        Number of the frame.
    floor_db
        Levels below count as this one, dB.

    Returns
    -------
    float
        Onset strength, dB, 0 or more.
    """
    if frame < _SHIFT + _LAG:
        return 0.0
    now, before = (frame - _SHIFT) % _LEVELS_KEPT, (frame - _SHIFT - _LAG) % _LEVELS_KEPT
    total = 0.0
    for band in range(N_MELS):
        total += max(0.0, max(levels[now, band], floor_db) - max(levels[before, band], floor_db))
    return total / N_MELS
