"""The network over audio descriptors: an ensemble of small perceptrons."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

CLIP = 3.0
"""Standardised descriptors are clipped to this many standard deviations, so that no outlier decides alone."""

_REFERENCE_BPM = 120.0
_TEMPO_WIDTH = 0.04
"""Tempi this far apart, in octaves, begin to look different: 3.4 BPM at 120 BPM."""
_HARMONICS = np.arange(1, 13)
_FREQUENCIES = 2 * np.pi * _HARMONICS / np.log(2)
_AMPLITUDES = 1.5 * np.exp(-0.5 * (2 * np.pi * _HARMONICS * _TEMPO_WIDTH) ** 2)
"""Square roots of the Fourier coefficients of a Gaussian bump on the circle of one octave: the dot product of the
features of two tempi is such a bump of their distance (Rahimi and Recht, *Random features for large-scale kernel
machines*, 2007, with regular frequencies instead of random ones)."""


class DescriptorFeatures(nn.Module):
    """Turns raw descriptors into the perceptrons' inputs, in double precision.

    A descriptor that is always positive is replaced by its logarithm. All are standardised and clipped, and a missing
    one counts as the mean. The tempo enters twice: as any other descriptor, and as Fourier features of its position
    within an octave, which tell 124 from 127 BPM and are the same for 87 and 174 BPM.

    Parameters
    ----------
    descriptors
        Number of descriptors.
    tempo
        Index of the tempo, in BPM, among them.

    Attributes
    ----------
    size
        Number of features: the descriptors and 24 of the tempo.
    logged
        Which descriptors are replaced by their logarithm, bool, shape (descriptors,).
    floor
        Least value whose logarithm is taken, positive, shape (descriptors,).
    mean, scale
        Of the descriptors, after the logarithm, shape (descriptors,).
    """

    logged: Tensor
    floor: Tensor
    mean: Tensor
    scale: Tensor
    frequencies: Tensor
    amplitudes: Tensor

    def __init__(self, descriptors: int, tempo: int) -> None:
        super().__init__()
        self.size = descriptors + 2 * len(_HARMONICS)
        self._tempo = tempo
        self.register_buffer("logged", torch.zeros(descriptors, dtype=torch.bool))
        self.register_buffer("floor", torch.ones(descriptors, dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(descriptors, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(descriptors, dtype=torch.float64))
        self.register_buffer("frequencies", torch.from_numpy(_FREQUENCIES), persistent=False)
        self.register_buffer("amplitudes", torch.from_numpy(_AMPLITUDES), persistent=False)

    def fit(self, values: NDArray[np.floating]) -> "DescriptorFeatures":
        """Standardise by (tracks, descriptors) values, NaN where missing; return self."""
        least = np.nanmin(values, axis=0)
        self.logged = torch.from_numpy(least > 0)
        self.floor = torch.from_numpy(np.where(least > 0, least, 1.0))
        levels = self._levels(torch.from_numpy(values)).numpy()
        largest = np.nanmax(levels, axis=0)
        constant = largest == np.nanmin(levels, axis=0)  # its computed deviation may be a rounding error instead of 0
        self.mean = torch.from_numpy(np.where(constant, largest, np.nanmean(levels, axis=0)))
        self.scale = torch.from_numpy(np.where(constant, 1.0, np.nanstd(levels, axis=0)))
        return self

    def forward(self, values: Tensor) -> Tensor:
        """Map (tracks, descriptors) values, NaN where missing, to finite features, (tracks, size)."""
        standard = ((self._levels(values) - self.mean) / self.scale).clamp(-CLIP, CLIP)
        angle = (values[:, self._tempo : self._tempo + 1] / _REFERENCE_BPM).log() * self.frequencies
        features = torch.cat([standard, angle.cos() * self.amplitudes, angle.sin() * self.amplitudes], dim=1)
        return torch.where(features.isnan(), 0.0, features)

    def _levels(self, values: Tensor) -> Tensor:
        return torch.where(self.logged, torch.maximum(values, self.floor).log(), values)


class DescriptorNetwork(nn.Module):
    """Genres from descriptors: the mean of several perceptrons with one hidden layer, calibrated; in double precision.

    Parameters
    ----------
    features
        From descriptors to the perceptrons' inputs.
    hidden_weights, hidden_biases
        Shapes (members, features, units) and (members, units).
    output_weights, output_biases
        Shapes (members, units, labels) and (members, labels).

    Attributes
    ----------
    temperature
        The averaged probabilities are raised to one over this; 1 until it is set.
    """

    def __init__(
        self,
        features: DescriptorFeatures,
        hidden_weights: NDArray[np.float64],
        hidden_biases: NDArray[np.float64],
        output_weights: NDArray[np.float64],
        output_biases: NDArray[np.float64],
    ) -> None:
        super().__init__()
        self.features = features
        self.hidden_weights = nn.Parameter(torch.from_numpy(hidden_weights))
        self.hidden_biases = nn.Parameter(torch.from_numpy(hidden_biases)[:, None])
        self.output_weights = nn.Parameter(torch.from_numpy(output_weights))
        self.output_biases = nn.Parameter(torch.from_numpy(output_biases)[:, None])
        self.temperature = 1.0

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Map ``descriptors``, shape (tracks, descriptors), NaN where missing, to logits, shape (tracks, labels)."""
        hidden = (self.features(inputs["descriptors"]) @ self.hidden_weights + self.hidden_biases).relu()
        members = (hidden @ self.output_weights + self.output_biases).softmax(dim=-1)
        logits: Tensor = members.mean(dim=0).log() / self.temperature
        return logits

    def probabilities(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Classify (tracks, descriptors) values, NaN where missing; shape (tracks, labels), rows sum to 1."""
        with torch.inference_mode():
            logits = self({"descriptors": torch.from_numpy(values)})
            answer: NDArray[np.float64] = logits.softmax(dim=1).numpy()
        return answer
