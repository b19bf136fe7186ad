"""A network's predictions for chunks, and for songs by majority vote (section IV)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isnan

import numpy as np
from numpy.typing import NDArray

from edmlive.training import scores
from edmlive.training.chunks import Chunks, truth
from edmlive.training.module import loader
from edmlive.util.majority import rank_labels

Classify = Callable[[Mapping[str, NDArray[np.float32]]], NDArray[np.float32]]
"""Returns the probabilities, shape (batch, labels), of a batch of raw features by input name."""


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
        Index of each chunk's track, shape (chunks,).
    """

    labels: tuple[str, ...]
    names: tuple[str, ...]
    genres: tuple[str | None, ...]
    probabilities: NDArray[np.float64]
    track: NDArray[np.int64]

    @cached_property
    def truth(self) -> NDArray[np.int64]:
        """Index of each track's genre, -1 if it is not among the labels, shape (tracks,)."""
        return truth(self.genres, self.labels)

    def select(self, chunks: NDArray[np.bool_]) -> "Predictions":
        """Return the predictions for some chunks only, given as a mask of shape (chunks,)."""
        return replace(self, probabilities=self.probabilities[chunks], track=self.track[chunks])

    @cached_property
    def ranking(self) -> NDArray[np.int64]:
        """Label indices of each song, winner of the majority vote first, shape (songs, labels)."""
        votes, sums = np.zeros((2, len(self.names), len(self.labels)))
        np.add.at(votes, (self.track, self.probabilities.argmax(axis=1)), 1)
        np.add.at(sums, self.track, self.probabilities)
        return rank_labels(votes, sums)[self.songs]

    @property
    def majority(self) -> NDArray[np.int64]:
        """Index of the label that wins each track's vote, -1 for a track without chunks, shape (tracks,)."""
        winners = np.full(len(self.names), -1)
        winners[self.songs] = self.ranking[:, 0]
        return winners

    @cached_property
    def songs(self) -> NDArray[np.int64]:
        """Indices of the tracks with at least one chunk, sorted, shape (songs,)."""
        return np.unique(self.track)

    def figures(self) -> dict[str, float]:
        """Return the figures to report, by name; all are shares, 0..1. The genre of every song has to be known."""
        chunk_truth, song_truth = self.truth[self.track], self.truth[self.songs]
        return {
            "chunk-level accuracy": scores.top_k_accuracy(scores.rank(self.probabilities), chunk_truth, 1),
            "song-level accuracy": scores.top_k_accuracy(self.ranking, song_truth, 1),
            "song-level top-3": scores.top_k_accuracy(self.ranking, song_truth, 3),
            "chunk-level calibration error": scores.expected_calibration_error(self.probabilities, chunk_truth),
        }

    def confusion(self) -> NDArray[np.int64]:
        """Count songs: a row for each true label, a column for each predicted one, shape (labels, labels)."""
        return scores.confusion(self.truth[self.songs], self.ranking[:, 0], len(self.labels))

    def recall(self) -> dict[str, float | None]:
        """Return the share of each genre's songs that were classified as such; ``None`` for a genre without songs."""
        shares = scores.recall(self.confusion()).tolist()
        return {label: None if isnan(share) else share for label, share in zip(self.labels, shares, strict=True)}


def pooled(several: Sequence[Predictions]) -> Predictions:
    """Return several predictions with the same labels as one, which counts each one's songs as songs of its own."""
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
        Returns the probabilities of a batch of features.
    labels
        Genres in the order of its probabilities.
    chunks
        What to classify.
    batch
        Chunks classified at once.
    advance
        Called after each batch with its number of chunks.
    """
    probabilities, tracks = [], []
    for features, _, numbers in loader(chunks, batch):
        probabilities.append(classify({name: tensor.numpy() for name, tensor in features.items()}))
        tracks.append(numbers.numpy())
        advance(len(numbers))
    names, genres = tuple(track.name for track in chunks.tracks), tuple(track.genre for track in chunks.tracks)
    return Predictions(labels, names, genres, np.concatenate(probabilities).astype(np.float64), np.concatenate(tracks))
