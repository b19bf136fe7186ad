"""Scores of predictions as plain functions on arrays: accuracy, agreement, confusion and calibration.

The confusion matrix is scikit-learn's. Its `top_k_accuracy_score` is not used because it cannot rank by votes, nor
torchmetrics' calibration error because it computes in single precision.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

CALIBRATION_BINS = 15


class Reliability(NamedTuple):
    """Predictions by confidence, in `CALIBRATION_BINS` equal bins from 0 to 1; each array of shape (bins,).

    Parameters
    ----------
    confidence
        Sum of the confidences in each bin.
    correct
        Number of right predictions in each bin.
    total
        Number of predictions in each bin.
    """

    confidence: NDArray[np.float64]
    correct: NDArray[np.float64]
    total: NDArray[np.int64]


def rank(probabilities: NDArray[np.floating]) -> NDArray[np.intp]:
    """Return label indices, the most probable first and ties in label order; both of shape (samples, labels)."""
    return np.argsort(-probabilities, axis=1, kind="stable")


def top_k_accuracy(ranking: NDArray[np.integer], truth: NDArray[np.integer], k: int) -> float:
    """Return the share of samples, 0..1, whose true label is among the first k.

    Parameters
    ----------
    ranking
        Label indices, the most probable first, shape (samples, labels).
    truth
        True label of each sample, shape (samples,).
    k
        Number of leading labels that count as right; may exceed the number of labels.
    """
    return float((ranking[:, :k] == truth[:, np.newaxis]).any(axis=1).mean())


def top_k_overlap(ranking: NDArray[np.integer], other: NDArray[np.integer], k: int) -> NDArray[np.int64]:
    """Return how many of the first k labels two rankings, (samples, labels) each, share, 0..k, shape (samples,)."""
    return np.asarray((ranking[:, :k, np.newaxis] == other[:, np.newaxis, :k]).sum(axis=(1, 2)))


def confusion(truth: NDArray[np.integer], predicted: NDArray[np.integer], labels: int) -> NDArray[np.int64]:
    """Count samples: a row for each true label, a column for each predicted one, shape (labels, labels)."""
    return np.asarray(confusion_matrix(truth, predicted, labels=np.arange(labels)))


def recall(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each label's recall, 0..1, from a confusion matrix; NaN for a label without samples; shape (labels,)."""
    samples = counts.sum(axis=1)
    return np.where(samples > 0, counts.diagonal() / np.maximum(samples, 1), np.nan)


def reliability(probabilities: NDArray[np.float64], truth: NDArray[np.integer]) -> Reliability:
    """Bin predictions by confidence.

    Parameters
    ----------
    probabilities
        Shape (samples, labels).
    truth
        True label of each sample, shape (samples,).
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == truth
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return Reliability(
        np.bincount(bins, confidence, CALIBRATION_BINS).astype(np.float64),
        np.bincount(bins, correct, CALIBRATION_BINS).astype(np.float64),
        np.bincount(bins, minlength=CALIBRATION_BINS),
    )


def expected_calibration_error(probabilities: NDArray[np.float64], truth: NDArray[np.integer]) -> float:
    """Return the mean distance between confidence and accuracy, 0..1, over bins weighted by their predictions.

    C. Guo et al., *On calibration of modern neural networks*, 2017.

    Parameters
    ----------
    probabilities
        Shape (samples, labels).
    truth
        True label of each sample, shape (samples,).
    """
    bins = reliability(probabilities, truth)
    return float(np.abs(bins.confidence - bins.correct).sum() / len(truth))
