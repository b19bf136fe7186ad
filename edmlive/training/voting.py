"""From chunks to songs: the majority vote of section IV."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric


class SongVotes(Metric):
    """Counts, for each track, how often each label is the likeliest among its chunks; over batches and processes.

    Parameters
    ----------
    truth
        Index of each track's label, int64, shape (tracks,).
    labels
        Number of labels.
    """

    truth: Tensor
    votes: Tensor
    sums: Tensor

    def __init__(self, truth: Tensor, labels: int) -> None:
        super().__init__()
        self.register_buffer("truth", truth)
        for name in ("votes", "sums"):
            self.add_state(name, torch.zeros(len(truth), labels, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, probabilities: Tensor, tracks: Tensor) -> None:
        """Take in chunks: probabilities (chunks, labels) and the numbers of their tracks, int64, (chunks,)."""
        self.sums.index_add_(0, tracks, probabilities.double())
        one = self.votes.new_ones(())
        self.votes.index_put_((tracks, probabilities.argmax(dim=1)), one, accumulate=True)

    def scores(self) -> Tensor:
        """Return what ranks each track's labels, shape (tracks, labels): votes, ties broken by summed probability."""
        return self.votes + self.sums / (self.votes.sum(dim=1, keepdim=True) + 1)

    def compute(self) -> Any:
        """Return the share, 0..1, of the tracks heard from whose majority is right."""
        heard = self.votes.sum(dim=1) > 0
        return (self.scores().argmax(dim=1) == self.truth)[heard].double().mean()
