import numpy as np
import pytest

from edmlive.training.scores import (
    CALIBRATION_BINS,
    confusion,
    expected_calibration_error,
    rank,
    recall,
    reliability,
    top_k_accuracy,
    top_k_overlap,
)

PROBABILITIES = np.array([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.1, 0.2, 0.7]])
TRUTH = np.array([0, 1, 0])


def test_ranking_breaks_ties_in_label_order() -> None:
    assert rank(PROBABILITIES).tolist() == [[0, 1, 2], [0, 1, 2], [2, 1, 0]]


def test_top_k_accuracy_looks_at_the_first_k_labels() -> None:
    accuracies = [top_k_accuracy(rank(PROBABILITIES), TRUTH, k) for k in (1, 2, 3, 5)]
    assert accuracies == pytest.approx([1 / 3, 2 / 3, 1, 1])


def test_top_k_overlap_counts_shared_labels() -> None:
    assert top_k_overlap(np.array([[0, 1, 2], [3, 2, 1]]), np.array([[1, 0, 3], [0, 1, 2]]), 2).tolist() == [2, 0]


def test_recall_is_unknown_for_labels_without_samples() -> None:
    counts = confusion(TRUTH, PROBABILITIES.argmax(axis=1), 3)
    np.testing.assert_array_equal(counts, [[1, 0, 1], [1, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(recall(counts), [0.5, 0.0, np.nan])


def test_calibration_error_by_hand() -> None:
    # Two tracks at 0.9, one right: gap 0.4; two at 0.6, both right: gap 0.4.
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    assert expected_calibration_error(probabilities, np.array([0, 1, 0, 0])) == pytest.approx(0.4)
    assert expected_calibration_error(np.array([[1.0, 0.0]]), np.array([0])) == 0.0


def test_reliability_bins_hold_every_prediction() -> None:
    bins = reliability(np.array([[1.0, 0.0], [0.6, 0.4], [0.61, 0.39]]), np.array([0, 1, 0]))
    assert bins.total.sum() == 3 and bins.total[CALIBRATION_BINS - 1] == 1, "certainty is in the last bin"
    assert bins.correct[9] == 1 and bins.confidence[9] == pytest.approx(1.21)
