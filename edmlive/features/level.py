"""The level of the audio, and whether it is silence."""

import math

import numpy as np
from numpy.typing import NDArray

FLOOR_DBFS = -120.0
"""The level of digital silence."""


def level_dbfs(samples: NDArray[np.float32]) -> float:
    """Return the RMS level of samples in dBFS, at least `FLOOR_DBFS`."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    return max(FLOOR_DBFS, 10 * math.log10(power)) if power > 0 else FLOOR_DBFS


class SilenceGate:
    """Distinguishes silence from music by level, with hysteresis and a hold time.

    Parameters
    ----------
    enter_dbfs, leave_dbfs
        RMS levels in dBFS below which silence begins and above which it ends.
    hold_seconds
        How long the level must have been low without a break before it counts as silence.

    Attributes
    ----------
    silent
        Whether the audio is silent now.
    quiet
        Whether all levels since the start or the last silence were low.
    """

    def __init__(self, enter_dbfs: float = -60.0, leave_dbfs: float = -54.0, hold_seconds: float = 2.0) -> None:
        self._enter, self._leave, self._hold = enter_dbfs, leave_dbfs, hold_seconds
        self._low_seconds = 0.0
        self.silent = False
        self.quiet = True

    def push(self, level_dbfs: float, seconds: float) -> bool:
        """Take the level of the next `seconds` of audio and return whether the audio is silent now."""
        self._low_seconds = self._low_seconds + seconds if level_dbfs < self._enter else 0.0
        self.silent = self._low_seconds >= self._hold or (self.silent and level_dbfs <= self._leave)
        self.quiet = self.silent or (self.quiet and level_dbfs < self._enter)
        return self.silent
