"""A ring of audio in shared memory: one process writes, another reads, neither waits for the other."""

import mmap
import os
import tempfile
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

_HEADER_BYTES = 64
_CLAIMED, _WRITTEN, _OVERFLOWS = range(3)
_CAPTURED_AT = 3


def shared_file() -> BinaryIO:
    """Return a file for `AudioRing` that has no name: when its last holder dies, it is gone."""
    folder = Path("/dev/shm")
    return tempfile.TemporaryFile(dir=folder if folder.is_dir() and os.access(folder, os.W_OK) else None)


class AudioRing:
    """Float32 audio in memory shared through an open file.

    The writer announces how far it will write, copies the samples, and publishes the running count of frames after
    them; the reader reads that count, copies, and looks at the announcement to see whether it was overtaken.

    Parameters
    ----------
    descriptor
        Open file, as `shared_file` makes. The writer passes ``create=True``, before the reader maps it.
    frames, channels
        Capacity in frames, and samples in a frame. Both sides must agree.
    """

    def __init__(self, descriptor: int, frames: int, channels: int, *, create: bool = False) -> None:
        size = _HEADER_BYTES + 4 * frames * channels
        if create:
            os.ftruncate(descriptor, size)
        self._map = mmap.mmap(descriptor, size)
        self._counts: NDArray[np.int64] = np.ndarray(3, np.int64, self._map)
        self._times: NDArray[np.float64] = np.ndarray(4, np.float64, self._map)
        self._frames: NDArray[np.float32] = np.ndarray((frames, channels), np.float32, self._map, _HEADER_BYTES)
        self._read = 0

    def write(self, samples: NDArray[np.float32], captured_at: float) -> None:
        """Append (n, channels) samples, n at most the capacity, the last captured at that monotonic time."""
        capacity = len(self._frames)
        written = int(self._counts[_WRITTEN])
        start = written % capacity
        head = min(len(samples), capacity - start)
        self._counts[_CLAIMED] = written + len(samples)
        self._frames[start : start + head] = samples[:head]
        self._frames[: len(samples) - head] = samples[head:]
        self._times[_CAPTURED_AT] = captured_at
        self._counts[_WRITTEN] = written + len(samples)

    def count_overflow(self) -> None:
        """Note that the sound system said it dropped input."""
        self._counts[_OVERFLOWS] += 1

    @property
    def overflows(self) -> int:
        """How often the sound system said it dropped input: a hint, neither a count of frames nor reliable."""
        return int(self._counts[_OVERFLOWS])

    @property
    def captured_at(self) -> float:
        """Monotonic time of the newest sample, in seconds; 0 before the first."""
        return float(self._times[_CAPTURED_AT])

    def read(self, most: int) -> tuple[NDArray[np.float32], int, int]:
        """Take up to `most` frames, the oldest unread first.

        Returns
        -------
        samples
            A copy, shape (n, channels); n is 0 when there is nothing new.
        backlog
            Frames written and still unread after this call.
        gap
            Frames overwritten before they could be read; they came before `samples`.
        """
        capacity = len(self._frames)
        written = int(self._counts[_WRITTEN])
        start = max(self._read, written - capacity)
        stop = min(written, start + most)
        index = start % capacity
        head = min(stop - start, capacity - index)
        samples = np.concatenate((self._frames[index : index + head], self._frames[: stop - start - head]))
        # What the writer overtook while we copied is no longer what it was.
        intact = max(start, int(self._counts[_CLAIMED]) - capacity)
        if intact >= stop:  # a gap is told together with the samples after it
            return samples[:0], written - self._read, 0
        gap = intact - self._read
        self._read = stop
        return samples[intact - start :], written - stop, gap

    def close(self) -> None:
        """Unmap the memory."""
        del self._counts, self._times, self._frames
        self._map.close()
