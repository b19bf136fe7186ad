"""Tempograms as one vector, by parallel or temporal convolutions (section III.D)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

KERNELS_AND_STRIDES = ((3, 2), (3, 3), (5, 3), (5, 5))
"""Of the four parallel convolutions over the tempo axis."""
_SUMMARIES, _POOL = 3, 3
"""Filters and pooling of the last convolution: 390 values of both tempograms (384 in the authors' released network)."""


class ParallelConvolutions(nn.Module):
    """Four convolutions of different kernels and strides over the tempo axis, side by side (Figure 3b, 3c).

    After J. Pons et al., *Timbre analysis of music audio signals with convolutional neural networks*, 2017. Every
    column goes through the same filters, so that a tempo means the same wherever in the chunk it occurs.

    Parameters
    ----------
    bins
        Tempo bins.
    filters
        Filters of each convolution.

    Attributes
    ----------
    size
        Positions along the tempo axis in the outputs of all four.
    """

    def __init__(self, bins: int, filters: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(1, filters, (kernel, 1), stride=(stride, 1), bias=False), nn.BatchNorm2d(filters), nn.ReLU()
            )
            for kernel, stride in KERNELS_AND_STRIDES
        )
        self.size = sum((bins - kernel) // stride + 1 for kernel, stride in KERNELS_AND_STRIDES)

    def forward(self, tempogram: Tensor) -> Tensor:
        """Map (batch, bins, columns) to the mean over the columns, (batch, filters, size, 1)."""
        image, columns = tempogram.unsqueeze(1), tempogram.shape[2]
        # Pooled one by one: ONNX Runtime pools in the convolution's layout, but would copy joined outputs first.
        means = [functional.avg_pool2d(convolution(image), (1, columns)) for convolution in self.convolutions]
        return torch.cat(means, dim=2)


class FusedConvolutions(nn.Module):
    """The paper's tempogram branch: parallel convolutions, mean over time, a convolution, maximum over neighbours.

    Parameters
    ----------
    bins
        Tempo bins of each tempogram.
    width
        Of the network; the convolutions have half as many filters.
    early
        Join the tempograms along the tempo axis before the parallel convolutions (early fusion) instead of
        after (late fusion). For one tempogram both are the same.
    """

    def __init__(self, bins: tuple[int, ...], width: int, *, early: bool) -> None:
        super().__init__()
        self._early = early
        filters = max(1, width // 2)
        fused = (sum(bins),) if early else bins
        self.parallel = nn.ModuleList(ParallelConvolutions(count, filters) for count in fused)
        self.summary = nn.Sequential(
            nn.Conv2d(filters, _SUMMARIES, (3, 1), stride=(2, 1), bias=False),
            nn.BatchNorm2d(_SUMMARIES),
            nn.ReLU(),
            nn.MaxPool2d((_POOL, 1)),
            nn.Flatten(),
        )
        positions = sum(part.size for part in self.parallel if isinstance(part, ParallelConvolutions))
        self.size = _SUMMARIES * (((positions - 3) // 2 + 1) // _POOL)

    def forward(self, tempograms: list[Tensor]) -> Tensor:
        """Map standardised tempograms, (batch, bins, columns) each, to (batch, size)."""
        vector: Tensor = self.summary(self.mean(tempograms))
        return vector

    def mean(self, tempograms: list[Tensor]) -> Tensor:
        """Return the input of `summary`, (batch, filters, positions, 1): a mean over all columns."""
        fused = [torch.cat(tempograms, dim=1)] if self._early else tempograms
        return torch.cat([part(tempogram) for part, tempogram in zip(self.parallel, fused, strict=True)], dim=2)


class TemporalConvolutions(nn.Module):
    """Dilated causal convolutions over time, with tempo bins as channels: the paper's future work (section V).

    S. Bai, J. Z. Kolter and V. Koltun, *An empirical evaluation of generic convolutional and recurrent networks for
    sequence modeling*, 2018. Four residual blocks of dilations 1, 2, 4 and 8 look back on 61 columns, more than a
    chunk has.

    Parameters
    ----------
    bins
        Tempo bins of each tempogram.
    width
        Of the network; the blocks have twice as many channels.
    """

    def __init__(self, bins: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.size = 2 * width
        self.reduce = nn.Conv1d(sum(bins), self.size, 1)
        self.blocks = nn.Sequential(*(_DilatedBlock(self.size, dilation) for dilation in (1, 2, 4, 8)))

    def forward(self, tempograms: list[Tensor]) -> Tensor:
        """Map standardised tempograms, (batch, bins, columns) each, to (batch, size)."""
        sequence: Tensor = self.blocks(self.reduce(torch.cat(tempograms, dim=1)))
        return sequence.mean(dim=2)


class _DilatedBlock(nn.Module):
    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self._padding = (2 * dilation, 0)
        self.first = nn.Conv1d(channels, channels, 3, dilation=dilation, bias=False)
        self.first_norm = nn.BatchNorm1d(channels)
        self.second = nn.Conv1d(channels, channels, 3, dilation=dilation, bias=False)
        self.second_norm = nn.BatchNorm1d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.first_norm(self.first(functional.pad(x, self._padding))))
        y = self.second_norm(self.second(functional.pad(y, self._padding)))
        return functional.relu(x + y)
