"""Training of one network as a Lightning module."""

import math
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy

from edmlive.errors import UserError
from edmlive.models.networks import SubgenreNetwork
from edmlive.training.chunks import Chunks
from edmlive.training.recipes import Recipe, augment_mel
from edmlive.util.majority import rank_labels

Batch = tuple[dict[str, Tensor], Tensor, Tensor]

STATISTICS_CHUNKS = 4_096
"""Maximum number of chunks that means and deviations are computed from: enough for three digits."""

LEAST_AUTOCORRELATION = 1e-4
"""Lower bound on the deviation of autocorrelations, which are relative to lag 0: what varies less, such as lag 0 itself
and the longest lags, is mostly rounding."""


class TrainingError(UserError):
    """A network cannot be trained."""


class SongVotes(Metric):
    """Share of songs, 0..1, whose majority vote over chunks is right, accumulated over batches and processes.

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
        """Add chunks: probabilities, shape (chunks, labels), and indices of their tracks, int64, shape (chunks,)."""
        self.sums.index_add_(0, tracks, probabilities.double())
        one = self.votes.new_ones(())
        self.votes.index_put_((tracks, probabilities.argmax(dim=1)), one, accumulate=True)

    def compute(self) -> Tensor:
        """Return the share of the tracks with chunks; NaN without any."""
        winners = rank_labels(self.votes.cpu().numpy(), self.sums.cpu().numpy())[:, 0]
        right = torch.from_numpy(winners).to(self.truth.device) == self.truth
        return right[self.votes.sum(dim=1) > 0].double().mean()


class TrainingModule(lightning.LightningModule):
    """Cross-entropy training of a network on genres or on a teacher's probabilities.

    Parameters
    ----------
    network
        The network, its standardisation set.
    recipe
        How to train.
    truth
        Index of the label of each validation track, or of what the teacher calls it, int64, shape (tracks,).
    labels
        Number of labels.
    soft_targets
        Batches carry a teacher's probabilities, not labels. These are never smoothed, whatever the recipe says.
    """

    def __init__(
        self, network: SubgenreNetwork, recipe: Recipe, truth: Tensor, labels: int, *, soft_targets: bool = False
    ) -> None:
        super().__init__()
        self.network = network
        self._recipe = recipe
        self._loss = nn.CrossEntropyLoss(label_smoothing=0.0 if soft_targets else recipe.label_smoothing)
        self._validation_loss = nn.CrossEntropyLoss()
        self._training_chunks = MulticlassAccuracy(labels, average="micro")
        self._validation_chunks = MulticlassAccuracy(labels, average="micro")
        self._validation_songs = SongVotes(truth, labels)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Return the loss of one batch."""
        features, target, _tracks = batch
        if self._recipe.augment and "mel" in features:
            blank = self.network.standardise["mel"].get_buffer("mean")
            features["mel"] = augment_mel(features["mel"], blank)
        logits = self.network(features)
        loss: Tensor = self._loss(logits, target)
        self._require_finite(loss)
        self._training_chunks(logits, _most_probable(target))
        self.log("training_loss", loss, on_step=False, on_epoch=True, sync_dist=True, batch_size=len(target))
        self.log("training_chunk_accuracy", self._training_chunks, on_step=False, on_epoch=True)
        self.log("learning_rate", self.trainer.optimizers[0].param_groups[0]["lr"], on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        """Log the loss and the accuracies of one batch."""
        features, target, tracks = batch
        logits = self.network(features)
        self._validation_chunks(logits, _most_probable(target))
        self._validation_songs.update(logits.softmax(dim=1), tracks)
        loss = self._validation_loss(logits, target)
        self._require_finite(loss)
        self.log("validation_loss", loss, prog_bar=True, sync_dist=True, batch_size=len(target))
        self.log("validation_chunk_accuracy", self._validation_chunks, prog_bar=True, on_epoch=True)
        self.log("validation_song_accuracy", self._validation_songs, prog_bar=True, on_epoch=True)

    def configure_optimizers(self) -> Any:
        """Return AdamW, with the one-cycle schedule of the learning rate if the recipe asks for it."""
        recipe = self._recipe
        optimizer = torch.optim.AdamW(self.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
        if not recipe.cycle:
            return optimizer
        steps = int(self.trainer.estimated_stepping_batches)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save the state of the random number generator, so that a resumed training equals an uninterrupted one."""
        checkpoint["random"] = torch.get_rng_state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the state of the random number generator."""
        torch.set_rng_state(checkpoint.get("random", torch.get_rng_state()))

    def _require_finite(self, loss: Tensor) -> None:
        if not math.isfinite(loss.item()):
            raise TrainingError(
                f"The loss became {loss.item()} in epoch {self.current_epoch + 1}: try the modern recipe, larger "
                "batches or full precision, in another folder; earlier checkpoints are kept."
            )


def _most_probable(target: Tensor) -> Tensor:
    return target.argmax(dim=1) if target.ndim == 2 else target


def standardise(network: SubgenreNetwork, chunks: Chunks, seed: int) -> None:
    """Set the network's means and deviations of each feature dimension to those of some training chunks.

    Parameters
    ----------
    network
        The network.
    chunks
        The training split.
    seed
        Of the selection of `STATISTICS_CHUNKS` chunks if there are more.
    """
    picked = np.random.default_rng(seed).permutation(len(chunks))[:STATISTICS_CHUNKS]
    sums = {i.name: np.zeros((2, i.shape[-2])) for i in network.inputs}
    for index in np.sort(picked).tolist():
        for name, array in chunks[index][0].items():
            columns = array.reshape(-1, *array.shape[-2:])[0].astype(np.float64)
            sums[name] += columns.mean(axis=1), np.square(columns).mean(axis=1)
    for name, (mean, square) in sums.items():
        mean, square = mean / len(picked), square / len(picked)
        deviation = np.sqrt(np.maximum(0, square - mean**2))
        deviation = np.where(deviation > 0, deviation, 1.0)
        if name == "autocorrelation_tempogram":
            deviation = np.maximum(deviation, LEAST_AUTOCORRELATION)
        network.standardise[name].load_state_dict(
            {
                "mean": torch.tensor(mean, dtype=torch.float32)[:, None],
                "deviation": torch.tensor(deviation, dtype=torch.float32)[:, None],
            }
        )


def loader(chunks: Chunks, batch: int, *, shuffle: bool = False, workers: int = 0) -> "DataLoader[Any]":
    """Return batches of chunks."""
    # A last batch of one chunk has no variance for batch normalisation to learn from.
    drop = shuffle and len(chunks) > batch
    return DataLoader(
        chunks,
        batch,
        shuffle,
        num_workers=workers,
        drop_last=drop,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
    )
