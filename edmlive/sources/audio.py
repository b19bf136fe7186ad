"""The audio block that every source yields, and what makes any block safe to analyse."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from edmlive.errors import SourceError
from edmlive.sources.health import Liveness

FULL_SCALE_LIMIT = 100.0
"""Largest magnitude let through: 40 dB over full scale is a broken sender, not audio."""


@dataclass(frozen=True)
class Playing:
    """What is playing: in a cross-fade, the louder of the two tracks.

    Parameters
    ----------
    genre
        One of `edmlive.taxonomy.SUBGENRES`.
    bpm
        The tempo as it is played, to 0.1.
    start
        Second of the set from which on this has been playing.
    """

    genre: str
    bpm: float
    start: float


@dataclass(frozen=True)
class AudioBlock:
    """Consecutive samples from a source.

    Parameters
    ----------
    samples
        Float32, shape (frames, channels), full scale is 1.0, at the source's own rate.
    time
        When the last sample was captured, in seconds on the clock of `time.monotonic`.
    gap
        Frames lost between the previous block and this one.
    truth
        What is playing at the last sample, if the source knows.
    liveness
        Whether the input delivers. While it does not, a live source yields blocks without samples, to say so.
    overflows, reconnects
        So far, as in `Counts`.
    notices
        What a person should know about the input now, one sentence each.

    Examples
    --------
    One second of stereo silence at 44.1 kHz:

    >>> import numpy as np
    >>> from edmlive.sources.audio import AudioBlock
    >>> block = AudioBlock(np.zeros((44_100, 2), np.float32), time=1.0)
    >>> block.gap, str(block.liveness)
    (0, 'healthy')
    """

    samples: NDArray[np.float32]
    time: float
    gap: int = 0
    truth: Playing | None = None
    liveness: Liveness = Liveness.HEALTHY
    overflows: int = 0
    reconnects: int = 0
    notices: tuple[str, ...] = ()


class Source(Protocol):
    """Anything that yields audio blocks and can be closed.

    Attributes
    ----------
    name
        What to call it in front of a user.
    rate
        Sampling rate in Hz.
    channels
        Channels in each block.
    live
        Whether audio arrives in real time, so that a slow reader loses some.
    fault
        Where and how the audio is broken, if it is; known once it has been read.
    wanted
        Set by the listener: seconds of audio that a live source may gather before it yields them.
    """

    name: str
    rate: int
    channels: int
    live: bool
    fault: str | None
    wanted: float

    def __iter__(self) -> Iterator[AudioBlock]:
        """Yield blocks until the audio ends."""

    def __enter__(self) -> Self:
        """Return the source itself."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release whatever the source holds."""


def choose_channels(available: int, wanted: tuple[int, ...] | None, name: str) -> tuple[int, ...]:
    """Return zero-based channel indices for channel numbers, which count from 1.

    Parameters
    ----------
    available
        How many channels the source has.
    wanted
        Channel numbers from 1; ``None`` for all.
    name
        The source, for the error message.

    Raises
    ------
    SourceError
        A wanted channel does not exist.
    """
    if wanted is None:
        return tuple(range(available))
    for channel in wanted:
        if not 1 <= channel <= available:
            raise SourceError(f"{name} has no channel {channel}: choose from 1 to {available}.")
    return tuple(channel - 1 for channel in wanted)


def sanitise(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the samples with NaN replaced by silence and magnitudes limited to `FULL_SCALE_LIMIT`.

    Good samples are returned as they are, at the cost of two quick passes.
    """
    # A NaN anywhere makes the extremes NaN, which compare as false.
    if samples.size == 0 or (samples.max() <= FULL_SCALE_LIMIT and samples.min() >= -FULL_SCALE_LIMIT):
        return samples
    return np.clip(np.nan_to_num(samples, nan=0.0), -FULL_SCALE_LIMIT, FULL_SCALE_LIMIT)
