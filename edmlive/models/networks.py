"""The paper's networks over mel-spectrograms and tempograms: standardisation, branches, classifier."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from edmlive.errors import ModelError
from edmlive.models.inputs import CEPSTRAL, MEL, Architecture, inputs_of
from edmlive.models.short_chunk import PAPER_WIDTH, MelBranch, ShortChunkCnn
from edmlive.models.tempo import FusedConvolutions, TemporalConvolutions
from edmlive.spec import InputName

DENSE_UNITS = 512
_SIMILARITY_SCALE = 16.0
"""Logits of the metric head lie within this of 0: enough for confident answers from cosines."""

RAW_MEL_BRANCHES: dict[Architecture, Callable[[int], MelBranch]] = {}
"""Branches over mel that is not standardised, made from a width, by architecture. Importing
`edmlive.training.baselines` adds those of related work."""


class Standardise(nn.Module):
    """Z-score of each feature dimension: mel band or tempo bin.

    Parameters
    ----------
    rows
        Feature dimensions.

    Attributes
    ----------
    mean, deviation
        Of the training split, shape (rows, 1).
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(rows, 1))
        self.register_buffer("deviation", torch.ones(rows, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map raw features (..., rows, columns) to the same shape."""
        return (x - self.mean) / self.deviation


class MetricHead(nn.Module):
    """Cosine similarity to one learned prototype of each class (metric learning, section V).

    X. Zhai and H.-Y. Wu, *Classification is a strong baseline for deep metric learning*, 2019: with cross-entropy over
    such logits, tracks of a class gather around its prototype on the unit sphere.

    Parameters
    ----------
    size
        Length of the embedding.
    labels
        Number of classes.
    """

    def __init__(self, size: int, labels: int) -> None:
        super().__init__()
        self.prototypes = nn.Parameter(torch.empty(labels, size))
        nn.init.xavier_uniform_(self.prototypes)

    def forward(self, embedding: Tensor) -> Tensor:
        """Map (batch, size) to logits (batch, labels)."""
        return _SIMILARITY_SCALE * functional.linear(
            functional.normalize(embedding), functional.normalize(self.prototypes)
        )


class SubgenreNetwork(nn.Module):
    """A network of the paper: raw chunks in, logits out (sections III.C-D, IV; Figures 2 and 3).

    Parameters
    ----------
    architecture
        ``mel``: short-chunk CNN + ResNet. ``fourier``, ``autocorrelation``: the ablated variants. ``early-fusion``,
        ``late-fusion``: the proposed ones. ``temporal-fusion``, ``metric-fusion``: late fusion with temporal
        convolutions over the tempograms, or with a metric-learning head. ``mfcc-lstm``, ``mfcc-mlp``: related work, on
        mel in dB, once `edmlive.training.baselines` has been imported.
    labels
        Number of classes.
    width
        Channels of the first block; 128 is the paper's.

    Attributes
    ----------
    inputs
        What `forward` takes.

    Raises
    ------
    ModelError
        The architecture is one of related work, whose networks have not been imported.
    """

    def __init__(self, architecture: Architecture, labels: int, width: int = PAPER_WIDTH) -> None:
        super().__init__()
        self.inputs = inputs_of(architecture)
        self.standardise = nn.ModuleDict({i.name: Standardise(i.shape[-2]) for i in self.inputs})
        self._tempograms: list[InputName] = [i.name for i in self.inputs if i.name != "mel"]
        bins = tuple(i.shape[0] for i in self.inputs if i.name != "mel")
        self.mel: MelBranch | None = None
        if architecture in RAW_MEL_BRANCHES:
            self.mel = RAW_MEL_BRANCHES[architecture](width)
        elif architecture in CEPSTRAL:
            raise ModelError(f"An {architecture} network needs 'import edmlive.training.baselines' first.")
        elif MEL in self.inputs:
            self.mel = ShortChunkCnn(width)
        self.tempo: FusedConvolutions | TemporalConvolutions | None = None
        if architecture == "temporal-fusion":
            self.tempo = TemporalConvolutions(bins, width)
        elif bins:
            self.tempo = FusedConvolutions(bins, width, early=architecture == "early-fusion")
        size = sum(branch.size for branch in (self.mel, self.tempo) if branch is not None)
        self.dense = nn.Sequential(
            nn.Linear(size, DENSE_UNITS, bias=False), nn.BatchNorm1d(DENSE_UNITS), nn.ReLU(), nn.Dropout(0.5)
        )
        self.classify = (
            MetricHead(DENSE_UNITS, labels) if architecture == "metric-fusion" else nn.Linear(DENSE_UNITS, labels)
        )

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Classify chunks.

        Parameters
        ----------
        features
            For each input its raw features, float32, shape (batch, *shape of the input).

        Returns
        -------
        Tensor
            Logits, float32, shape (batch, labels).
        """
        logits: Tensor = self.classify(self.embed(features)).float()
        return logits

    def embed(self, features: Mapping[str, Tensor]) -> Tensor:
        """Return the last layer's input, shape (batch, 512)."""
        precision = self.dense.get_parameter("0.weight").dtype  # float16 in such an export, but not to standardise in
        level = {name: standardise(features[name]).to(precision) for name, standardise in self.standardise.items()}
        parts = []
        if isinstance(self.mel, ShortChunkCnn):
            parts.append(self.mel(level["mel"]))
        elif self.mel is not None:
            parts.append(self.mel(features["mel"].to(precision)))
        if self.tempo is not None:
            parts.append(self.tempo([level[name] for name in self._tempograms]))
        embedding: Tensor = self.dense(torch.cat(parts, dim=1))
        return embedding
