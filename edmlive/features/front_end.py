"""The streaming front end: the kernels' state, and the frames they write."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels import stream
from edmlive.kernels.tables import Window


@dataclass(frozen=True)
class Frames:
    """Consecutive feature frames, 512 samples apart, as views on one array.

    Parameters
    ----------
    mel
        Mel power spectrum, float32, shape (frames, 128).
    onset_strength
        Onset strength in dB, float32, shape (frames,).
    autocorrelation_tempogram
        Normalised autocorrelation of the onset strength by lag, float32, shape (frames, 384); the window ends
        at the frame.
    fourier_tempogram
        Magnitude, float32, shape (frames, 193); the window ends at the frame.
    """

    mel: NDArray[np.float32]
    onset_strength: NDArray[np.float32]
    autocorrelation_tempogram: NDArray[np.float32]
    fourier_tempogram: NDArray[np.float32]


class FrontEnd:
    """Mel-spectrogram, onset strength and tempograms of a stream, each frame computed once.

    Parameters
    ----------
    window
        ``hann`` or ``hamming``.
    onset_floor_db
        Depth of the onset floor below the running maximum in dB; ``None`` for no floor.
    """

    def __init__(self, window: Window = "hann", onset_floor_db: float | None = None) -> None:
        self._settings = window, onset_floor_db
        self.reset()

    def reset(self) -> None:
        """Forget all audio."""
        self._state = stream.allocate(*self._settings)

    def push(self, samples: NDArray[np.float32]) -> Frames:
        """Take (n,) mono samples at 22,050 Hz, any n, finite, and return the frames they complete."""
        rows = np.empty((stream.most_frames(len(samples)), stream.FRAME_SIZE), np.float32)
        return _frames(rows[: stream.push(samples, self._state, rows)])

    def flush(self) -> Frames:
        """Return the last frames of a file, which reach past its end. Only `reset` may follow."""
        rows = np.empty((stream.FLUSH_FRAMES, stream.FRAME_SIZE), np.float32)
        return _frames(rows[: stream.flush(self._state, rows)])


def _frames(rows: NDArray[np.float32]) -> Frames:
    return Frames(
        mel=rows[:, stream.MEL],
        onset_strength=rows[:, stream.ONSET],
        autocorrelation_tempogram=rows[:, stream.AUTOCORRELATION],
        fourier_tempogram=rows[:, stream.FOURIER],
    )
