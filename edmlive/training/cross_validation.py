"""Cross-validation of any model over descriptors."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from edmlive.training.datasets import Tracks
from edmlive.training.evaluation import CrossValidation


class DescriptorModel(Protocol):
    """A model over descriptors; its labels are the sorted genres of the tracks it learnt from."""

    def probabilities(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Classify (tracks, descriptors) values; shape (tracks, labels), rows sum to 1."""
        ...


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
        Keep all tracks of one artist in one fold.
    advance
        Called after each fold.
    """
    splitter = (StratifiedGroupKFold if artists_apart else StratifiedKFold)(folds, shuffle=True, random_state=seed)
    groups = tracks.artists if artists_apart else None
    labels, truth = np.unique(tracks.genres, return_inverse=True)
    fold = np.zeros(len(tracks), np.intp)
    raw = np.empty((len(tracks), len(labels)))
    for k, (known, tested) in enumerate(splitter.split(tracks.values, truth, groups)):
        fold[tested] = k
        raw[tested] = fit(tracks[known]).probabilities(tracks.values[tested])
        advance()
    return CrossValidation(tuple(labels.tolist()), truth, fold, raw)
