"""Segments of a session: periods with one genre, or with one reason for having none."""

from dataclasses import dataclass
from datetime import datetime

from edmlive.realtime.reading import in_words


@dataclass(frozen=True)
class Segment:
    """A period in which state and genre were the same.

    Parameters
    ----------
    start, end
        By the computer's clock.
    time
        Where it starts in the audio, in seconds, as `Reading.time`.
    state
        A `State`, *unsure* if most of the readings were, or another reason why there is no genre.
    genre
        The genre, or ``None``.
    bpm
        Tempo in beats per minute, or ``None`` if there was none.
    confidence
        Mean over the readings that named the genre, 0..1.
    level_dbfs
        Mean of the readings' levels; ``None`` without readings.
    family, family_confidence
        The commonest family of the readings that named the genre, and its mean confidence, 0..1; ``None`` without one.
    """

    start: datetime
    end: datetime
    time: float
    state: str
    genre: str | None = None
    bpm: float | None = None
    confidence: float | None = None
    level_dbfs: float | None = None
    family: str | None = None
    family_confidence: float | None = None

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end - self.start).total_seconds()

    @property
    def label(self) -> str:
        """The genre, or why there is none."""
        return self.genre or self.state

    @property
    def answer(self) -> str:
        """The genre, the family where that is surer than an unsure genre, or why there is neither."""
        return in_words(self.state, self.genre, self.confidence, self.family, self.family_confidence)
