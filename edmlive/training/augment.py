"""Changes to mel chunks that leave their genre alone."""

import math

import torch
from torch import Tensor

from edmlive.training.chunks import MelScale

LEVEL_DB = 6.0
"""A mixer's gain is set by ear: levels vary by as much to either side."""
MASKED_BANDS, MASKED_COLUMNS = 16, 24


def augment_mel(mel: Tensor, mel_scale: MelScale, blank: Tensor) -> Tensor:
    """Vary the level of mel chunks and mask some bands and some columns of each.

    Onset strengths, being differences in dB, and so tempograms, do not change with the level.

    Parameters
    ----------
    mel
        Raw chunks, shape (batch, 1, 128, columns).
    mel_scale
        ``power`` or ``db``.
    blank
        What masks are filled with: the mean of each band, shape (128, 1).
    """
    level = (2 * torch.rand(len(mel), 1, 1, 1, device=mel.device) - 1) * LEVEL_DB
    mel = mel + level if mel_scale == "db" else mel * torch.exp(level * (math.log(10) / 10))
    for axis, widest in ((2, MASKED_BANDS), (3, MASKED_COLUMNS)):
        mel = torch.where(_band(mel, axis, widest), blank, mel)
    return mel


def _band(mel: Tensor, axis: int, widest: int) -> Tensor:
    """For each chunk a random stretch along an axis, as a mask."""
    size = mel.shape[axis]
    width, place = torch.rand(2, len(mel), 1, 1, 1, device=mel.device)
    first = place * (size - width * widest)
    positions = torch.arange(size, device=mel.device).view([-1 if a == axis else 1 for a in range(4)])
    mask: Tensor = (positions >= first) & (positions < first + width * widest)
    return mask
