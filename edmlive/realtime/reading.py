"""The answers: one reading per decision, one track summary per file."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from edmlive.sources.audio import Playing
from edmlive.sources.health import NOTHING_LOST, Counts, Liveness
from edmlive.taxonomy import agrees


class State(StrEnum):
    """What is known of the music.

    Examples
    --------
    >>> import edmlive
    >>> with edmlive.open_source("track.flac") as source:
    ...     sure = [r for r in edmlive.listen(source) if r.state is edmlive.State.LISTENING]
    >>> {reading.genre for reading in sure}
    {'Dubstep'}
    """

    NO_INPUT = "no input"
    WARMING_UP = "warming up"
    LISTENING = "listening"
    SILENCE = "silence"
    UNSURE = "unsure"
    UNKNOWN = "unknown"


FAMILY_LEAD = 0.1
"""How much surer than an unsure genre a family has to be to be shown in its place."""


def in_words(
    state: str, genre: str | None, confidence: float | None, family: str | None, family_confidence: float | None
) -> str:
    """Return the genre, the family where that is surer than an unsure genre, or the state where there is neither."""
    if genre is None:
        return str(state)
    lead = (family_confidence or 0.0) - (confidence or 0.0)
    says_more = state == State.UNSURE and family not in (None, genre) and lead > FAMILY_LEAD
    return f"{family}, perhaps {genre}" if says_more else genre


@dataclass(frozen=True)
class Candidate:
    """A genre and its mean probability over the votes, 0..1."""

    genre: str
    confidence: float


@dataclass(frozen=True)
class TempoCandidate:
    """A tempo in beats per minute and its probability, 0..1."""

    bpm: float
    probability: float


@dataclass(frozen=True)
class Reading:
    """What is known about the music at one moment.

    Parameters
    ----------
    time
        Seconds of audio since the source was opened.
    state
        No input, warming up, listening, silence, unsure, or unknown: no music, or none that the model knows.
    level_dbfs
        RMS level of the newest audio in dBFS; digital silence reads -120.
    genre
        Winner of the vote; ``None`` without input, while warming up, in silence and for what is unknown.
    confidence
        Its mean probability over the votes, 0..1.
    top
        All genres, the winner first, then by mean probability.
    votes
        Number of votes by genre.
    family
        Family of subgenres with the highest sum of probabilities; ``None`` where there is no genre, and for models
        whose labels have no family.
    family_confidence
        That sum, 0..1.
    set
        The fewest genres that hold the right one in 90 % of cases, likeliest first; empty where there is no genre,
        and for models without that figure.
    mixing
        Whether two tracks overlap, or one has just replaced the other.
    bpm
        Tempo in beats per minute, to 0.1; ``None`` if the music has none.
    bpm_candidates
        Tempi that the music may have, likeliest first; their probabilities sum to at most 1. Empty in this version.
    seconds
        Seconds of audio that the newest decision was based on.
    model
        The model's name.
    latency
        Seconds between the capture of the newest sample and this reading, on the monotonic clock.
    truth
        What was playing, if the source knows: genre, tempo, and since which second of the audio.
    clock
        Wall-clock time at which the newest sample was captured: ISO 8601 with UTC offset, to milliseconds.
    liveness
        Whether the input delivers audio; in the state *no input* it does not.
    counts
        Everything lost, late or skipped since the start.
    notices
        Current problems for a person to fix, such as clipping or a dead cable, one sentence each.
    session
        Identifier of the run of `edmlive listen` that the reading is from; empty outside of one.

    Examples
    --------
    >>> import edmlive
    >>> with edmlive.open_source("track.flac") as source:
    ...     *_, reading = edmlive.listen(source)
    >>> print(f"{reading.time:.0f} s: {reading.genre}, {reading.bpm:.0f} BPM")
    40 s: Dubstep, 141 BPM
    >>> reading.votes
    {'Dubstep': 5}
    """

    time: float
    state: State
    level_dbfs: float
    genre: str | None
    confidence: float | None
    top: tuple[Candidate, ...]
    votes: dict[str, int]
    bpm: float | None
    seconds: float
    model: str
    latency: float
    family: str | None = None
    family_confidence: float | None = None
    set: tuple[str, ...] = ()
    mixing: bool = False
    bpm_candidates: tuple[TempoCandidate, ...] = ()
    truth: Playing | None = None
    clock: str = ""
    liveness: Liveness = Liveness.HEALTHY
    counts: Counts = NOTHING_LOST
    notices: tuple[str, ...] = ()
    session: str = ""

    @property
    def answer(self) -> str:
        """The genre, the family where that is surer than an unsure genre, or the state where there is neither."""
        return in_words(self.state, self.genre, self.confidence, self.family, self.family_confidence)

    @property
    def right(self) -> bool | None:
        """Whether the genre agrees with the true one; ``None`` if the truth is not known."""
        if self.truth is None:
            return None
        return self.genre is not None and agrees(self.genre, self.truth.genre)

    def to_json(self) -> str:
        """Return the reading as one line of JSON."""
        return _to_json(self)


@dataclass(frozen=True)
class Track:
    """The result for a whole file: the majority over all its decisions.

    Parameters
    ----------
    path
        The file or URL.
    state
        Listening; unsure: the confidence is too low, or the file ends before the model has warmed up; or unknown: as
        a whole it is no music, or none that the model knows.
    genre, confidence, top, family, family_confidence, set
        As in `Reading`, over every decision of the track.
    bpm
        Median tempo over the track in beats per minute, to 0.1; ``None`` if it has none.
    bpm_candidates
        Tempi that the track may have, likeliest first. Empty in this version.
    seconds
        Length of the audio that was decoded.
    model
        The model's name.
    fault
        Where and how the file is broken, if it is.

    Examples
    --------
    >>> import edmlive
    >>> track = edmlive.classify("track.flac")
    >>> print(f"{track.path}: {track.genre}, {track.bpm:.0f} BPM, {track.seconds:.0f} s")
    track.flac: Dubstep, 141 BPM, 40 s
    >>> track.to_json()
    '{"schema": 1, "path": "track.flac", "state": "listening", "genre": "Dubstep", ...}'
    """

    path: str
    state: State
    genre: str | None
    confidence: float | None
    top: tuple[Candidate, ...]
    bpm: float | None
    seconds: float
    model: str
    family: str | None = None
    family_confidence: float | None = None
    set: tuple[str, ...] = ()
    bpm_candidates: tuple[TempoCandidate, ...] = ()
    fault: str | None = None

    @property
    def answer(self) -> str:
        """The genre, the family where that is surer than an unsure genre, or the state where there is neither."""
        return in_words(self.state, self.genre, self.confidence, self.family, self.family_confidence)

    def to_json(self) -> str:
        """Return the summary as one line of JSON."""
        return _to_json(self)


TOP_COUNT = 5

_DIGITS = {
    "time": 3,
    "seconds": 3,
    "latency": 4,
    "level_dbfs": 2,
    "confidence": 4,
    "family_confidence": 4,
    "bpm": 1,
    "probability": 4,
}
"""Decimal places in JSON: as many as mean something."""

SCHEMA = 1
"""Version of a JSON line's fields. Adding a field keeps it; removing one or changing its meaning raises it."""


def _to_json(answer: Reading | Track) -> str:
    fields: dict[str, Any] = {"schema": SCHEMA, **_rounded(vars(answer))}
    fields["top"] = [_rounded(vars(candidate)) for candidate in answer.top[:TOP_COUNT]]
    fields["bpm_candidates"] = [_rounded(vars(candidate)) for candidate in answer.bpm_candidates]
    return json.dumps(fields, default=vars, ensure_ascii=False, allow_nan=False)


def _rounded(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, _DIGITS[name]) if name in _DIGITS and value is not None else value
        for name, value in fields.items()
    }
