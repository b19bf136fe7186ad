"""The network over audio descriptors: an ensemble of small perceptrons."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

WHOLE_SECONDS = 120.0
"""The look-back of the published tables: two minutes of each track."""

CLIP = 3.0
"""Standardised descriptors are clipped to this many standard deviations, so that no outlier decides alone."""

_LOG_REFERENCE_BPM = float(np.log(120.0))
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

    A descriptor that is always positive is replaced by its logarithm: its level. All levels are standardised and
    clipped, and a missing one counts as the mean. The tempo enters twice: as any other descriptor, and as Fourier
    features of its position within an octave, which tell 124 from 127 BPM and are the same for 87 and 174 BPM.

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
        Of the levels, shape (descriptors,).
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
        varies = np.nanmax(values, axis=0) > least
        self.logged = torch.from_numpy(least > 0)
        # A constant, such as the look-back of a table, does not tell its range.
        self.floor = torch.from_numpy(np.where(least > 0, np.where(varies, least, 1e-3 * least), 1.0))
        self.floor[self._tempo] = 1.0  # BPM: a tempo of 0 is none, not the slowest of the tracks
        levels = self.levels(torch.from_numpy(values)).numpy()
        largest = np.nanmax(levels, axis=0)
        constant = largest == np.nanmin(levels, axis=0)  # its computed deviation may be a rounding error instead of 0
        self.mean = torch.from_numpy(np.where(constant, largest, np.nanmean(levels, axis=0)))
        self.scale = torch.from_numpy(np.where(constant, 1.0, np.nanstd(levels, axis=0)))
        return self

    def forward(self, values: Tensor) -> Tensor:
        """Map (tracks, descriptors) values, NaN where missing, to finite features, (tracks, size)."""
        return self.of_levels(self.levels(values))

    def levels(self, values: Tensor) -> Tensor:
        """Replace what is always positive by its logarithm; the shape stays."""
        return torch.where(self.logged, torch.maximum(values, self.floor).log(), values)

    def of_levels(self, levels: Tensor) -> Tensor:
        """Map levels, (..., descriptors), NaN where missing, to finite features, (..., size)."""
        standard = ((levels - self.mean) / self.scale).clamp(-CLIP, CLIP)
        tempo = levels[..., self._tempo : self._tempo + 1]
        angle = torch.where(tempo > 0.0, tempo - _LOG_REFERENCE_BPM, torch.nan) * self.frequencies
        features = torch.cat([standard, angle.cos() * self.amplitudes, angle.sin() * self.amplitudes], dim=-1)
        return torch.where(features.isnan(), 0.0, features)


@dataclass(frozen=True)
class Perceptrons:
    """Weights of several perceptrons with one hidden layer of rectified units.

    Parameters
    ----------
    hidden_weights, hidden_biases
        Shapes (members, features, units) and (members, 1, units).
    output_weights, output_biases
        Shapes (members, units, outputs) and (members, 1, outputs).
    """

    hidden_weights: Tensor
    hidden_biases: Tensor
    output_weights: Tensor
    output_biases: Tensor

    @classmethod
    def random(cls, members: int, features: int, units: int, outputs: int, seed: int) -> "Perceptrons":
        """Initialise after X. Glorot and Y. Bengio, 2010, as scikit-learn does."""
        generator = torch.Generator().manual_seed(seed)

        def layer(inputs: int, width: int) -> tuple[Tensor, Tensor]:
            bound = (6.0 / (inputs + width)) ** 0.5
            weights = torch.rand(members, inputs, width, generator=generator) * 2 * bound - bound
            biases = torch.rand(members, 1, width, generator=generator) * 2 * bound - bound
            return weights.requires_grad_(), biases.requires_grad_()

        return cls(*layer(features, units), *layer(units, outputs))

    @property
    def tensors(self) -> list[Tensor]:
        """All weights and biases."""
        return [self.hidden_weights, self.hidden_biases, self.output_weights, self.output_biases]

    def __call__(self, features: Tensor) -> Tensor:
        """Map features, (tracks, size) or (members, tracks, size), to logits, (members, tracks, outputs)."""
        hidden = (features @ self.hidden_weights + self.hidden_biases).relu()
        return hidden @ self.output_weights + self.output_biases


class DescriptorNetwork(nn.Module):
    """Genres from descriptors: the mean of several perceptrons, calibrated; in double precision.

    Parameters
    ----------
    features
        From descriptors to the perceptrons' inputs.
    genres
        Perceptrons with one output for each label.
    unknown
        Perceptrons with one output: the log-odds that this is no electronic music; ``None`` for a model that does not
        ask.
    look_back
        Index of `edmlive.spec.LOOK_BACK` among the descriptors; ``None`` for a model that does not take it.

    Attributes
    ----------
    temperature
        The averaged probabilities are raised to one over this at `WHOLE_SECONDS`; 1 until it is set.
    temperature_slope
        The temperature is multiplied by the look-back's share of `WHOLE_SECONDS` raised to this.
    """

    def __init__(
        self,
        features: DescriptorFeatures,
        genres: Perceptrons,
        unknown: Perceptrons | None = None,
        look_back: int | None = None,
    ) -> None:
        super().__init__()
        self.features = features
        self.genres = _frozen(genres)
        self.unknown = None if unknown is None else _frozen(unknown)
        self._look_back = look_back
        self.temperature = 1.0
        self.temperature_slope = 0.0

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Map ``descriptors``, shape (tracks, descriptors), NaN where missing, to logits.

        Their shape is (tracks, labels), or (tracks, labels + 1) with the unknown last.
        """
        values = inputs["descriptors"]
        features = self.features(values)
        genres = _perceptrons(self.genres)(features).softmax(dim=-1).mean(dim=0).log()
        temperature = torch.full_like(genres[:, :1], self.temperature)
        if self._look_back is not None:
            share = values[:, self._look_back, None].clamp(1.0, WHOLE_SECONDS) / WHOLE_SECONDS
            known = torch.where(share.isnan(), 1.0, share)
            temperature = temperature * (known.log() * self.temperature_slope).exp()
        logits: Tensor = (genres / temperature).log_softmax(dim=-1)
        if self.unknown is None:
            return logits
        odds = _perceptrons(self.unknown)(features).mean(dim=0)
        return torch.cat([logits + nn.functional.logsigmoid(-odds), nn.functional.logsigmoid(odds)], dim=-1)

    def probabilities(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Classify (tracks, descriptors) values, NaN where missing; shape (tracks, labels), rows sum to 1.

        With an output for the unknown, its probability is the last column.
        """
        with torch.inference_mode():
            logits = self({"descriptors": torch.from_numpy(values)})
            answer: NDArray[np.float64] = logits.softmax(dim=1).numpy()
        return answer


def _frozen(perceptrons: Perceptrons) -> nn.ParameterList:
    return nn.ParameterList([nn.Parameter(t.detach().double(), requires_grad=False) for t in perceptrons.tensors])


def _perceptrons(parameters: nn.ParameterList) -> Perceptrons:
    return Perceptrons(*parameters)
