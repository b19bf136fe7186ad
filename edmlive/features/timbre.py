"""The 68 timbre descriptors over a rolling window: pyAudioAnalysis's statistics, computed as the audio arrives."""

import numpy as np
from numpy.typing import NDArray

from edmlive.features.history import History
from edmlive.kernels.mid_term import beat, mid_term_statistics
from edmlive.kernels.short_term import FRAME_TOTAL, SUMS, frame_sums, short_term_features
from edmlive.kernels.short_term_tables import BINS, FRAME_LENGTH
from edmlive.kernels.tables import SAMPLE_RATE
from edmlive.util.blocks import BlockBuffer

_FEATURES = (
    "ZCR",
    "Energy",
    "EnergyEntropy",
    "SpectralCentroid",
    "SpectralSpread",
    "SpectralEntropy",
    "SpectralFlux",
    "SpectralRolloff",
    *(f"MFCCs{i}" for i in range(1, 14)),
    *(f"ChromaVector{i}" for i in range(1, 13)),
    "ChromaDeviation",
)
TIMBRE_NAMES = tuple(
    f"{i}-{name}" for i, name in enumerate([f"{f}{s}" for s in ("m", "std") for f in _FEATURES], start=1)
)
"""Names of the 68 values, in order, as in the data sets' columns: ``1-ZCRm`` ... ``68-ChromaDeviationstd``."""

BEAT_NAMES = ("69-BPM", "70-BPMconf")
"""Names of the values that `TimbreStatistics.read_with_beat` appends."""


class TimbreStatistics:
    """Means and standard deviations of 34 short-term features over the newest seconds of audio.

    A 50-millisecond frame is reduced once, when its last sample arrives, and kept for `max_seconds`, so memory is
    constant and any split of the samples into pushes gives the same bits. pyAudioAnalysis normalises a recording by its
    mean and peak; here they are those of the window being read.

    Parameters
    ----------
    max_seconds
        Longest window that can be read.
    """

    def __init__(self, max_seconds: float = 120.0) -> None:
        self._capacity = _whole_frames(max_seconds)
        if self._capacity < 1:
            raise ValueError(f"max_seconds is {max_seconds:g}; a frame alone lasts {FRAME_LENGTH / SAMPLE_RATE:.3f} s")
        self._frames = BlockBuffer(np.empty(FRAME_LENGTH))
        self._sums = History(self._capacity, (SUMS,))
        self._spectrum = np.empty(BINS + 1)
        self.reset()

    def reset(self) -> None:
        """Forget all audio."""
        self._frames.clear()
        self._sums.reset()
        self._spectrum[:] = 0.0
        self._total = 0.0  # sum of the samples of the frames held; they are integers, so it is exact

    @property
    def seconds(self) -> float:
        """Audio held in whole frames, in seconds."""
        return self._held * FRAME_LENGTH / SAMPLE_RATE

    @property
    def _held(self) -> int:
        return min(self._sums.count, self._capacity)

    def push(self, samples: NDArray[np.floating]) -> None:
        """Take in audio.

        Parameters
        ----------
        samples : ndarray, shape (n,)
            Mono samples at 22,050 Hz, finite, nominally in -1...1; float32 or float64, any length.
        """
        for _, frame in self._frames.push(samples):
            if frame is not None:
                self._reduce(frame)

    def _reduce(self, frame: NDArray[np.float64]) -> None:
        held, sums = self._held, np.empty((1, SUMS))
        frame_sums(frame, self._total, held, self._spectrum, sums[0])
        leaving = self._sums.newest(held)[0, FRAME_TOTAL] if held == self._capacity else 0.0
        self._total += float(sums[0, FRAME_TOTAL] - leaving)
        self._sums.push(sums)

    def read(self, seconds: float) -> NDArray[np.float64]:
        """Return the timbre of the newest audio, as pyAudioAnalysis would describe it on its own.

        The window is cut into one-second blocks from its oldest frame on, and the blocks' statistics are averaged. An
        incomplete last block counts as much as the others, so ask for whole seconds while less than the window is held.

        Parameters
        ----------
        seconds
            Length of the window; less is used where less is held.

        Returns
        -------
        ndarray, shape (68,)
            Values in the order of `TIMBRE_NAMES`.

        Raises
        ------
        ValueError
            Less than one frame is held or requested.
        """
        return mid_term_statistics(self._features(seconds))

    def read_with_beat(self, seconds: float) -> NDArray[np.float64]:
        """Return the values of `read`, then the coarse tempo of pyAudioAnalysis.

        Parameters
        ----------
        seconds
            Length of the window; less is used where less is held.

        Returns
        -------
        ndarray, shape (70,)
            Values in the order of `TIMBRE_NAMES` and `BEAT_NAMES`: the BPM is 1,200 / n for an integer n of 1 to 40,
            the confidence 0..1.

        Raises
        ------
        ValueError
            Less than one frame is held or requested.
        """
        features = self._features(seconds)
        return np.concatenate((mid_term_statistics(features), beat(features)))

    def _features(self, seconds: float) -> NDArray[np.float64]:
        frames = min(self._held, _whole_frames(seconds))
        if frames < 1:
            raise ValueError(f"no timbre yet: {self.seconds:.2f} s of audio held, {seconds:g} s requested")
        return short_term_features(self._sums.newest(frames))


def _whole_frames(seconds: float) -> int:
    return int(seconds * SAMPLE_RATE) // FRAME_LENGTH
