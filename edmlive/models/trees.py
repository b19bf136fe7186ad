"""Ensembles of decision trees over audio descriptors."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edmlive.models.descriptors import tempered

LEAST_PROBABILITY = 1e-6
"""Trees may rule a genre out altogether, which no temperature can soften."""


@dataclass(frozen=True)
class TreeEnsemble:
    """Probabilities of genres from descriptors: what decision trees say together, then calibrated.

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
