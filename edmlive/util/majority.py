"""Majority vote over decisions (paper, section IV)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def rank_labels(votes: NDArray[Any], probability_sums: NDArray[np.floating]) -> NDArray[np.int64]:
    """Rank labels by votes, ties by summed probability.

    Parameters
    ----------
    votes
        Number of decisions in which each label was the most probable, shape (..., labels).
    probability_sums
        Sum of each label's probabilities over the same decisions, shape (..., labels).

    Returns
    -------
    NDArray[np.int64]
        Label indices, winner first, shape (..., labels). Labels equal in both keep their order.
    """
    return np.lexsort((-probability_sums, -votes), axis=-1)
