"""How the input fares: its liveness, and counts of everything that was lost, late or left out."""

from dataclasses import dataclass
from enum import StrEnum


class Liveness(StrEnum):
    """Whether audio arrives."""

    STARTING = "starting"
    HEALTHY = "healthy"
    STALLED = "stalled"
    RECOVERING = "recovering"
    FAILED = "failed"


@dataclass(frozen=True)
class Counts:
    """What happened since the start.

    Parameters
    ----------
    decisions
        Times the model was run.
    decisions_skipped
        Decisions left out because the computer did not keep up; their audio was heard all the same.
    gaps, frames_lost
        Interruptions of the audio, and the frames lost in them, at the source's rate.
    overflows
        How often the sound system said that it dropped input; a hint, no more.
    reconnects
        How often the input came back after it was lost.
    readings_dropped
        Readings that a slow or dead sink had no time for.
    """

    decisions: int = 0
    decisions_skipped: int = 0
    gaps: int = 0
    frames_lost: int = 0
    overflows: int = 0
    reconnects: int = 0
    readings_dropped: int = 0


NOTHING_LOST = Counts()
"""The counts at the start."""
