"""How to train: the paper's way, and a modern one."""

from dataclasses import dataclass

from edmlive.training.chunks import MelScale


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
        Passes over the training split at most, and chunks in a step.
    learning_rate, weight_decay
        Of AdamW, which without decay is Adam. The rate is the peak where it follows a cycle.
    cycle
        Raise and lower the learning rate in one cycle (L. N. Smith and N. Topin, *Super-convergence*, 2018).
    label_smoothing
        Probability spread over all labels (C. Szegedy et al., *Rethinking the Inception architecture*, 2016).
    augment
        Shift chunks in time, vary level and balance of mel, which has to be in dB, and mask bands and columns of it.
    patience
        Epochs without a better validation loss after which training ends; ``None`` never.
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
