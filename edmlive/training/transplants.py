"""Handlings measured on real recordings, applied to the rows of a table."""

import numpy as np
import torch
from numpy.typing import NDArray

from edmlive.models.descriptors import DescriptorFeatures
from edmlive.training.real_music import RealMusic


class Transplants:
    """Differences that handlings and short look-backs make to descriptors, to be added to others.

    Parameters
    ----------
    real
        Descriptors of real recordings, untouched and handled.
    features
        Which descriptors differ as logarithms.
    """

    def __init__(self, real: RealMusic, features: DescriptorFeatures) -> None:
        handled, whole = real.pairs()
        levels = features.levels(torch.from_numpy(real.values))
        self._features = features
        self._seconds = real.seconds[handled]
        self.differences = levels[handled] - levels[whole]

    @property
    def look_backs(self) -> tuple[float, ...]:
        """Look-backs of the handlings, in seconds."""
        return tuple(np.unique(self._seconds).tolist())

    def applied(self, values: NDArray[np.float64], seconds: float, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return descriptors as they would be under a random handling at a look-back; the shape stays."""
        drawn = rng.choice(np.flatnonzero(self._seconds == seconds), len(values))
        levels = self._features.levels(torch.from_numpy(values)) + self.differences[drawn]
        return torch.where(self._features.logged, levels.exp(), levels).numpy()
