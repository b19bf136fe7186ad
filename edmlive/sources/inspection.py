"""Faults in the sound itself, looked for before channels are mixed: clipping, a dead channel, inverted polarity."""

from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edmlive.util.blocks import BlockBuffer

FULL_SCALE = 32_767 / 32_768
"""The largest 16-bit value, so that a clipped sample counts as one in any format."""
CLIPPING_SECONDS = 5
CLIPPING_BEGINS, CLIPPING_ENDS = 5e-3, 1e-3
"""Shares of clipped samples over `CLIPPING_SECONDS`."""
CABLE_BEGINS_SECONDS, CABLE_ENDS_SECONDS = 5, 2
AUDIBLE = 1e-5
"""Mean power above which a channel counts as playing: -50 dBFS."""
DEAD = 1e-4
"""Power of a dead channel relative to the playing one: -40 dB."""
CANCELLED = 1e-2
"""Power of the mix relative to that of its channels, below which they cancel each other: -20 dB."""


class Inspector:
    """Checks each second of captured audio for clipping and faulty cables.

    Parameters
    ----------
    rate
        Sampling rate in Hz.

    Attributes
    ----------
    notices
        Current faults, one sentence each.
    """

    def __init__(self, rate: int) -> None:
        self.notices: tuple[str, ...] = ()
        self._rate = rate
        self._seconds: BlockBuffer | None = None
        self._clipped: deque[float] = deque(maxlen=CLIPPING_SECONDS)
        self._clipping = False
        self._cable: str | None = None
        self._suspected: str | None = None
        self._suspected_seconds = 0

    def parts(self, samples: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """Take samples of shape (n, channels) and yield them again, cut where `notices` may change."""
        if self._seconds is None:
            self._seconds = BlockBuffer(np.zeros((samples.shape[1], self._rate), np.float32).T)
        for part, second in self._seconds.push(samples):
            if second is not None:
                self._check(second.T)
            yield part

    def _check(self, channels: NDArray[np.float32]) -> None:
        self._check_clipping(channels)
        if len(channels) == 2:
            self._check_cables(channels)
        clipping = "The input clips: turn it down at the mixer or the sound card." if self._clipping else None
        self.notices = tuple(filter(None, (clipping, self._cable)))

    def _check_clipping(self, channels: NDArray[np.float32]) -> None:
        self._clipped.append(np.count_nonzero(np.abs(channels) >= FULL_SCALE) / channels.size)
        share = sum(self._clipped) / CLIPPING_SECONDS
        self._clipping = share > (CLIPPING_ENDS if self._clipping else CLIPPING_BEGINS)

    def _check_cables(self, channels: NDArray[np.float32]) -> None:
        power: NDArray[np.float64] = np.square(channels).mean(axis=1, dtype=np.float64)
        if power.max() < AUDIBLE:
            return
        mixed = np.square((channels[0] + channels[1]) / 2).mean(dtype=np.float64)
        fault = _cable_fault(power, float(mixed))
        self._suspected_seconds = self._suspected_seconds + 1 if fault == self._suspected else 1
        self._suspected = fault
        if self._suspected_seconds >= (CABLE_BEGINS_SECONDS if fault else CABLE_ENDS_SECONDS):
            self._cable = fault


def _cable_fault(power: NDArray[np.float64], mixed: float) -> str | None:
    """Name the fault of a pair of channels, given the power of each and of their mix."""
    if power.min() < DEAD * power.max():
        dead, playing = ("first", "second") if power[0] < power[1] else ("second", "first")
        return f"Of the two channels only the {playing} plays: check the cable of the {dead}."
    if mixed < CANCELLED * power.mean():
        return "The two channels cancel each other (opposite phase): invert the polarity of one, or choose one channel."
    return None
