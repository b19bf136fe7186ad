"""Short-chunk CNN with residual connections: a mel-spectrogram as one vector.

M. Won, A. Ferraro, D. Bogdanov and X. Serra, *Evaluation of CNN-based automatic music tagging models*, 2020; section
III.C and Figure 2 of the paper.
"""

from itertools import pairwise

from torch import Tensor, nn

PAPER_WIDTH = 128
_CHANNELS = (1, 1, 2, 2, 2, 2, 4)
"""Channels of the seven blocks, in widths."""


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a convolved shortcut; halves the bands and the time.

    Parameters
    ----------
    incoming, outgoing
        Channels.
    """

    def __init__(self, incoming: int, outgoing: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(incoming, outgoing, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(outgoing),
            nn.ReLU(),
            nn.Conv2d(outgoing, outgoing, 3, padding=1, bias=False),
            nn.BatchNorm2d(outgoing),
        )
        self.shortcut = nn.Sequential(
            nn.Conv2d(incoming, outgoing, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(outgoing)
        )
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, incoming, bands, columns) to (batch, outgoing, ceil(bands / 2), ceil(columns / 2))."""
        y: Tensor = self.activation(self.residual(x) + self.shortcut(x))
        return y


class MelBranch(nn.Module):
    """Any network from mel chunks, (batch, 1, 128, 200), to one vector each, (batch, size).

    Attributes
    ----------
    size
        Length of the vector.
    """

    size: int


class ShortChunkCnn(MelBranch):
    """Seven residual blocks and a maximum over the bands and frames that remain: a vector of four widths.

    Parameters
    ----------
    width
        Channels of the first block; 128 is the paper's, which makes 128-128-256-256-256-256-512.
    """

    def __init__(self, width: int = PAPER_WIDTH) -> None:
        super().__init__()
        channels = (1, *(width * n for n in _CHANNELS))
        self.size = channels[-1]
        self.blocks = nn.Sequential(*(ResidualBlock(*pair) for pair in pairwise(channels)))

    def forward(self, mel: Tensor) -> Tensor:
        """Map standardised mel chunks (batch, 1, 128, 200) to (batch, size)."""
        maps: Tensor = self.blocks(mel)
        return maps.amax(dim=(2, 3))
