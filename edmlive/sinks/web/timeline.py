"""The night so far, in stretches of the same state and genre."""

from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from edmlive.realtime.reading import Reading, State

KEPT = timedelta(hours=12)
MOST_STRETCHES = 4096
LONGEST_PAUSE = timedelta(seconds=90)
"""Longer without a reading (the longest hop is 60 s) nobody listened, as when the computer slept."""


@dataclass(frozen=True)
class Stretch:
    """A time in which state and genre were the same.

    Parameters
    ----------
    start, end
        By the computer's clock.
    state, genre
        As in `Reading`.
    bpm
        The last tempo in it, in beats per minute.
    """

    start: datetime
    end: datetime
    state: State
    genre: str | None
    bpm: float | None

    def to_dict(self) -> dict[str, str | float | None]:
        """Return the fields for JSON; times as in `Reading.clock`."""
        return {
            "start": self.start.isoformat(timespec="milliseconds"),
            "end": self.end.isoformat(timespec="milliseconds"),
            "state": self.state,
            "genre": self.genre,
            "bpm": self.bpm,
        }


class Timeline:
    """Keeps the stretches of the last `KEPT`, at most `MOST_STRETCHES` of them.

    Attributes
    ----------
    stretches
        Oldest first.
    """

    def __init__(self) -> None:
        self.stretches: deque[Stretch] = deque(maxlen=MOST_STRETCHES)

    def push(self, reading: Reading) -> None:
        """Lengthen the last stretch by a reading, or begin a new one where the last one ends."""
        now = datetime.fromisoformat(reading.clock)
        start = now
        if self.stretches and timedelta() <= now - self.stretches[-1].end <= LONGEST_PAUSE:
            last = self.stretches[-1]
            if (last.state, last.genre) == (reading.state, reading.genre):
                self.stretches[-1] = replace(last, end=now, bpm=reading.bpm or last.bpm)
                return
            start = last.end
        self.stretches.append(Stretch(start, now, reading.state, reading.genre, reading.bpm))
        while now - self.stretches[0].end > KEPT:
            self.stretches.popleft()
