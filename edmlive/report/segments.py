"""Segments of one genre, cleared of flicker, and whatever else happened during a session."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise

import numpy as np

from edmlive.realtime.reading import State
from edmlive.realtime.segment import Segment
from edmlive.report.session import Session

SETTLING_SECONDS = 30.0
"""A genre heard for less time within another one is flicker, as is one heard between two others for less than half."""

NOT_RUNNING = "not running"
_NOTICE_PAUSE = timedelta(seconds=10)


@dataclass(frozen=True)
class Event:
    """Something a person may want to look into."""

    start: datetime
    end: datetime
    text: str


def find_segments(session: Session) -> list[Segment]:
    """Return the segments of a session, in order and without holes.

    Where genres follow each other without a break, the sequence returned is the one that disagrees with the readings
    for the shortest time when each change costs as much as disagreeing for half of `SETTLING_SECONDS` (Viterbi's
    algorithm for a Potts model). So flicker disappears, a lasting change stays where it was heard, and of genres that
    alternate quickly the most common remains.
    """
    segments: list[Segment] = []
    for start, stop in _blocks(session):
        if segments and session.moment(session.at[start]) > segments[-1].end:
            segments.append(_not_running(segments[-1], session.moment(session.at[start])))
        if session.lines[start].genre is None:
            segments.append(_segment(session, start, stop, None))
        else:
            segments += [_segment(session, a, b, genre) for genre, a, b in _settled(session, start, stop)]
    return segments


def settle(labels: Sequence[str], seconds: Sequence[float]) -> list[str]:
    """Return the labels of consecutive pieces, each so many seconds long, cleared of flicker; see `find_segments`."""
    names = sorted(set(labels))
    codes = np.array([names.index(label) for label in labels])
    change = SETTLING_SECONDS / 2
    cost = np.zeros(len(names))
    came_from = np.empty((len(labels), len(names)), np.int32)
    stay = np.arange(len(names), dtype=np.int32)
    for i, (code, length) in enumerate(zip(codes, seconds, strict=True)):
        best = int(cost.argmin())
        came_from[i] = np.where(cost <= cost[best] + change, stay, best)
        cost = np.minimum(cost, cost[best] + change) + length
        cost[code] -= length
    path = [int(cost.argmin())]
    for row in came_from[:0:-1]:
        path.append(int(row[path[-1]]))
    return [names[code] for code in reversed(path)]


def transitions(segments: Sequence[Segment]) -> list[Segment]:
    """Return the segments with which another genre began, the first genre included."""
    named = [segment for segment in segments if segment.genre is not None]
    return named[:1] + [after for before, after in pairwise(named) if after.genre != before.genre]


def shares(segments: Sequence[Segment]) -> dict[str, float]:
    """Return the seconds of each genre, the longest first."""
    return _seconds((segment.genre, segment.seconds) for segment in segments)


def family_shares(segments: Sequence[Segment]) -> dict[str, float]:
    """Return the seconds of each family, the longest first."""
    return _seconds((segment.family, segment.seconds) for segment in segments)


def _seconds(pairs: Iterable[tuple[str | None, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for name, seconds in pairs:
        if name is not None:
            total[name] = total.get(name, 0.0) + seconds
    return dict(sorted(total.items(), key=lambda pair: -pair[1]))


def find_events(session: Session) -> list[Event]:
    """Return gaps, reconnections, restarts and notices, in order."""
    return sorted([*_interruptions(session), *_notices(session)], key=lambda event: event.start)


def _blocks(session: Session) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of lines that follow each other without a break and all name genres, or the same state."""
    states = [None if line.genre else line.state for line in session.lines]
    edges = [i for i in range(1, len(states)) if states[i] != states[i - 1] or _breaks(session, i)]
    yield from pairwise([0, *edges, len(states)])


def _breaks(session: Session, i: int) -> bool:
    """Whether edmlive was restarted before a line, or wrote nothing for a while."""
    return i in session.runs or bool(session.at[i] > session.until[i - 1])


def _settled(session: Session, start: int, stop: int) -> Iterator[tuple[str, int, int]]:
    """Yield (genre, start, stop) of the segments of a block of genres."""
    genres = [line.genre or "" for line in session.lines[start:stop]]
    edges = [start, *(start + i for i in range(1, len(genres)) if genres[i] != genres[i - 1])]
    pieces = list(pairwise([*edges, stop]))
    lengths = [float(session.until[b - 1] - session.at[a]) for a, b in pieces]
    labels = settle([genres[edge - start] for edge in edges], lengths)
    for genre, group in groupby(zip(labels, pieces, strict=True), key=lambda pair: pair[0]):
        spans = [span for _, span in group]
        yield genre, spans[0][0], spans[-1][1]


def _segment(session: Session, start: int, stop: int, genre: str | None) -> Segment:
    lines = session.lines[start:stop]
    naming = [line for line in lines if genre and line.genre == genre]
    confidences = [line.confidence for line in naming if line.confidence is not None]
    families = Counter(line.family for line in naming if line.family is not None)
    family = families.most_common(1)[0][0] if families else None
    sums = [line.family_confidence for line in naming if line.family == family and line.family_confidence is not None]
    unsure = sum(line.state is State.UNSURE for line in naming) > len(naming) / 2
    tempos = [line.bpm for line in lines if genre and line.bpm is not None]
    return Segment(
        start=session.moment(session.at[start]),
        end=session.moment(session.until[stop - 1]),
        time=lines[0].time,
        state=(State.UNSURE if unsure else State.LISTENING) if genre else lines[0].state,
        genre=genre,
        bpm=round(float(np.median(tempos)), 1) if tempos else None,
        confidence=float(np.mean(confidences)) if confidences else None,
        level_dbfs=round(float(np.mean([line.level_dbfs for line in lines])), 1),
        family=family,
        family_confidence=float(np.mean(sums)) if sums else None,
    )


def _not_running(before: Segment, end: datetime) -> Segment:
    return Segment(before.end, end, before.time + before.seconds, NOT_RUNNING)


def _interruptions(session: Session) -> Iterator[Event]:
    for i, (before, after) in enumerate(pairwise(session.lines), 1):
        now = session.moment(session.at[i])
        if i in session.runs:
            yield Event(now, now, "Restarted")
            continue
        if after.counts.gaps > before.counts.gaps:
            yield Event(now, now, f"Gap: {after.counts.frames_lost - before.counts.frames_lost} frames lost")
        if after.counts.reconnects > before.counts.reconnects:
            yield Event(now, now, "Input reconnected")


def _notices(session: Session) -> Iterator[Event]:
    """Yield each notice once for as long as it lasts, short pauses included."""
    current: dict[str, Event] = {}
    for line, at, until in zip(session.lines, session.at, session.until, strict=True):
        for text in line.notices:
            start, end = session.moment(at), session.moment(until)
            known = current.get(text)
            if known is not None and start <= known.end + _NOTICE_PAUSE:
                start = known.start
            elif known is not None:
                yield known
            current[text] = Event(start, end, text)
    yield from current.values()
