"""The night so far, as segments of the same state and genre."""

from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta

from edmlive.realtime.reading import Reading
from edmlive.realtime.segment import Segment

KEPT = timedelta(hours=12)
MOST_SEGMENTS = 4096
LONGEST_PAUSE = timedelta(seconds=90)
"""After a longer pause between readings (the longest hop is 60 s) nobody was listening: the computer slept, say."""


class Timeline:
    """Keeps the segments of the last `KEPT`, at most `MOST_SEGMENTS` of them.

    Attributes
    ----------
    segments
        Oldest first; the tempo of each is its last one.
    """

    def __init__(self) -> None:
        self.segments: deque[Segment] = deque(maxlen=MOST_SEGMENTS)

    def push(self, reading: Reading) -> None:
        """Extend the last segment to a reading, or start a new one where the last one ends."""
        now = datetime.fromisoformat(reading.clock)
        start = now
        if self.segments and timedelta() <= now - self.segments[-1].end <= LONGEST_PAUSE:
            last = self.segments[-1]
            if (last.state, last.genre) == (reading.state, reading.genre):
                self.segments[-1] = replace(last, end=now, bpm=reading.bpm or last.bpm)
                return
            start = last.end
        self.segments.append(Segment(start, now, reading.time, reading.state, reading.genre, reading.bpm))
        while now - self.segments[0].end > KEPT:
            self.segments.popleft()

    def to_json(self) -> list[dict[str, str | float | None]]:
        """Return the segments for JSON; times as in `Reading.clock`."""
        return [
            {
                "start": segment.start.isoformat(timespec="milliseconds"),
                "end": segment.end.isoformat(timespec="milliseconds"),
                "state": segment.state,
                "genre": segment.genre,
                "bpm": segment.bpm,
            }
            for segment in self.segments
        ]
