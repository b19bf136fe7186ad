"""Changes to mel chunks that leave their genre alone."""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

LEVEL_DB = 12.0
"""A mixer's gain is set by ear: levels vary by as much to either side."""
EQUALISER_BANDS, EQUALISER_DB = 5, 8.0
"""Studios balance their music differently, and a DJ turns the mixer's equaliser."""
MASKED_BANDS, MASKED_COLUMNS = 16, 24


def augment_mel(mel: Tensor, blank: Tensor) -> Tensor:
    """Vary the level and the spectral balance of mel chunks, and mask some bands and some columns of each.

    The balance is a line through random gains at frequencies evenly spaced in mel (H. Nam, S.-H. Kim and Y.-H. Park,
    *FilterAugment*, 2022), the masks are those of *SpecAugment* (D. S. Park et al., 2019). Onset strengths, being
    differences in dB, and so tempograms, change with neither level nor balance.

    Parameters
    ----------
    mel
        Raw chunks in dB, shape (batch, 1, 128, columns).
    blank
        What masks are filled with: the mean of each band, shape (128, 1).
    """
    level = _either_way(len(mel), 1, 1, device=mel.device) * LEVEL_DB
    gains = _either_way(len(mel), 1, EQUALISER_BANDS, device=mel.device) * EQUALISER_DB
    curve = interpolate(level + gains, mel.shape[2], mode="linear", align_corners=True)
    mel = mel + curve.unsqueeze(3)
    for axis, widest in ((2, MASKED_BANDS), (3, MASKED_COLUMNS)):
        mel = torch.where(_stretch(mel, axis, widest), blank, mel)
    return mel


def _either_way(*shape: int, device: torch.device) -> Tensor:
    """Numbers evenly spread over -1..1."""
    return 2 * torch.rand(shape, device=device) - 1


def _stretch(mel: Tensor, axis: int, widest: int) -> Tensor:
    """For each chunk a random stretch along an axis, as a mask."""
    size = mel.shape[axis]
    width, place = torch.rand(2, len(mel), 1, 1, 1, device=mel.device)
    first = place * (size - width * widest)
    positions = torch.arange(size, device=mel.device).view([-1 if a == axis else 1 for a in range(4)])
    mask: Tensor = (positions >= first) & (positions < first + width * widest)
    return mask
