"""What a network answers about tracks it was not trained on, chunk by chunk and song by song (section IV)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from edmlive.training.chunks import Chunks, truth
from edmlive.training.evaluation import expected_calibration_error
from edmlive.training.module import loader
from edmlive.training.voting import SongVotes

Classify = Callable[[Mapping[str, NDArray[np.float32]]], NDArray[np.float32]]
"""Probabilities (batch, labels) of a batch of raw features by input name."""


@dataclass(frozen=True)
class Predictions:
    """Probabilities of every chunk.

    Parameters
    ----------
    labels
        Genres.
    names
        The tracks, shape (tracks,).
    genres
        Their genres, shape (tracks,); ``None`` where not known.
    probabilities
        Shape (chunks, labels).
    track
        Number of each chunk's track, shape (chunks,).
    """

    labels: tuple[str, ...]
    names: tuple[str, ...]
    genres: tuple[str | None, ...]
    probabilities: NDArray[np.float64]
    track: NDArray[np.int64]

    @cached_property
    def truth(self) -> NDArray[np.int64]:
        """Index of each track's genre, -1 for one that is not among the labels, shape (tracks,)."""
        return truth(self.genres, self.labels)

    def of(self, chosen: NDArray[np.bool_]) -> "Predictions":
        """Return the predictions about some chunks only, shape (chunks,)."""
        return replace(self, probabilities=self.probabilities[chosen], track=self.track[chosen])

    @cached_property
    def ranking(self) -> NDArray[np.int64]:
        """Labels of each track heard from, likeliest first by majority vote, shape (heard, labels)."""
        votes = SongVotes(torch.from_numpy(self.truth), len(self.labels))
        votes.update(torch.from_numpy(self.probabilities), torch.from_numpy(self.track))
        scores = votes.scores().numpy()[self.heard]
        return np.argsort(-scores, axis=1, kind="stable")

    @property
    def majority(self) -> NDArray[np.int64]:
        """Index of the label that each track's majority is for, -1 for one not heard from, shape (tracks,)."""
        winners = np.full(len(self.names), -1)
        winners[self.heard] = self.ranking[:, 0]
        return winners

    @cached_property
    def heard(self) -> NDArray[np.int64]:
        """Numbers of the tracks long enough to have a chunk, sorted."""
        return np.unique(self.track)

    def figures(self) -> dict[str, float]:
        """Return the figures to report, by name; all are shares, 0..1. Every track's genre has to be known."""
        places = (self.ranking == self.truth[self.heard][:, np.newaxis]).argmax(axis=1)
        chunk_truth = self.truth[self.track]
        return {
            "chunk-level accuracy": float((self.probabilities.argmax(axis=1) == chunk_truth).mean()),
            "song-level accuracy": float((places < 1).mean()),
            "song-level top-3": float((places < 3).mean()),
            "chunk-level calibration error": expected_calibration_error(self.probabilities, chunk_truth),
        }

    def confusion(self) -> NDArray[np.int64]:
        """Count songs: row the genre, column what the majority called it, shape (labels, labels)."""
        counts = np.zeros((len(self.labels), len(self.labels)), np.int64)
        np.add.at(counts, (self.truth[self.heard], self.ranking[:, 0]), 1)
        return counts

    def recall(self) -> dict[str, float | None]:
        """Return the share of each genre's songs that were called by its name; ``None`` where there are none."""
        counts = self.confusion()
        totals = counts.sum(axis=1)
        return {label: float(counts[i, i] / totals[i]) if totals[i] else None for i, label in enumerate(self.labels)}


def pooled(several: Sequence[Predictions]) -> Predictions:
    """Return predictions with the same labels as one, each of them about songs of its own."""
    offsets = np.cumsum([0, *(len(given.names) for given in several)])
    return Predictions(
        several[0].labels,
        tuple(name for given in several for name in given.names),
        tuple(genre for given in several for genre in given.genres),
        np.concatenate([given.probabilities for given in several]),
        np.concatenate([given.track + offset for given, offset in zip(several, offsets, strict=False)]),
    )


def predict(
    classify: Classify,
    labels: tuple[str, ...],
    chunks: Chunks,
    *,
    batch: int = 32,
    advance: Callable[[int], None] = lambda _: None,
) -> Predictions:
    """Classify chunks.

    Parameters
    ----------
    classify
        From a batch of features to probabilities.
    labels
        Genres in its order.
    chunks
        What to classify.
    batch
        Chunks at once.
    advance
        Called with the number of chunks that have been classified since the last call.
    """
    probabilities, tracks = [], []
    for features, _, numbers in loader(chunks, batch):
        probabilities.append(classify({name: tensor.numpy() for name, tensor in features.items()}))
        tracks.append(numbers.numpy())
        advance(len(numbers))
    names, genres = tuple(track.name for track in chunks.tracks), tuple(track.genre for track in chunks.tracks)
    return Predictions(labels, names, genres, np.concatenate(probabilities).astype(np.float64), np.concatenate(tracks))
