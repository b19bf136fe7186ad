"""What cross-validation says of a model: accuracy, calibration, recall, confusions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import softmax

CALIBRATION_BINS = 15


@dataclass(frozen=True)
class CrossValidation:
    """Predictions about every track from a model that had not seen it.

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
        """Return probabilities at the temperature that the other folds ask for, shape (tracks, labels)."""
        answer = np.empty_like(self.raw)
        for k in range(int(self.fold.max()) + 1):
            here = self.fold == k
            answer[here] = tempered(self.raw[here], best_temperature(self.raw[~here], self.truth[~here]))
        return answer

    def figures(self) -> dict[str, float]:
        """Return the figures to report, by name; all are shares of tracks, 0...1."""
        places = self._places()
        return {
            **{f"top-{k}": float((places < k).mean()) for k in (1, 3, 5)},
            "calibration error": expected_calibration_error(self.calibrated(), self.truth),
            "calibration error, uncalibrated": expected_calibration_error(self.raw, self.truth),
        }

    def deviations(self) -> dict[str, float]:
        """Return the standard deviations between folds of the accuracies among `figures`, by name."""
        places = self._places()
        folds = [places[self.fold == k] for k in range(int(self.fold.max()) + 1)]
        return {f"top-{k}": float(np.std([(fold < k).mean() for fold in folds])) for k in (1, 3, 5)}

    def recall(self) -> dict[str, float]:
        """Return the share of each genre's tracks that were called by its name."""
        right = self.raw.argmax(axis=1) == self.truth
        return {label: float(right[self.truth == i].mean()) for i, label in enumerate(self.labels)}

    def confusion(self) -> NDArray[np.int64]:
        """Count tracks: row the genre, column what they were called, shape (labels, labels)."""
        counts = np.zeros((len(self.labels), len(self.labels)), np.int64)
        np.add.at(counts, (self.truth, self.raw.argmax(axis=1)), 1)
        return counts

    def confusions(self) -> list[tuple[str, str, int]]:
        """Return (genre, what its tracks were called, number of tracks) of every error made, commonest first."""
        counts = self.confusion()
        np.fill_diagonal(counts, 0)
        pairs = [(self.labels[i], self.labels[j], int(counts[i, j])) for i, j in np.argwhere(counts)]
        return sorted(pairs, key=lambda pair: -pair[2])

    def _places(self) -> NDArray[np.intp]:
        """Place of each track's genre among the answers about it, from 0, shape (tracks,)."""
        ranking = np.argsort(-self.raw, axis=1, kind="stable")
        return np.asarray(np.argmax(ranking == self.truth[:, np.newaxis], axis=1))


def best_temperature(raw: NDArray[np.float64], truth: NDArray[np.intp]) -> float:
    """Return the temperature of least negative log-likelihood.

    Guo et al., *On calibration of modern neural networks*, 2017.

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


def expected_calibration_error(probabilities: NDArray[np.float64], truth: NDArray[np.intp]) -> float:
    """Mean distance between confidence and accuracy, over 15 equal bins of confidence, weighted by their tracks."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, confidence, CALIBRATION_BINS) - np.bincount(bins, right, CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(truth))
