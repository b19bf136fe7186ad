"""Accuracy of the readings where the truth is known: share of time right, and how long a change takes to show."""

import math
import statistics
from collections import Counter

from edmlive.realtime.reading import Reading
from edmlive.taxonomy import agrees


class LiveScore:
    """Scores readings against the truth that they carry; those without one do not count.

    A reading without a genre, as while the model warms up, is not right.

    Attributes
    ----------
    readings, right
        Number of readings with a truth, and of those that are right, by true genre.
    delays
        For each change to music with other labels, the seconds from the moment it became the louder of two tracks to
        the first right reading; infinite if it ended before that. The first track counts as a change, the present one
        only once it shows or ends.
    """

    def __init__(self) -> None:
        self.readings: Counter[str] = Counter()
        self.right: Counter[str] = Counter()
        self.delays: list[float] = []
        self._genre: str | None = None
        self._awaited: float | None = None

    def push(self, reading: Reading) -> None:
        """Score a reading; readings come in the order of time."""
        truth = reading.truth
        if truth is None:
            return
        if self._genre is None or not agrees(self._genre, truth.genre):
            if self._awaited is not None:
                self.delays.append(math.inf)
            self._awaited = truth.start
        self._genre = truth.genre
        self.readings[truth.genre] += 1
        self.right[truth.genre] += bool(reading.right)
        if reading.right and self._awaited is not None:
            self.delays.append(max(0.0, reading.time - self._awaited))
            self._awaited = None

    @property
    def share_right(self) -> float | None:
        """Share of right readings, 0..1; ``None`` before the first."""
        return self.right.total() / self.readings.total() if self.readings else None

    @property
    def median_delay(self) -> float | None:
        """Median of `delays` in seconds; infinite if most changes never showed, ``None`` before the first."""
        return statistics.median_high(self.delays) if self.delays else None
