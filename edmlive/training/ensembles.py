"""Training of tree ensembles over descriptors: how subgenres were classified before networks (section II)."""

from typing import Any

import numpy as np
from sklearn.ensemble import AdaBoostClassifier, ExtraTreesClassifier, GradientBoostingClassifier
from sklearn.tree import DecisionTreeClassifier

from edmlive.models.inputs import Ensemble
from edmlive.models.trees import TreeEnsemble
from edmlive.training.datasets import Tracks

_MOST_FEATURES = 40


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
