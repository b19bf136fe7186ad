"""The network over audio descriptors: several small perceptrons, averaged."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLIP = 3.0
"""Standardised descriptors are held within this many standard deviations: no outlier decides alone."""

REFERENCE_BPM = 120.0
_TEMPO_WIDTH = 0.04
"""Tempi this far apart, in octaves, begin to look different: 3.4 BPM at 120 BPM."""

HARMONICS = np.arange(1, 13)
AMPLITUDES = 1.5 * np.exp(-0.5 * (2 * np.pi * HARMONICS * _TEMPO_WIDTH) ** 2)
"""Square roots of the Fourier coefficients of a Gaussian bump on the circle of one octave: the dot product of the
features of two tempi is such a bump of their distance (Rahimi and Recht, *Random features for large-scale kernel
machines*, 2007, with regular frequencies instead of random ones)."""


@dataclass(frozen=True)
class DescriptorFeatures:
    """What the perceptrons see of the descriptors.

    A descriptor is taken in logarithm where it is always positive, standardised and clipped; a missing one counts as
    the mean. The tempo enters twice: as any other descriptor, and as Fourier features of its place within an octave,
    which tell 124 from 127 BPM and are the same for 87 and 174 BPM.

    Parameters
    ----------
    logged
        Which descriptors are taken in logarithm, bool, shape (descriptors,).
    floor
        Least value whose logarithm is taken, positive, shape (descriptors,).
    mean, scale
        Of the descriptors, after the logarithm, shape (descriptors,).
    tempo
        Index of the tempo in BPM among the descriptors.
    """

    logged: NDArray[np.bool_]
    floor: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    tempo: int

    @classmethod
    def fitted(cls, values: NDArray[np.floating], tempo: int) -> "DescriptorFeatures":
        """Learn from (tracks, descriptors) values, NaN where missing."""
        least = np.nanmin(values, axis=0)
        logged = least > 0
        floor = np.where(logged, least, 1.0)
        levels = _levels(values, logged, floor)
        deviation = np.nanstd(levels, axis=0)
        return cls(logged, floor, np.nanmean(levels, axis=0), np.where(deviation > 0, deviation, 1.0), tempo)

    def __call__(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return features, shape (tracks, descriptors + 24), of (tracks, descriptors) values, NaN where missing."""
        with np.errstate(divide="ignore", invalid="ignore"):
            level = (_levels(values, self.logged, self.floor) - self.mean) / self.scale
            angle = 2 * np.pi * np.log2(values[:, [self.tempo]] / REFERENCE_BPM) * HARMONICS
            features = np.hstack((level.clip(-CLIP, CLIP), AMPLITUDES * np.cos(angle), AMPLITUDES * np.sin(angle)))
        return np.where(np.isnan(features), 0.0, features)


@dataclass(frozen=True)
class DescriptorNetwork:
    """Probabilities of genres from descriptors: perceptrons with one hidden layer, averaged, then calibrated.

    Parameters
    ----------
    features
        From descriptors to the perceptrons' inputs.
    hidden_weights, hidden_biases
        Shapes (members, features, units) and (members, units).
    output_weights, output_biases
        Shapes (members, units, labels) and (members, labels).
    temperature
        The averaged probabilities are raised to one over this.
    """

    features: DescriptorFeatures
    hidden_weights: NDArray[np.float64]
    hidden_biases: NDArray[np.float64]
    output_weights: NDArray[np.float64]
    output_biases: NDArray[np.float64]
    temperature: float = 1.0

    def probabilities(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Classify (tracks, descriptors) values, NaN where missing; shape (tracks, labels), rows sum to 1."""
        hidden = np.maximum(self.features(values) @ self.hidden_weights + self.hidden_biases[:, np.newaxis], 0)
        members = _softmax(hidden @ self.output_weights + self.output_biases[:, np.newaxis])
        return tempered(members.mean(axis=0), self.temperature)


def tempered(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Raise probabilities of shape (tracks, labels) to ``1 / temperature`` and normalise the rows."""
    return _softmax(np.log(probabilities) / temperature)


def _levels(values: NDArray[np.floating], logged: NDArray[np.bool_], floor: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.where(logged, np.log(np.maximum(values, floor)), values))


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True))
