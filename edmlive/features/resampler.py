"""From what a source delivers to what the kernels take: mono at 22,050 Hz."""

import math
from typing import Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from edmlive.kernels.resampling import resample
from edmlive.kernels.tables import SAMPLE_RATE

REACH_SECONDS = 0.0046
"""Beyond this, before and after, soxr's filter weighs nothing that single precision could hold."""
MOST_PLACES = 100_000
"""Limits the table of a filter: 44.1, 48, 88.2, 96 and 176.4 kHz have one."""
LANES = 32
"""Taps are a multiple of this, so that none is left over when many are multiplied at once."""


class Resampler:
    """Mixes channels with equal weights and resamples as a stream.

    The output is what soxr HQ, hence ``librosa.load``, makes of the whole signal at once, to the accuracy of single
    precision; however the input is cut into blocks, it is the same bit for bit. soxr itself works in blocks and holds
    up to 42 ms back. At the usual rates its own filter is therefore applied sample by sample.

    Parameters
    ----------
    rate
        Sampling rate of the input in Hz.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._taken = self._given = 0
        self._stream = None if rate == SAMPLE_RATE else _stream(rate)

    @property
    def held(self) -> float:
        """Seconds of input that have not come out yet, because the filter looks ahead."""
        return self._taken / self._rate - self._given / SAMPLE_RATE

    def push(self, samples: NDArray[np.float32], *, last: bool = False) -> NDArray[np.float32]:
        """Take (n, channels) samples and return (m,) mono samples; ``last`` flushes what is held back."""
        # Channel by channel, because a matrix product's last bit depends on the block's length.
        mono = samples[:, 0].copy()
        for channel in range(1, samples.shape[1]):
            mono += samples[:, channel]
        mono *= np.float32(1 / samples.shape[1])
        if self._stream is not None:
            self._taken += len(mono)
            mono = self._stream.resample_chunk(mono, last=last)
            if last:  # as long as soxr makes it
                mono = mono[: (2 * self._taken * SAMPLE_RATE + self._rate) // (2 * self._rate) - self._given]
            self._given += len(mono)
        return mono


class _Stream(Protocol):
    def resample_chunk(self, x: NDArray[np.float32], last: bool = False) -> NDArray[np.float32]: ...


def _stream(rate: int) -> _Stream:
    common = math.gcd(rate, SAMPLE_RATE)
    if rate > SAMPLE_RATE and rate * SAMPLE_RATE <= MOST_PLACES * common**2:
        ahead = math.ceil(REACH_SECONDS * rate)
        return _PolyphaseStream(rate // common, soxr_phases(rate, ahead), ahead)
    stream: _Stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
    return stream


class _PolyphaseStream:
    """A filter that moves on by `step` phases for each sample that it gives; some of its taps look `ahead`."""

    def __init__(self, step: int, phases: NDArray[np.float32], ahead: int) -> None:
        self._step, self._phases = step, phases
        self._end = np.zeros(ahead, np.float32)
        self._heard = np.zeros(phases.shape[1] - 1 - ahead, np.float32)
        self._place = 0

    def resample_chunk(self, x: NDArray[np.float32], last: bool = False) -> NDArray[np.float32]:
        heard = np.concatenate((self._heard, x, self._end[: last * len(self._end)]))
        count, taps = self._phases.shape
        ready = max(0, -(-((len(heard) - taps + 1) * count - self._place) // self._step))
        out = np.empty(ready, np.float32)
        resample(heard, self._place, self._step, self._phases, out)
        passed, self._place = divmod(self._place + ready * self._step, count)
        self._heard = heard[passed:].copy()
        return out


def soxr_phases(rate: int, ahead: int) -> NDArray[np.float32]:
    """Read the filter of soxr HQ off its answer to a train of impulses.

    Parameters
    ----------
    rate
        Of the input in Hz, above `SAMPLE_RATE`.
    ahead
        Taps after an output's own place.

    Returns
    -------
    NDArray[np.float32]
        Shape (phases, taps), as `edmlive.kernels.resampling.resample` takes them: as many taps before an output's place
        as after it, and some more that make whole vectors.
    """
    common = math.gcd(rate, SAMPLE_RATE)
    step, count = rate // common, SAMPLE_RATE // common
    taps = -(-(2 * ahead + 1) // LANES) * LANES
    before = taps - 1 - ahead
    # So far apart that their answers do not meet, and each at another place against the grid of the output.
    apart = 2 * taps
    while math.gcd(apart, step) > 1:
        apart += 1
    impulses = apart * np.arange(1, step + 1)
    train = np.zeros(apart * (step + 2))
    train[impulses] = 1.0
    answer = soxr.resample(train, rate, SAMPLE_RATE)
    place, phase = np.divmod(np.arange(len(answer)) * step, count)
    phases = np.zeros((count, taps), np.float32)
    for impulse in impulses:
        near = slice(*np.searchsorted(place, (impulse - ahead, impulse + before + 1)))
        phases[phase[near], impulse - place[near] + before] = answer[near]
    return phases
