"""Chunks of stored tracks as networks take them: the tensors that `Windows` would hand over live."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from edmlive.kernels.tables import HOP_LENGTH, N_MELS, SAMPLE_RATE, TEMPOGRAM_LENGTH
from edmlive.kernels.tempogram import trailing
from edmlive.models.inputs import CHUNK_FRAMES
from edmlive.realtime.windows import chunk_tensor
from edmlive.spec import InputName, InputSpec
from edmlive.training.store import FeatureStore, StoredTrack

MelScale = Literal["power", "db"]
Features = dict[InputName, NDArray[np.float32]]


@dataclass(frozen=True)
class Span:
    """Which part of each track is looked at: the paper has 30-second and 120-second variants.

    Parameters
    ----------
    start, end
        Seconds from the beginning of a track; the end may lie past the track's.
    """

    start: float = 0.0
    end: float = 1e9

    def starts(self, frames: int) -> range:
        """Return the first frames of the chunks of a track, side by side, with the rest left out."""
        first, end = (int(min(seconds * SAMPLE_RATE / HOP_LENGTH, frames)) for seconds in (self.start, self.end))
        return range(first, end - CHUNK_FRAMES + 1, CHUNK_FRAMES)


WHOLE = Span()
"""All of each track."""


def chunk_features(rows: NDArray[np.float32], start: int, inputs: Sequence[InputSpec], mel_scale: MelScale) -> Features:
    """Return one chunk of a track.

    Parameters
    ----------
    rows
        A track's stored features, shape (frames, 129).
    start
        First frame of the chunk.
    inputs
        What the network takes.
    mel_scale
        ``power`` or ``db``.

    Returns
    -------
    dict
        For each input an array of its shape, equal to what `Windows` reads after the chunk's last frame.
    """
    end = start + CHUNK_FRAMES
    chunk: Features = {}
    autocorrelation: NDArray[np.float32] | None = None
    for i in inputs:
        if i.name == "mel":
            columns = rows[start:end, :N_MELS]
        else:
            if autocorrelation is None:
                autocorrelation, fourier = _tempograms(rows, end, i)
            columns = autocorrelation if i.name == "autocorrelation_tempogram" else fourier
        chunk[i.name] = chunk_tensor(columns, i, mel_scale)
    return chunk


class Chunks(Dataset[tuple[Features, int, int]]):
    """Chunks of tracks, side by side, with the track's genre and number.

    Parameters
    ----------
    store, tracks
        Where the tracks are, and which.
    labels
        Genres in the order of the network's outputs.
    inputs
        What the network takes.
    mel_scale
        ``power`` or ``db``.
    span
        Part of each track.
    shift
        Move every chunk by up to its length at random, anew each time: then no two epochs are alike.
    """

    def __init__(
        self,
        store: FeatureStore,
        tracks: Sequence[StoredTrack],
        labels: Sequence[str],
        inputs: Sequence[InputSpec],
        mel_scale: MelScale,
        span: Span = WHOLE,
        *,
        shift: bool = False,
    ) -> None:
        self._store, self.tracks = store, tuple(tracks)
        self._inputs, self._mel_scale, self._shift = tuple(inputs), mel_scale, shift
        self.truth = np.array([labels.index(track.genre) for track in tracks], np.int64)
        self._ends = [span.starts(track.frames).stop + CHUNK_FRAMES - 1 for track in tracks]
        self._where = [(k, start) for k, track in enumerate(tracks) for start in span.starts(track.frames)]

    def __len__(self) -> int:
        return len(self._where)

    def __getitem__(self, index: int) -> tuple[Features, int, int]:
        number, start = self._where[index]
        if self._shift:
            latest = min(CHUNK_FRAMES - 1, self._ends[number] - CHUNK_FRAMES - start)
            start += int(torch.randint(latest + 1, ()))  # PyTorch seeds each worker apart
        rows = self._store.frames(self.tracks[number])
        return chunk_features(rows, start, self._inputs, self._mel_scale), int(self.truth[number]), number


def _tempograms(
    rows: NDArray[np.float32], end: int, spec: InputSpec
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Tempograms whose windows end at every ``spec.stride``-th frame up to before ``end``."""
    first = end - spec.frames + spec.stride - TEMPOGRAM_LENGTH
    strengths = rows[max(0, first) : end, N_MELS].astype(np.float64)
    return trailing(np.concatenate([np.zeros(max(0, -first)), strengths]), spec.stride)
