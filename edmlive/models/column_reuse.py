"""The same answers from less work: what overlapping chunks share is computed once.

Where each chunk ends 40 frames after the one before, the outputs of the first three residual blocks move by whole
columns (20, 10 and 5), and so do the tempograms (10). A column that no edge of the chunk has a part in depends on the
audio alone: it is computed when it is new, and remembered. Columns near the edges, where zeros stand for what lies
outside, are computed for every chunk. Of 2.40 billion multiplications 0.90 are left, and nothing is approximated.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import fuse_conv_bn_eval

from edmlive.errors import ModelError
from edmlive.models.inputs import CHUNK_FRAMES, MEL
from edmlive.models.networks import SubgenreNetwork
from edmlive.models.short_chunk import ResidualBlock, ShortChunkCnn
from edmlive.models.tempo import FusedConvolutions
from edmlive.overlap import SHIFT_FRAMES, SHIFTS, past_name, present_name

_BLOCKS = 3
"""Residual blocks whose output `SHIFT_FRAMES` moves by whole columns."""


@dataclass(frozen=True)
class Piece:
    """Columns that one chunk computes and a later one uses.

    Parameters
    ----------
    what
        Whose columns, and from which on.
    columns
        Which of the new ones.
    shape
        Without the batch axis.
    age
        Chunks between the two.
    """

    what: str
    columns: slice
    shape: tuple[int, ...]
    age: int

    @property
    def past(self) -> str:
        """Name among the inputs."""
        return past_name(self.what, self.age)

    @property
    def present(self) -> str:
        """Name among the outputs."""
        return present_name(self.what)


@dataclass(frozen=True)
class _Clear:
    """Columns of a block's output, or of the input, that no edge of the chunk has a part in.

    Parameters
    ----------
    first, end
        The first of them and the one after the last.
    shift
        Columns from chunk to chunk: as many at the end are new.
    """

    first: int
    end: int
    shift: int

    @property
    def new(self) -> int:
        """The first that is new."""
        return self.end - self.shift

    def above(self) -> "_Clear":
        """Return those of the next block, whose column j looks at columns 2 j - 3 to 2 j + 3 of this."""
        return _Clear((self.first + 4) // 2, (self.end - 2) // 2, self.shift // 2)

    @property
    def below(self) -> tuple[int, int]:
        """Where in the block below what the left edge wants ends, and where what the right edge wants begins."""
        return 2 * self.first + 2, 2 * self.new - 3


class ColumnReuse(nn.Module):
    """A trained network over chunks that follow each other at `SHIFT_FRAMES`, which remembers columns.

    Parameters
    ----------
    network
        With a short-chunk CNN, and the paper's tempogram branch or none. It is copied.

    Attributes
    ----------
    pieces
        What `forward` wants of earlier chunks, and yields for later ones.

    Raises
    ------
    ModelError
        The network has other branches.
    """

    def __init__(self, network: SubgenreNetwork) -> None:
        super().__init__()
        if not isinstance(network.mel, ShortChunkCnn) or not isinstance(network.tempo, FusedConvolutions | None):
            raise ModelError("Chunks share columns only where they are convolved: in networks with a short-chunk CNN.")
        self._network = deepcopy(network).eval()
        assert isinstance(self._network.mel, ShortChunkCnn)
        blocks = self._network.mel.blocks
        edges = [_EdgeBlock(block) for block in list(blocks)[:_BLOCKS] if isinstance(block, ResidualBlock)]
        self._edges, self._later = nn.ModuleList(edges), blocks[_BLOCKS:]
        self._seen, self._left, self._right = _pieces([edge.channels for edge in edges])
        self._rhythm: tuple[Piece, ...] = ()
        self._tempograms = [i for i in network.inputs if i.name != MEL.name]
        if self._tempograms:
            summary = self._new_rhythm({i.name: torch.zeros(1, *i.shape) for i in self._tempograms})
            shape = tuple(summary.shape[1:])
            self._rhythm = tuple(Piece("tempograms", slice(None), shape, age) for age in range(1, SHIFTS))
        self.pieces = (*(p for level in (*self._left, *self._right) for p in level), *self._rhythm)

    def forward(self, features: Mapping[str, Tensor], past: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Classify a chunk.

        Parameters
        ----------
        features
            As for the network.
        past
            For each piece, by `Piece.past`, what the chunk that many before yielded. Once four chunks have been
            heard, it does not matter what the first of them was given.

        Returns
        -------
        logits
            The network's, shape (batch, labels).
        present
            What later chunks want, by `Piece.present`.
        """
        network, present = self._network, dict[str, Tensor]()
        mel, (end, begin) = features["mel"], self._seen
        left, right = (network.standardise["mel"](edge) for edge in (mel[..., :end], mel[..., begin:]))
        for block, beside_left, beside_right in zip(self._edges, self._left, self._right, strict=True):
            left, right = block(left, "left"), block(right, "right")
            present |= {p.present: right[..., p.columns] for p in (*beside_left, *beside_right)}
            left = torch.cat([left, *(past[p.past] for p in beside_left)], dim=3)
            right = torch.cat([*(past[p.past] for p in beside_right), right], dim=3)
        parts = [self._later(torch.cat([left, right], dim=3)).amax(dim=(2, 3))]
        if isinstance(network.tempo, FusedConvolutions):
            present[self._rhythm[0].present] = new = self._new_rhythm(features)
            means = torch.stack([new, *(past[p.past] for p in self._rhythm)])
            parts.append(network.tempo.summary[2:](means.mean(dim=0)))
        return network.classify(network.dense(torch.cat(parts, dim=1))), present

    def _new_rhythm(self, features: Mapping[str, Tensor]) -> Tensor:
        """Summarise the new columns of the tempograms up to the ReLU: up to there, means over columns add up."""
        tempo = self._network.tempo
        assert isinstance(tempo, FusedConvolutions)
        new = {i.name: features[i.name][..., -(SHIFT_FRAMES // i.stride) :] for i in self._tempograms}
        summary: Tensor = tempo.summary[:2](tempo.mean([self._network.standardise[n](x) for n, x in new.items()]))
        return summary


class _EdgeBlock(nn.Module):
    """A residual block over columns that end at one edge of the chunk and go on at the other side.

    Batch normalisation is folded into the convolutions.
    """

    def __init__(self, block: ResidualBlock) -> None:
        super().__init__()
        first, first_norm, self._activation, second, second_norm = block.residual
        self._first, self._second = _folded(first, first_norm), _folded(second, second_norm)
        self._shortcut = _folded(*block.shortcut)
        self.channels = self._second.out_channels

    def forward(self, x: Tensor, edge: Literal["left", "right"]) -> Tensor:
        def convolved(layer: nn.Conv2d, y: Tensor) -> Tensor:
            padded = functional.pad(y, (int(edge == "left"), int(edge == "right"), 1, 1))
            return functional.conv2d(padded, layer.weight, layer.bias, layer.stride)

        residual = convolved(self._second, self._activation(convolved(self._first, x)))
        near = x[..., :-2] if edge == "left" else x[..., 2:]  # the shortcut looks less far
        y: Tensor = self._activation(residual + convolved(self._shortcut, near))
        return y


def _folded(convolution: nn.Module, norm: nn.Module) -> nn.Conv2d:
    assert isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
    return fuse_conv_bn_eval(convolution, norm)


def _pieces(channels: Sequence[int]) -> tuple[tuple[int, int], list[tuple[Piece, ...]], list[tuple[Piece, ...]]]:
    """Work out what of the input the edges want, and what of each block's output the next one wants beside either edge.

    After the last of these blocks, all of it is wanted.
    """
    clear = [_Clear(0, CHUNK_FRAMES, SHIFT_FRAMES)]
    for _ in channels:
        clear.append(clear[-1].above())
    seen, *wanted = [above.below for above in clear[1:]]
    wanted.append((clear[-1].new, clear[-1].new))
    left, right = [], []
    for k, (c, count, (end, begin)) in enumerate(zip(clear[1:], channels, wanted, strict=True), start=1):
        left.append(_remembered(k, c, range(c.first, end), count))
        right.append(_remembered(k, c, range(begin, c.new), count))
    return seen, left, right


def _remembered(block: int, clear: _Clear, columns: range, channels: int) -> tuple[Piece, ...]:
    """Find in which earlier chunks these columns of a block's output were new."""
    pieces = []
    for age in range(SHIFTS - 1, 0, -1):
        places = [column + age * clear.shift - clear.new for column in columns]
        new = [place for place in places if 0 <= place < clear.shift]
        if new:
            shape = (channels, MEL.shape[1] >> block, len(new))
            pieces.append(Piece(f"block{block}_{clear.new + new[0]}", slice(new[0], new[-1] + 1), shape, age))
    return tuple(pieces)
