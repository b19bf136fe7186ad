"""The streaming front end: samples in, one row of features a frame out, each computed once.

The caller owns the memory: a *state* made by `allocate` and a block of rows to write to. While music plays, only `push`
runs. It allocates nothing, and its rows are the same bit for bit however the samples are split into blocks.

Frame t covers samples 512 t - 1024 ... 512 t + 1023, with zeros before the first sample and after the last, as
``librosa.feature.melspectrogram(center=True)``, and its row is written as soon as its last sample is there. `flush`
ends a file: it brings the number of frames to librosa's, 1 + samples // 512.

Samples must be finite; sources see to that. A NaN would spoil the next nine seconds, the length of the tempograms'
window.
"""

from typing import Any, TypeAlias

import numpy as np
from numba import from_dtype, types
from numpy.typing import NDArray

from edmlive.kernels import onset, spectrum, tempogram
from edmlive.kernels.jit import kernel
from edmlive.kernels.spectrum import MINIMUM_DB
from edmlive.kernels.tables import HOP_LENGTH, N_FFT, N_MELS, N_TEMPO_BINS, TEMPOGRAM_LENGTH, Window

MEL = slice(0, N_MELS)
"""Columns of the mel power spectrum."""
ONSET = MEL.stop
"""Column of the onset strength, in dB."""
AUTOCORRELATION = slice(ONSET + 1, ONSET + 1 + TEMPOGRAM_LENGTH)
"""Columns of the autocorrelation tempogram whose window ends at this frame."""
FOURIER = slice(AUTOCORRELATION.stop, AUTOCORRELATION.stop + N_TEMPO_BINS)
"""Columns of the magnitude of the Fourier tempogram whose window ends at this frame."""
FRAME_SIZE = FOURIER.stop
"""Columns in all: 706."""

State: TypeAlias = NDArray[Any]
"""Array of shape (1,) and dtype `STATE`."""

STATE = np.dtype(
    [
        ("hop", np.float64, HOP_LENGTH),
        ("filled", np.int64),
        ("waiting", np.int64),
        ("spectrum", spectrum.SPECTRUM),
        ("onset", onset.ONSET),
        ("tempogram", tempogram.TEMPOGRAM),
    ]
)
"""The state of a stream.

``hop`` collects samples, ``filled`` of them so far; ``waiting`` hops must come before the one that completes the first
frame; then the records of the stages."""


def allocate(window: Window = "hann", top_db: float | None = None, floor_db: float = MINIMUM_DB) -> State:
    """Make the state of a stream before its first sample.

    Parameters
    ----------
    window
        ``"hann"`` or ``"hamming"``, both periodic.
    top_db
        Onset floor: levels count as no less than this many dB below the loudest so far. None for no floor.
    floor_db
        Where the onset floor starts, in dB. For librosa's ``top_db`` over a whole file, give the
        ``state["onset"]["floor_db"][0]`` that a first pass ends with.

    Returns
    -------
    State

    Raises
    ------
    ValueError
        If there is no window of that name.
    """
    state = np.zeros(1, STATE)
    state["waiting"] = N_FFT // 2 // HOP_LENGTH - 1
    spectrum.prepare(state["spectrum"], window)
    onset.prepare(state["onset"], top_db, floor_db)
    tempogram.prepare(state["tempogram"])
    return state


def most_frames(samples: int) -> int:
    """Most frames that one `push` of a block of samples can write.

    Parameters
    ----------
    samples
        Size of a block.

    Returns
    -------
    int
    """
    return -(-samples // HOP_LENGTH)


FLUSH_FRAMES = most_frames(N_FFT // 2)
"""Most frames that `flush` can write."""


def flush(state: State, frames: NDArray[np.float32]) -> int:
    """End a file: write the frames that reach into the zeros after its last sample. The state is spent afterwards.

    Parameters
    ----------
    state
        From `allocate`.
    frames
        Output, shape (at least `FLUSH_FRAMES`, 706).

    Returns
    -------
    int
        Number of frames written.

    Raises
    ------
    ValueError
        If ``frames`` has too few rows or not 706 columns.
    """
    return push(np.zeros(N_FFT // 2, np.float32), state, frames)


@kernel()
def _write_frame(s: Any, frame: NDArray[np.float32]) -> None:
    spectrum.mel_spectrum(s.spectrum)
    onset.append(s.onset, s.spectrum.mel)
    tempogram.tempograms(s.onset.strengths, s.tempogram)
    _copy(s.spectrum.mel, frame[MEL])
    frame[ONSET] = s.onset.strengths[-1]
    _copy(s.tempogram.autocorrelation, frame[AUTOCORRELATION])
    _copy(s.tempogram.fourier, frame[FOURIER])


@kernel(inline=True)
def _copy(source: NDArray[np.floating], target: NDArray[np.floating]) -> None:
    for i in range(source.size):
        target[i] = source[i]


_ARRAYS = from_dtype(STATE)[::1], types.float32[:, ::1]


@kernel(types.int64(types.float32[::1], *_ARRAYS), types.int64(types.float64[::1], *_ARRAYS))
def push(samples: NDArray[np.float32] | NDArray[np.float64], state: State, frames: NDArray[np.float32]) -> int:
    """Process the next samples and write the frames that they complete.

    Parameters
    ----------
    samples
        Any number of mono samples at 22,050 Hz, contiguous, finite.
    state
        From `allocate`.
    frames
        Output, shape (at least ``most_frames(samples.size)``, 706), contiguous. Its columns are `MEL`, `ONSET`,
        `AUTOCORRELATION` and `FOURIER`.

    Returns
    -------
    int
        Number of frames written, to the first rows of ``frames``.

    Raises
    ------
    TypeError
        If an array has another dtype, another number of dimensions, or is not contiguous.
    ValueError
        If ``frames`` has too few rows or not 706 columns; the state is then unchanged.
    """
    s = state[0]
    completed = (s.filled + samples.size) // HOP_LENGTH - s.waiting
    if frames.shape[0] < completed or frames.shape[1] != FRAME_SIZE:
        raise ValueError("frames needs 706 columns, and a row for each frame that the samples complete")
    taken, written = 0, 0
    while taken < samples.size:
        count = min(HOP_LENGTH - s.filled, samples.size - taken)
        _copy(samples[taken : taken + count], s.hop[s.filled : s.filled + count])
        s.filled += count
        taken += count
        if s.filled == HOP_LENGTH:
            s.filled = 0
            spectrum.append(s.spectrum, s.hop)
            if s.waiting > 0:
                s.waiting -= 1
            else:
                _write_frame(s, frames[written])
                written += 1
    return written
