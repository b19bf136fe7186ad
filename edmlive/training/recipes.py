"""How to train: the paper's recipe and a modern one, and the augmentation that the latter uses."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from edmlive.training.chunks import MelScale

LEVEL_DB = 12.0
"""A mixer's gain is set by ear: levels vary by as much to either side."""
EQUALISER_BANDS, EQUALISER_DB = 5, 8.0
"""Studios balance their music differently, and DJs turn the mixer's equaliser."""
MASKED_BANDS, MASKED_COLUMNS = 16, 24


@dataclass(frozen=True)
class Recipe:
    """Settings of a training.

    Parameters
    ----------
    name
        Short name.
    mel_scale
        Scale of mel, ``power`` or ``db``.
    epochs, batch
        Maximum number of passes over the training split, and chunks in a step.
    learning_rate, weight_decay
        Of AdamW, which without decay is Adam. The rate is the peak where it follows a cycle.
    cycle
        Raise and lower the learning rate in one cycle (L. N. Smith and N. Topin, *Super-convergence*, 2018).
    label_smoothing
        Probability spread over all labels (C. Szegedy et al., *Rethinking the Inception architecture*, 2016).
    augment
        Shift chunks in time and apply `augment_mel`, for which mel has to be in dB.
    patience
        Epochs without a better validation loss after which training stops; ``None`` never stops early.
    """

    name: str
    mel_scale: MelScale
    epochs: int
    batch: int
    learning_rate: float
    weight_decay: float = 0.0
    cycle: bool = False
    label_smoothing: float = 0.0
    augment: bool = False
    patience: int | None = None


PAPER = Recipe("paper", mel_scale="power", epochs=200, batch=256, learning_rate=0.005)
"""Section IV: cross-entropy, Adam. The released code leaves mel a power."""

MODERN = Recipe(
    "modern",
    mel_scale="db",
    epochs=60,
    batch=64,
    learning_rate=0.002,
    weight_decay=0.01,
    cycle=True,
    label_smoothing=0.1,
    augment=True,
    patience=15,
)
"""Mel in dB, as short-chunk CNNs were published with; regularised, because corpora are smaller than 75,000 tracks."""

RECIPES = {recipe.name: recipe for recipe in (PAPER, MODERN)}


def augment_mel(mel: Tensor, blank: Tensor) -> Tensor:
    """Vary the level and the spectral balance of mel chunks, and mask some bands and some columns of each.

    The balance interpolates random gains at frequencies evenly spaced in mel (H. Nam, S.-H. Kim and Y.-H. Park,
    *FilterAugment*, 2022); the masks are those of *SpecAugment* (D. S. Park et al., 2019). Level and balance change
    neither onset strengths, which are differences in dB, nor the tempograms made of them.

    Parameters
    ----------
    mel
        Raw chunks in dB, shape (batch, 1, 128, columns).
    blank
        Value that fills the masks: the mean of each band, shape (128, 1).
    """
    level = _uniform(len(mel), 1, 1, device=mel.device) * LEVEL_DB
    gains = _uniform(len(mel), 1, EQUALISER_BANDS, device=mel.device) * EQUALISER_DB
    curve = interpolate(level + gains, mel.shape[2], mode="linear", align_corners=True)
    mel = mel + curve.unsqueeze(3)
    for axis, widest in ((2, MASKED_BANDS), (3, MASKED_COLUMNS)):
        mel = torch.where(_random_interval(mel, axis, widest), blank, mel)
    return mel


def _uniform(*shape: int, device: torch.device) -> Tensor:
    """Draw uniformly from -1..1."""
    return 2 * torch.rand(shape, device=device) - 1


def _random_interval(mel: Tensor, axis: int, widest: int) -> Tensor:
    """Return a mask of one random interval along an axis for each chunk."""
    size = mel.shape[axis]
    width, place = torch.rand(2, len(mel), 1, 1, 1, device=mel.device)
    first = place * (size - width * widest)
    positions = torch.arange(size, device=mel.device).view([-1 if a == axis else 1 for a in range(4)])
    mask: Tensor = (positions >= first) & (positions < first + width * widest)
    return mask
