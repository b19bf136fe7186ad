"""A ring buffer whose newest rows are always one contiguous view."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class History:
    """The newest rows of a stream of values.

    Each row is written twice, `capacity` rows apart, so that any number of the newest is one view.

    Parameters
    ----------
    capacity
        Rows kept, at least 1.
    shape
        Shape of a row; ``()`` for one number.
    dtype
        Type of the values.

    Attributes
    ----------
    count
        Rows since the start or the last reset.
    """

    def __init__(self, capacity: int, shape: tuple[int, ...] = (), dtype: DTypeLike = np.float64) -> None:
        self._capacity = capacity
        self._rows = np.zeros((2 * capacity, *shape), dtype)
        self.count = 0

    def push(self, rows: NDArray[Any]) -> None:
        """Append rows along the first axis."""
        kept = rows[-self._capacity :]
        first = (self.count + len(rows) - len(kept)) % self._capacity
        head = min(len(kept), self._capacity - first)
        for half in (self._rows[: self._capacity], self._rows[self._capacity :]):
            half[first : first + head] = kept[:head]
            half[: len(kept) - head] = kept[head:]
        self.count += len(rows)

    def newest(self, length: int) -> NDArray[Any]:
        """Return the newest ``length`` rows, or all that are kept, oldest first."""
        length = min(length, self.count, self._capacity)
        end = (self.count - 1) % self._capacity + 1 + self._capacity
        return self._rows[end - length : end]

    def span(self, first: int, end: int) -> NDArray[Any]:
        """Return rows ``first`` to ``end`` (exclusive), counted from the start; they must still be kept."""
        return self.newest(self.count - first)[: end - first]

    def at(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return single rows, counted from the start; they must still be kept."""
        return self._rows[rows % self._capacity]

    def reset(self) -> None:
        """Forget all rows."""
        self.count = 0
