"""The network that the paper's authors released, bug for bug, so that their checkpoint can be run.

Their code differs from the paper: it computes the tempograms' parallel convolutions and discards them, and it reshapes
the tempograms where the paper transposes them. The layers are named as in the checkpoint.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from edmlive.taxonomy import SUBGENRES

_CHANNELS = (1, 128, 128, 256, 256, 256, 256, 512)
_COLUMNS, _COPIES = 50, 4


class ReleasedBlock(nn.Module):
    """``Res_2d``: two convolutions and a convolved shortcut.

    Parameters
    ----------
    incoming, outgoing
        Channels.
    """

    def __init__(self, incoming: int, outgoing: int) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(incoming, outgoing, 3, stride=2, padding=1)
        self.bn_1 = nn.BatchNorm2d(outgoing)
        self.conv_2 = nn.Conv2d(outgoing, outgoing, 3, padding=1)
        self.bn_2 = nn.BatchNorm2d(outgoing)
        self.conv_3 = nn.Conv2d(incoming, outgoing, 3, stride=2, padding=1)
        self.bn_3 = nn.BatchNorm2d(outgoing)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, incoming, bands, columns) to (batch, outgoing, bands / 2, columns / 2), rounded up."""
        residual = self.bn_2(self.conv_2(functional.relu(self.bn_1(self.conv_1(x)))))
        return functional.relu(residual + self.bn_3(self.conv_3(x)))


class ReleasedNetwork(nn.Module):
    """``Joint_ShortChunkCNN_Res``: late fusion as the authors' code runs it.

    Parameters
    ----------
    normalised
        Normalise the tempograms by ``bn_1``; the published code computes that, too, and discards it.
    """

    def __init__(self, *, normalised: bool = False) -> None:
        super().__init__()
        self.bn_1 = nn.BatchNorm1d(_COLUMNS) if normalised else nn.Identity()
        for number in range(1, len(_CHANNELS)):
            self.add_module(f"layer{number}", ReleasedBlock(_CHANNELS[number - 1], _CHANNELS[number]))
        self.conv1d_w = nn.Conv1d(1, 1, 3, stride=2)
        self.bn_w = nn.BatchNorm1d(1)
        self.dense1 = nn.Linear(896, 512)
        self.bn = nn.BatchNorm1d(512)
        self.dense2 = nn.Linear(512, len(SUBGENRES))

    def forward(self, autocorrelation: Tensor, fourier: Tensor, mel: Tensor) -> Tensor:
        """Classify chunks of standardised features.

        Parameters
        ----------
        autocorrelation
            Shape (batch, 384, 50).
        fourier
            Real part of the Fourier tempogram, shape (batch, 193, 50).
        mel
            Shape (batch, 1, 128, 200).

        Returns
        -------
        Tensor
            Logits, shape (batch, 30).
        """
        for number in range(1, len(_CHANNELS)):
            mel = self.get_submodule(f"layer{number}")(mel)
        timbre = mel.squeeze(2).amax(dim=-1)
        dense = functional.relu(self.bn(self.dense1(torch.cat([timbre, self.tempo(autocorrelation, fourier)], dim=1))))
        logits: Tensor = self.dense2(dense)  # the dropout between is for training only
        return logits

    def tempo(self, autocorrelation: Tensor, fourier: Tensor) -> Tensor:
        """Map both tempograms to one vector, (batch, 384)."""
        copies = []
        for tempogram in (autocorrelation, fourier):
            scrambled = tempogram.reshape(-1, _COLUMNS, tempogram.shape[1])  # reshaped, not transposed
            copies.append(functional.relu(self.bn_1(scrambled)).repeat(1, 1, _COPIES))
        joined = torch.cat(copies, dim=2)
        pooled = joined.reshape(-1, joined.shape[2], _COLUMNS).mean(dim=2)  # again reshaped
        summary = functional.relu(self.bn_w(self.conv1d_w(pooled.unsqueeze(1))))
        return functional.max_pool1d(summary, 3).flatten(1)
