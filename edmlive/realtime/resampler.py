"""From what a source delivers to what the kernels take: mono at 22,050 Hz."""

import numpy as np
import soxr
from numpy.typing import NDArray

from edmlive.kernels.tables import SAMPLE_RATE


class Resampler:
    """Mixes channels with equal weights and resamples as a stream.

    The output is what soxr HQ, hence ``librosa.load``, makes of the whole signal at once, bit for bit,
    however the input is cut into blocks.

    Parameters
    ----------
    rate
        Sampling rate of the input in Hz.
    """

    def __init__(self, rate: int) -> None:
        self._stream = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")

    def push(self, samples: NDArray[np.float32], *, last: bool = False) -> NDArray[np.float32]:
        """Take (n, channels) samples and return (m,) mono samples; ``last`` flushes what is held back."""
        # Channel by channel, because a matrix product's last bit depends on the block's length.
        mono = samples[:, 0].copy()
        for channel in range(1, samples.shape[1]):
            mono += samples[:, channel]
        mono *= np.float32(1 / samples.shape[1])
        if self._stream is None:
            return mono
        resampled: NDArray[np.float32] = self._stream.resample_chunk(mono, last=last)
        return resampled
