"""A ring buffer of audio in shared memory: one process writes, another reads, and neither waits for the other."""

import mmap
import os
import tempfile
import threading
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

_CLAIMED, _WRITTEN, _OVERFLOWS, _LOSSES, _AWAITED = range(5)
_CAPTURED_AT, _TRUE_RATE = range(2)
_LOSSES_KEPT = 64
_HEADER_BYTES = 8 * (5 + 2 + 2 * _LOSSES_KEPT)


def shared_file() -> BinaryIO:
    """Return a file for `AudioRing` that has no name, and so vanishes with the last process that holds it."""
    folder = Path("/dev/shm")
    return tempfile.TemporaryFile(dir=folder if folder.is_dir() and os.access(folder, os.W_OK) else None)


class _Barrier:
    """A full memory barrier: what this thread loads and stores before a call is done before what comes after it.

    Python has none to offer, but its locks do: to take one is an atomic operation with acquire order, after which no
    later access may be moved to before it, and to give it back has release order, before which no earlier access may be
    moved to after it. Taken and given back once, accesses from both sides might still meet, and pass each other, while
    it is held. Taken and given back twice, they cannot: everything before precedes the first release, everything after
    follows the second acquisition, and a release and a later acquisition are never exchanged, neither on x86, where
    both are locked instructions, nor on ARM64, where STLR and LDAXR, or CASA, keep their order. It takes less
    than a microsecond.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            pass
        with self._lock:
            pass


class AudioRing:
    """Float32 audio in memory shared through an open file.

    The writer announces how far it will write, copies the samples, then publishes the running count of frames. The
    reader takes that count, copies, then checks the announcement to see whether it was overtaken. There is one of each,
    so every count has a single writer, and each is an aligned word of 64 bits, which is never seen half written.

    What is left is the order in which one side's stores become visible to the other. x86 keeps it but for a store
    followed by a load; ARM64 keeps none. Each step above is therefore parted from the next by a full memory barrier
    (`_Barrier`): the samples are visible before the count that publishes them, the announcement before the samples that
    it warns of, and the reader checks the announcement after it has copied. Of the reader that says what it waits for
    and the writer that publishes more, at least one sees the other's word, so no wake-up is missed.

    Parameters
    ----------
    descriptor
        Open file, as `shared_file` makes. The writer passes ``create=True``, before the reader maps it.
    frames, channels
        Capacity in frames, and samples in a frame; the same on both sides.
    """

    def __init__(self, descriptor: int, frames: int, channels: int, *, create: bool = False) -> None:
        size = _HEADER_BYTES + 4 * frames * channels
        if create:
            os.ftruncate(descriptor, size)
        self._map = mmap.mmap(descriptor, size)
        self._counts: NDArray[np.int64] = np.ndarray(5, np.int64, self._map)
        self._clock: NDArray[np.float64] = np.ndarray(2, np.float64, self._map, 8 * 5)
        self._losses: NDArray[np.int64] = np.ndarray((_LOSSES_KEPT, 2), np.int64, self._map, 8 * (5 + 2))
        self._frames: NDArray[np.float32] = np.ndarray((frames, channels), np.float32, self._map, _HEADER_BYTES)
        self._read = self._losses_read = 0
        self._barrier = _Barrier()

    def write(self, samples: NDArray[np.float32], captured_at: float, lost: int = 0) -> bool:
        """Append samples.

        Parameters
        ----------
        samples
            Shape (n, channels), n at most the capacity.
        captured_at
            When the last sample was captured, in seconds on the monotonic clock.
        lost
            Frames that the device lost before these samples.

        Returns
        -------
        bool
            Whether there is now as much as the reader waits for.
        """
        capacity = len(self._frames)
        written = int(self._counts[_WRITTEN])
        start = written % capacity
        head = min(len(samples), capacity - start)
        if lost:
            self._losses[self._counts[_LOSSES] % _LOSSES_KEPT] = written, lost
        self._counts[_CLAIMED] = written + len(samples)
        self._barrier()
        if lost:
            self._counts[_LOSSES] += 1
        self._frames[start : start + head] = samples[:head]
        self._frames[: len(samples) - head] = samples[head:]
        self._clock[_CAPTURED_AT] = captured_at
        self._barrier()
        self._counts[_WRITTEN] = written + len(samples)
        self._barrier()
        return bool(written + len(samples) >= self._counts[_AWAITED])

    def await_frames(self, frames: int) -> bool:
        """Tell the writer how many unread frames to wake the reader for; return whether they are there already."""
        self._counts[_AWAITED] = self._read + frames
        self._barrier()
        return bool(self._counts[_WRITTEN] >= self._counts[_AWAITED])

    def count_overflow(self) -> None:
        """Count one report of the sound system that it dropped input."""
        self._counts[_OVERFLOWS] += 1

    @property
    def overflows(self) -> int:
        """How often the sound system said that it dropped input; a hint, no more."""
        return int(self._counts[_OVERFLOWS])

    @property
    def captured_at(self) -> float:
        """Monotonic time of the newest sample, in seconds; 0 before the first."""
        return float(self._clock[_CAPTURED_AT])

    @property
    def true_rate(self) -> float:
        """The rate in Hz that the writer measured, where it differs from what the device claims; otherwise 0."""
        return float(self._clock[_TRUE_RATE])

    @true_rate.setter
    def true_rate(self, rate: float) -> None:
        self._clock[_TRUE_RATE] = rate

    def read(self, most: int) -> tuple[NDArray[np.float32], int, int]:
        """Read up to `most` frames, the oldest unread first.

        Returns
        -------
        samples
            A copy, shape (n, channels); n is 0 when there is nothing new.
        backlog
            Frames written and still unread after this call.
        gap
            Frames before `samples` that the device lost, or that were overwritten before they could be read.
        """
        capacity = len(self._frames)
        written = int(self._counts[_WRITTEN])
        if written == self._read:
            return self._frames[:0], 0, 0
        self._barrier()
        start = max(self._read, written - capacity)
        lost, losses, stop = self._lost_before(start, min(written, start + most))
        index = start % capacity
        head = min(stop - start, capacity - index)
        samples = np.concatenate((self._frames[index : index + head], self._frames[: stop - start - head]))
        self._barrier()
        # The writer may have overwritten the oldest of them in the meantime.
        intact = max(start, int(self._counts[_CLAIMED]) - capacity)
        if intact >= stop:  # a gap is reported together with the samples after it
            return samples[:0], written - self._read, 0
        gap = intact - self._read + lost
        self._read, self._losses_read = stop, losses
        return samples[intact - start :], written - stop, gap

    def _lost_before(self, start: int, stop: int) -> tuple[int, int, int]:
        """Return the frames lost up to `start`, the losses reported with them, and where to stop: at the next loss."""
        losses = int(self._counts[_LOSSES])
        self._barrier()
        seen = max(self._losses_read, losses - _LOSSES_KEPT)
        lost = 0
        while seen < losses:
            position, frames = map(int, self._losses[seen % _LOSSES_KEPT])
            if position > start:
                return lost, seen, min(stop, position)
            lost += frames
            seen += 1
        return lost, seen, stop

    def close(self) -> None:
        """Unmap the memory."""
        del self._counts, self._clock, self._losses, self._frames
        self._map.close()
