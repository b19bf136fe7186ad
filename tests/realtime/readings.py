"""Readings as an engine might give them."""

from typing import Any

from edmlive.realtime.reading import Candidate, Reading, State
from edmlive.sources.audio import Playing

LABELS = ("Techno", "House", "Trance", "Dubstep", "Drum & Bass", "Hardcore")


def reading(time: float = 1.0, **fields: Any) -> Reading:
    top = tuple(Candidate(label, (6 - i) / 21) for i, label in enumerate(LABELS))
    heard: dict[str, Any] = {
        "time": time,
        "state": State.LISTENING,
        "level_dbfs": -12.5,
        "genre": "Techno",
        "confidence": 6 / 21,
        "top": top,
        "votes": {"Techno": 2, "House": 1},
        "bpm": 128.0,
        "seconds": 12.0,
        "model": "small",
        "latency": 0.01,
    }
    return Reading(**heard | fields)


def unsure(time: float = 1.0, **fields: Any) -> Reading:
    """A reading whose family is surer than its genre."""
    return reading(time, **{"state": State.UNSURE, "family": "Club", "family_confidence": 0.75} | fields)


def truth(genre: str = "hardcore-hard-techno", bpm: float = 127.5, start: float = 0.0) -> Playing:
    return Playing(genre, bpm, start)


def waiting(time: float = 1.0, state: State = State.WARMING_UP, **fields: Any) -> Reading:
    return reading(time, state=state, genre=None, confidence=None, top=(), votes={}, bpm=None, **fields)
