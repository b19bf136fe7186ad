"""Ensembles of decision trees over audio descriptors: how subgenres were classified before networks (section II)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import AdaBoostClassifier, ExtraTreesClassifier, GradientBoostingClassifier
from sklearn.tree import DecisionTreeClassifier

from edmlive.models.inputs import Ensemble
from edmlive.training.cross_validation import tempered
from edmlive.training.datasets import Tracks

LEAST_PROBABILITY = 1e-6
"""Trees may rule a genre out altogether, which no temperature can soften."""
_MOST_FEATURES = 40


@dataclass
class TreeEnsemble:
    """Genres from descriptors: the answer of decision trees together, calibrated.

    Parameters
    ----------
    estimator
        Scikit-learn's classifier, trained on float32.
    temperature
        Its probabilities are raised to one over this.
    """

    estimator: Any
    temperature: float = 1.0

    def probabilities(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Classify (tracks, descriptors) values, finite; shape (tracks, labels), rows sum to 1."""
        raw = self.estimator.predict_proba(values.astype(np.float32))
        return tempered(np.maximum(raw, LEAST_PROBABILITY), self.temperature)

    def importances(self) -> NDArray[np.float64]:
        """Return each descriptor's share of the decrease in impurity, shape (descriptors,), summing to 1."""
        shares: NDArray[np.float64] = self.estimator.feature_importances_
        return shares


def fit(model: Ensemble, tracks: Tracks, *, seed: int = 0) -> TreeEnsemble:
    """Train an ensemble; its labels are the sorted genres of `tracks`, and it is not calibrated yet.

    Extremely randomised trees and gradient tree boosting after A. Caparrini et al., *Automatic subgenre classification
    in an electronic dance music taxonomy*, 2020; AdaBoost after section II of the paper.

    Parameters
    ----------
    model
        Which ensemble.
    tracks
        Tracks with finite descriptors.
    seed
        Of everything drawn at random.
    """
    estimator = _estimator(model, len(tracks.names), seed)
    return TreeEnsemble(estimator.fit(tracks.values.astype(np.float32), tracks.genres))


def _estimator(model: Ensemble, descriptors: int, seed: int) -> Any:
    if model == "extra-trees":
        return ExtraTreesClassifier(400, max_features=min(_MOST_FEATURES, descriptors), random_state=seed)
    if model == "gradient-boosting":
        # Half the tracks and a few descriptors for each tree: J. Friedman, *Stochastic gradient boosting*, 2002.
        return GradientBoostingClassifier(
            learning_rate=0.05, max_depth=5, subsample=0.5, max_features="sqrt", init="zero", random_state=seed
        )
    tree = DecisionTreeClassifier(max_depth=8, max_features="sqrt")
    return AdaBoostClassifier(tree, n_estimators=200, random_state=seed)
