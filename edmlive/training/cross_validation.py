"""Cross-validation of models over descriptors, and calibration by it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from edmlive.training import scores
from edmlive.training.datasets import Tracks

_TOP = (1, 3, 5)


class DescriptorModel(Protocol):
    """A model over descriptors; its labels are the sorted genres of its training tracks."""

    def probabilities(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Classify (tracks, descriptors) values; shape (tracks, labels), rows sum to 1."""
        ...


@dataclass(frozen=True)
class CrossValidation:
    """Predictions about every track from a model that was not trained on it.

    Parameters
    ----------
    labels
        Genres, sorted.
    truth
        Index of each track's genre, shape (tracks,).
    fold
        The fold in which each track was tested, from 0, shape (tracks,).
    raw
        Probabilities before calibration, shape (tracks, labels).
    """

    labels: tuple[str, ...]
    truth: NDArray[np.intp]
    fold: NDArray[np.intp]
    raw: NDArray[np.float64]

    def calibrated(self) -> NDArray[np.float64]:
        """Return probabilities at the temperature fitted to the other folds, shape (tracks, labels)."""
        calibrated = np.empty_like(self.raw)
        for tested in self._folds():
            temperature = best_temperature(self.raw[~tested], self.truth[~tested])
            calibrated[tested] = tempered(self.raw[tested], temperature)
        return calibrated

    def figures(self) -> dict[str, float]:
        """Return the figures to report, by name; all are shares of tracks, 0..1."""
        return {
            **self._accuracies(np.ones(len(self.truth), bool)),
            "calibration error": scores.expected_calibration_error(self.calibrated(), self.truth),
            "calibration error, uncalibrated": scores.expected_calibration_error(self.raw, self.truth),
        }

    def deviations(self) -> dict[str, float]:
        """Return the standard deviations between folds of the accuracies among `figures`, by name."""
        folds = [self._accuracies(tested) for tested in self._folds()]
        return {name: float(np.std([fold[name] for fold in folds])) for name in folds[0]}

    def recall(self) -> dict[str, float]:
        """Return the share of each genre's tracks that were classified as such."""
        return dict(zip(self.labels, scores.recall(self.confusion()).tolist(), strict=True))

    def confusion(self) -> NDArray[np.int64]:
        """Count tracks: a row for each true genre, a column for each predicted one, shape (labels, labels)."""
        return scores.confusion(self.truth, self.raw.argmax(axis=1), len(self.labels))

    def confusions(self) -> list[tuple[str, str, int]]:
        """Return (true genre, predicted genre, number of tracks) for every kind of error, the most frequent first."""
        counts = self.confusion()
        np.fill_diagonal(counts, 0)
        pairs = [(self.labels[i], self.labels[j], int(counts[i, j])) for i, j in np.argwhere(counts)]
        return sorted(pairs, key=lambda pair: -pair[2])

    def _folds(self) -> list[NDArray[np.bool_]]:
        return [np.asarray(self.fold == k) for k in range(int(self.fold.max()) + 1)]

    def _accuracies(self, tested: NDArray[np.bool_]) -> dict[str, float]:
        ranking = scores.rank(self.raw[tested])
        return {f"top-{k}": scores.top_k_accuracy(ranking, self.truth[tested], k) for k in _TOP}


def cross_validate(
    tracks: Tracks,
    fit: Callable[[Tracks], DescriptorModel],
    *,
    folds: int = 10,
    seed: int = 0,
    artists_apart: bool = False,
    advance: Callable[[], None] = lambda: None,
) -> CrossValidation:
    """Train on all folds but one and classify that one, for each fold.

    Parameters
    ----------
    tracks
        Tracks to train on and to test; at least `folds` of each genre.
    fit
        Trains a model, not calibrated yet, on some of them.
    folds
        Number of folds, shuffled and stratified by genre.
    seed
        Of the folds.
    artists_apart
        Keep all tracks of an artist in one fold.
    advance
        Called after each fold.
    """
    splitter = (StratifiedGroupKFold if artists_apart else StratifiedKFold)(folds, shuffle=True, random_state=seed)
    groups = tracks.artists if artists_apart else None
    labels, truth = np.unique(tracks.genres, return_inverse=True)
    fold = np.zeros(len(tracks), np.intp)
    raw = np.empty((len(tracks), len(labels)))
    for k, (train, test) in enumerate(splitter.split(tracks.values, truth, groups)):
        fold[test] = k
        raw[test] = fit(tracks[train]).probabilities(tracks.values[test])
        advance()
    return CrossValidation(tuple(labels.tolist()), truth, fold, raw)


def best_temperature(raw: NDArray[np.float64], truth: NDArray[np.intp]) -> float:
    """Return the temperature of least negative log-likelihood.

    C. Guo et al., *On calibration of modern neural networks*, 2017.

    Parameters
    ----------
    raw
        Probabilities, shape (tracks, labels).
    truth
        Index of each track's genre, shape (tracks,).
    """

    def loss(log_temperature: float) -> float:
        right = tempered(raw, float(np.exp(log_temperature)))[np.arange(len(truth)), truth]
        return float(-np.log(right + 1e-12).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-6, 2), method="bounded").x))


def tempered(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Raise probabilities of shape (tracks, labels) to ``1 / temperature`` and normalise the rows."""
    return np.asarray(softmax(np.log(probabilities) / temperature, axis=1))
