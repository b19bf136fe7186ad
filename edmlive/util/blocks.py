"""Blocks of a fixed length out of a stream that arrives in pieces of any length."""

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray


class BlockBuffer:
    """Fills one preallocated block after another.

    Parameters
    ----------
    block
        Array of shape (length, ...) to fill along its first axis. Its memory layout and dtype are the caller's choice.
    """

    def __init__(self, block: NDArray[Any]) -> None:
        self._block = block
        self._filled = 0

    @property
    def missing(self) -> int:
        """Samples that complete the present block, 1 to its length."""
        return len(self._block) - self._filled

    @property
    def partial(self) -> NDArray[Any]:
        """The samples of the incomplete block so far; a view."""
        return self._block[: self._filled]

    def clear(self) -> None:
        """Discard the incomplete block."""
        self._filled = 0

    def push(self, samples: NDArray[Any]) -> Iterator[tuple[NDArray[Any], NDArray[Any] | None]]:
        """Take samples of shape (n, ...), any n, and yield them again, cut where blocks end.

        Yields
        ------
        piece
            The next samples, a view.
        block
            The block that they complete, to be read before the next step; ``None`` where it is still incomplete.
        """
        while len(samples):
            piece, samples = samples[: self.missing], samples[self.missing :]
            end = self._filled + len(piece)
            self._block[self._filled : end] = piece
            self._filled = end % len(self._block)
            yield piece, None if self._filled else self._block
