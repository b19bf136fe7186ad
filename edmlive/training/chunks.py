"""Chunks of stored tracks as networks take them: the tensors that `Windows` would return live."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from edmlive.features.windows import chunk_tensor
from edmlive.kernels.tables import HOP_LENGTH, N_MELS, SAMPLE_RATE, TEMPOGRAM_LENGTH
from edmlive.kernels.tempogram import trailing
from edmlive.models.inputs import CHUNK_FRAMES
from edmlive.spec import InputName, InputSpec
from edmlive.training.corpus import CorpusError
from edmlive.training.store import FeatureStore, StoredTrack

MelScale = Literal["power", "db"]
Features = dict[InputName, NDArray[np.float32]]


@dataclass(frozen=True)
class Span:
    """The part of each track to use: the paper has 30-second and 120-second variants.

    Parameters
    ----------
    start, end
        Seconds from the beginning of a track; the end may exceed the track's.

    Raises
    ------
    CorpusError
        The end is not after the start, or the start is negative.
    """

    start: float = 0.0
    end: float = 1e9

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise CorpusError(f"The span from {self.start:g} to {self.end:g} s is empty: let it end after its start.")

    def starts(self, frames: int) -> range:
        """Return the first frames of a track's chunks, back to back; the rest of the track is dropped."""
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


class Chunks(Dataset[tuple[Features, Any, int]]):
    """Chunks of tracks, back to back, each with its target and the index of its track.

    Parameters
    ----------
    store, tracks
        Where the tracks are, and which of them to use.
    labels
        Genres in the order of the network's outputs.
    inputs
        What the network takes.
    mel_scale
        ``power`` or ``db``.
    span
        Part of each track to use.
    shift
        Move every chunk by up to its length at random, anew each time, so that no two epochs are alike.
    soft_targets
        The target is the teacher's answer nearest in time, float32, shape (labels,), and chunks without one are left
        out. Otherwise it is the index of the track's genre, -1 if that is not among the labels.

    Attributes
    ----------
    track
        Index of each chunk's track, int64, shape (chunks,).
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
        soft_targets: bool = False,
    ) -> None:
        self._store, self.tracks = store, tuple(tracks)
        self._inputs, self._mel_scale, self._shift, self._soft_targets = tuple(inputs), mel_scale, shift, soft_targets
        self.truth = truth([track.genre for track in tracks], labels)
        self._ends = [span.starts(track.frames).stop + CHUNK_FRAMES - 1 for track in tracks]
        starts = [np.array(span.starts(track.frames), np.int64) for track in tracks]
        if soft_targets:
            for k, track in enumerate(tracks):
                starts[k] = starts[k][np.isfinite(_nearest(store.answers(track), starts[k])).all(axis=1)]
        self.track = np.repeat(np.arange(len(tracks)), [len(firsts) for firsts in starts])
        self._start = np.concatenate([np.zeros(0, np.int64), *starts])

    def __len__(self) -> int:
        return len(self.track)

    def __getitem__(self, index: int) -> tuple[Features, Any, int]:
        number, start = int(self.track[index]), int(self._start[index])
        target: Any = int(self.truth[number])
        answers = self._store.answers(self.tracks[number]) if self._soft_targets else None
        if self._shift:
            latest = min(CHUNK_FRAMES - 1, self._ends[number] - CHUNK_FRAMES - start)
            shifted = start + int(torch.randint(latest + 1, ()))  # PyTorch seeds each worker apart
            # The teacher may have no answer there.
            if answers is None or np.isfinite(_nearest(answers, shifted)).all():
                start = shifted
        if answers is not None:
            target = _nearest(answers, start)
        rows = self._store.frames(self.tracks[number])
        return chunk_features(rows, start, self._inputs, self._mel_scale), target, number

    def answers(self) -> NDArray[np.float32]:
        """Return the teacher's answer to each chunk, shape (chunks, its labels); NaN where it has none."""
        numbers, firsts = np.unique(self.track, return_index=True)
        of_tracks = zip(numbers.tolist(), np.split(self._start, firsts[1:]), strict=True)
        return np.concatenate([_nearest(self._store.answers(self.tracks[k]), starts) for k, starts in of_tracks])


def truth(genres: Sequence[str | None], labels: Sequence[str]) -> NDArray[np.int64]:
    """Return the index of each genre among the labels, int64, shape (genres,); -1 if it is not among them."""
    index = {label: i for i, label in enumerate(labels)}
    return np.array([-1 if genre is None else index.get(genre, -1) for genre in genres], np.int64)


def _nearest(answers: NDArray[np.float32], starts: int | NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the answers, given to back-to-back chunks, nearest in time to chunks with these first frames."""
    return answers[np.minimum((starts + CHUNK_FRAMES // 2) // CHUNK_FRAMES, len(answers) - 1)]


def _tempograms(
    rows: NDArray[np.float32], end: int, spec: InputSpec
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return tempograms whose windows end at every ``spec.stride``-th frame before ``end``."""
    first = end - spec.frames + spec.stride - TEMPOGRAM_LENGTH
    strengths = rows[max(0, first) : end, N_MELS].astype(np.float64)
    return trailing(np.concatenate([np.zeros(max(0, -first)), strengths]), spec.stride)
