"""Streaming conversion of any audio to mono at 22,050 Hz."""

import math
from typing import Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from edmlive.kernels.resampling import resample
from edmlive.kernels.tables import SAMPLE_RATE

REACH_SECONDS = 0.0046
"""Half length of soxr's filter: taps further out are too small for single precision."""
LARGEST_TABLE = 100_000
"""Largest product of both rates in lowest terms for which a filter is tabulated; 192 kHz is above it."""
LANES = 32
"""The number of taps is a multiple of this, for vector instructions."""


class Resampler:
    """Mixes channels with equal weights and resamples as a stream.

    To single precision, the output equals that of soxr HQ, hence of ``librosa.load``, for the whole signal at once. It
    is the same bit for bit however the input is cut into blocks. soxr itself works in blocks and holds back up to 42 ms
    at 44.1 kHz and 115 ms at 8 kHz, so its filter is applied here sample by sample at the usual rates, those above
    `SAMPLE_RATE`.

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
        """Seconds of input not yet in the output, because the filter looks ahead."""
        return self._taken / self._rate - self._given / SAMPLE_RATE

    def push(self, samples: NDArray[np.float32], *, last: bool = False) -> NDArray[np.float32]:
        """Take (n, channels) samples and return (m,) mono samples; ``last`` flushes what is held back."""
        # Channel by channel, because the last bit of a matrix product depends on the block's length.
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
    if rate > SAMPLE_RATE and rate * SAMPLE_RATE <= LARGEST_TABLE * common**2:
        ahead = math.ceil(REACH_SECONDS * rate)
        return _PolyphaseStream(rate // common, soxr_phases(rate, ahead), ahead)
    stream: _Stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
    return stream


class _PolyphaseStream:
    """A polyphase filter that advances by `step` phases per output sample and looks `ahead` by some of its taps."""

    def __init__(self, step: int, phases: NDArray[np.float32], ahead: int) -> None:
        self._step, self._phases = step, phases
        self._end = np.zeros(ahead, np.float32)
        self._past = np.zeros(phases.shape[1] - 1 - ahead, np.float32)
        self._place = 0

    def resample_chunk(self, x: NDArray[np.float32], last: bool = False) -> NDArray[np.float32]:
        samples = np.concatenate((self._past, x, self._end[: last * len(self._end)]))
        count, taps = self._phases.shape
        ready = max(0, -(-((len(samples) - taps + 1) * count - self._place) // self._step))
        out = np.empty(ready, np.float32)
        resample(samples, self._place, self._step, self._phases, out)
        passed, self._place = divmod(self._place + ready * self._step, count)
        self._past = samples[passed:].copy()
        return out


def soxr_phases(rate: int, ahead: int) -> NDArray[np.float32]:
    """Measure the filter of soxr HQ by its response to a train of impulses.

    Parameters
    ----------
    rate
        Sampling rate of the input in Hz, above `SAMPLE_RATE`.
    ahead
        Number of taps after the output's own position.

    Returns
    -------
    NDArray[np.float32]
        Shape (phases, taps), as `edmlive.kernels.resampling.resample` takes them: as many taps before the output's
        position as after it, padded to a multiple of `LANES`.
    """
    common = math.gcd(rate, SAMPLE_RATE)
    step, count = rate // common, SAMPLE_RATE // common
    taps = -(-(2 * ahead + 1) // LANES) * LANES
    before = taps - 1 - ahead
    # Far enough apart that the responses do not overlap, and each at another phase of the output's grid.
    apart = 2 * taps
    while math.gcd(apart, step) > 1:
        apart += 1
    impulses = apart * np.arange(1, step + 1)
    train = np.zeros(apart * (step + 2))
    train[impulses] = 1.0
    response = soxr.resample(train, rate, SAMPLE_RATE)
    place, phase = np.divmod(np.arange(len(response)) * step, count)
    phases = np.zeros((count, taps), np.float32)
    for impulse in impulses:
        near = slice(*np.searchsorted(place, (impulse - ahead, impulse + before + 1)))
        phases[phase[near], impulse - place[near] + before] = response[near]
    return phases
