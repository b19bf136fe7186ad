import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edmlive.util.majority import rank_labels


def test_votes_come_first_and_probability_breaks_ties() -> None:
    votes = np.array([1, 2, 2, 0])
    sums = np.array([2.5, 1.0, 1.2, 0.3])
    assert rank_labels(votes, sums).tolist() == [2, 1, 0, 3]


def test_labels_equal_in_both_keep_their_order() -> None:
    assert rank_labels(np.array([1, 3, 1, 3]), np.ones(4)).tolist() == [1, 3, 0, 2]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=8), st.integers(1, 4))
def test_rows_are_ranked_independently(label: list[tuple[int, int]], rows: int) -> None:
    votes, sums = np.array(label).T
    expected = sorted(range(len(label)), key=lambda i: (-votes[i], -sums[i]))
    stacked = rank_labels(np.tile(votes, (rows, 1)), np.tile(sums.astype(float), (rows, 1)))
    assert stacked.tolist() == [expected] * rows
