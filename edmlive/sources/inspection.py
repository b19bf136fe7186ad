"""What is wrong with the sound itself, seen before its channels are mixed: clipping, a dead or a turned channel."""

from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

FULL_SCALE = 32_767 / 32_768
"""The largest that 16 bits can hold, so that a clipped sample is one in any format."""
CLIPPING_SECONDS = 5
CLIPPING_BEGINS, CLIPPING_ENDS = 5e-3, 1e-3
CABLE_BEGINS_SECONDS, CABLE_ENDS_SECONDS = 5, 2
AUDIBLE = 1e-5
"""Mean power from which a channel plays: -50 dBFS."""
DEAD = 1e-4
"""Power of a dead channel against the playing one: 40 dB below."""
CANCELLED = 1e-2
"""Power of the mix against that of its channels, where these cancel each other: 20 dB below."""


class Inspector:
    """Looks at each second of audio as it was captured.

    Parameters
    ----------
    rate
        Sampling rate in Hz.

    Attributes
    ----------
    notices
        What a person should look at, a sentence each, for as long as it is so.
    """

    def __init__(self, rate: int) -> None:
        self.notices: tuple[str, ...] = ()
        self._rate = rate
        self._second: NDArray[np.float32] | None = None
        self._filled = 0
        self._clipped: deque[float] = deque(maxlen=CLIPPING_SECONDS)
        self._clipping = False
        self._cable: str | None = None
        self._suspect: str | None = None
        self._suspect_seconds = 0

    def parts(self, samples: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """Take (n, channels) samples and yield them again, in parts that end where a second has been looked at."""
        if self._second is None:
            self._second = np.zeros((samples.shape[1], self._rate), np.float32)
        while len(samples):
            part = samples[: self._rate - self._filled]
            samples = samples[len(part) :]
            self._second[:, self._filled : self._filled + len(part)] = part.T
            self._filled += len(part)
            if self._filled == self._rate:
                self._filled = 0
                self._look(self._second)
            yield part

    def _look(self, second: NDArray[np.float32]) -> None:
        self._listen_for_clipping(second)
        if len(second) == 2:
            self._listen_for_cables(second)
        clipping = "The input clips: turn it down at the mixer or the sound card." if self._clipping else None
        self.notices = tuple(filter(None, (clipping, self._cable)))

    def _listen_for_clipping(self, second: NDArray[np.float32]) -> None:
        self._clipped.append(np.count_nonzero(np.abs(second) >= FULL_SCALE) / second.size)
        share = sum(self._clipped) / CLIPPING_SECONDS
        self._clipping = share > (CLIPPING_ENDS if self._clipping else CLIPPING_BEGINS)

    def _listen_for_cables(self, second: NDArray[np.float32]) -> None:
        power: NDArray[np.float64] = np.square(second).mean(axis=1, dtype=np.float64)
        if power.max() < AUDIBLE:
            return
        fault = _cable_fault(power, float(np.square((second[0] + second[1]) / 2).mean(dtype=np.float64)))
        self._suspect_seconds = self._suspect_seconds + 1 if fault == self._suspect else 1
        self._suspect = fault
        if self._suspect_seconds >= (CABLE_BEGINS_SECONDS if fault else CABLE_ENDS_SECONDS):
            self._cable = fault


def _cable_fault(power: NDArray[np.float64], mixed: float) -> str | None:
    """Say what is wrong with a pair of channels, given the power of each and of their mix."""
    if power.min() < DEAD * power.max():
        dead, playing = ("first", "second") if power[0] < power[1] else ("second", "first")
        return f"Of the two channels only the {playing} plays: check the cable of the {dead}."
    if mixed < CANCELLED * power.mean():
        return "The two channels cancel each other (opposite phase): turn one cable's polarity, or choose one channel."
    return None
