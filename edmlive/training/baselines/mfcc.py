"""Cepstral coefficients of a chunk as one vector, by an LSTM or by a perceptron: what came before CNNs.

R. J. M. Quinto, R. O. Atienza and N. M. C. Tiglao, *Jazz music sub-genre classification using deep learning*, 2017;
section II of the paper.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from edmlive.models.inputs import CHUNK_FRAMES, MEL
from edmlive.models.networks import RAW_MEL_BRANCHES
from edmlive.models.short_chunk import MelBranch

COEFFICIENTS = 20
_LAYERS = 3


class Mfcc(nn.Module):
    """Mel-frequency cepstral coefficients, standardised.

    The orthonormal DCT-II over the mel bands, as ``librosa.feature.mfcc(S=mel)``, then batch normalisation without
    parameters and with its mean over all batches: each coefficient's z-score in the training split.
    """

    basis: Tensor

    def __init__(self) -> None:
        super().__init__()
        bands = MEL.shape[1]
        angle = math.pi * torch.arange(COEFFICIENTS)[:, None] * (torch.arange(bands) + 0.5) / bands
        scale = torch.full((COEFFICIENTS, 1), math.sqrt(2 / bands))
        scale[0] = math.sqrt(1 / bands)
        self.register_buffer("basis", (scale * angle.cos())[:, :, None], persistent=False)
        self.standardise = nn.BatchNorm1d(COEFFICIENTS, momentum=None, affine=False)

    def forward(self, mel: Tensor) -> Tensor:
        """Map raw mel chunks in dB, (batch, 1, 128, 200), to (batch, 20, 200)."""
        coefficients: Tensor = self.standardise(self.raw(mel))
        return coefficients

    def raw(self, mel: Tensor) -> Tensor:
        """Return the coefficients before standardisation."""
        return functional.conv1d(mel.squeeze(1), self.basis)


class MfccLstm(MelBranch):
    """Three layers of LSTM over the coefficients; the vector is their output at the last frame.

    Parameters
    ----------
    width
        Of the network; a layer has a quarter as many units: 32, as published, at 128.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.size = max(1, width // 4)
        self.mfcc = Mfcc()
        self.lstm = nn.LSTM(COEFFICIENTS, self.size, _LAYERS, batch_first=True)

    def forward(self, mel: Tensor) -> Tensor:
        """Map raw mel chunks in dB, (batch, 1, 128, 200), to (batch, size)."""
        states: Tensor = self.lstm(self.mfcc(mel).transpose(1, 2))[0]
        return states[:, -1]


class MfccMlp(MelBranch):
    """A perceptron of three layers over the coefficients of all frames.

    Parameters
    ----------
    width
        Units of each layer, and length of the vector.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.size = width
        self.mfcc = Mfcc()
        sizes = (COEFFICIENTS * CHUNK_FRAMES, *_LAYERS * (width,))
        layers = (nn.Sequential(nn.Linear(a, b), nn.ReLU()) for a, b in pairwise(sizes))
        self.layers = nn.Sequential(nn.Flatten(), *layers)

    def forward(self, mel: Tensor) -> Tensor:
        """Map raw mel chunks in dB, (batch, 1, 128, 200), to (batch, size)."""
        vector: Tensor = self.layers(self.mfcc(mel))
        return vector


RAW_MEL_BRANCHES["mfcc-lstm"] = MfccLstm
RAW_MEL_BRANCHES["mfcc-mlp"] = MfccMlp
