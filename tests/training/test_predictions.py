import numpy as np
import pytest

from edmlive.training.predictions import Predictions, pooled

# Three songs: right by majority, wrong with the truth in second place, and one too short to have a chunk.
PREDICTIONS = Predictions(
    labels=("breaks", "house", "jungle", "trance"),
    names=("a", "b", "c"),
    genres=("breaks", "house", "jungle"),
    probabilities=np.array([[0.7, 0.1, 0.1, 0.1], [0.6, 0.4, 0, 0], [0, 1, 0, 0], [0.1, 0.4, 0.0, 0.5]]),
    track=np.array([0, 0, 0, 1]),
)


def test_songs_go_by_majority_and_chunks_by_themselves() -> None:
    figures = PREDICTIONS.figures()
    assert figures["chunk-level accuracy"] == pytest.approx(2 / 4)
    assert figures["song-level accuracy"] == pytest.approx(1 / 2)
    assert figures["song-level top-3"] == 1.0
    assert PREDICTIONS.ranking.tolist() == [[0, 1, 2, 3], [3, 1, 0, 2]]


def test_confusion_counts_songs_by_row_of_truth() -> None:
    expected = np.zeros((4, 4), int)
    expected[0, 0] = expected[1, 3] = 1
    np.testing.assert_array_equal(PREDICTIONS.confusion(), expected)
    assert PREDICTIONS.recall() == {"breaks": 1.0, "house": 0.0, "jungle": None, "trance": None}


def test_pooled_networks_each_have_songs_of_their_own() -> None:
    one, other = (
        PREDICTIONS,
        PREDICTIONS.select(np.array([False, False, True, True])),
    )  # song a is wrong with its last chunk
    both = pooled([one, other])
    np.testing.assert_array_equal(both.confusion(), one.confusion() + other.confusion())
    assert both.recall() == {"breaks": 0.5, "house": 0.0, "jungle": None, "trance": None}
    assert len(both.songs) == 4 and both.figures()["chunk-level accuracy"] == pytest.approx(2 / 6)
