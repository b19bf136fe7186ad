"""Stretches of one genre, cleared of flicker, and what else happened in a night."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np

from edmlive.realtime.reading import State
from edmlive.report.session import Line, Session

SETTLING_SECONDS = 30.0
"""A genre heard for less within another one is flicker, as is one between two others for less than half of it."""

NOT_RUNNING = "not running"
_NOTICE_PAUSE_SECONDS = 10.0


@dataclass(frozen=True)
class Stretch:
    """A time in which one thing was heard.

    Parameters
    ----------
    start, end
        In seconds of the session.
    time
        Where it starts in the audio, in seconds, as `Reading.time`.
    run
        Which run of the session it is part of, from 0.
    genre
        The genre, or ``None``.
    state
        Why there is none: a `State`, or `NOT_RUNNING`; *listening* with a genre.
    confidence
        Mean over the readings that named the genre, 0..1.
    bpm
        Median tempo in beats per minute, where one was felt.
    level_dbfs
        Mean of the readings' levels; ``None`` where there are none.
    """

    start: float
    end: float
    time: float
    run: int
    genre: str | None
    state: str
    confidence: float | None = None
    bpm: float | None = None
    level_dbfs: float | None = None

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start

    @property
    def label(self) -> str:
        """The genre, or why there is none."""
        return self.genre or self.state


@dataclass(frozen=True)
class Event:
    """Something that a person may want to look into, from `start` to `end` in seconds of the session."""

    start: float
    end: float
    said: str


def find_stretches(session: Session) -> list[Stretch]:
    """Return the stretches of a session, in order, without a hole between them.

    Where genres follow each other without a break, the sequence returned is the one that disagrees with the readings
    for the least time, when each change costs as much as half of `SETTLING_SECONDS` of disagreement (Viterbi's
    algorithm for a Potts model). So flicker disappears, a lasting change stays where it was heard, and of genres that
    alternate quickly the commonest remains.
    """
    lines, at, until = session.lines, session.at, session.until
    run_of = np.searchsorted(session.runs, np.arange(len(lines)), side="right") - 1
    stretches: list[Stretch] = []
    for named, group in groupby(_pieces(session), key=lambda piece: lines[piece[0]].genre is not None):
        pieces = list(group)
        for broken in _unbroken(session, pieces):
            labels = [lines[start].genre or str(lines[start].state) for start, _ in broken]
            if named:
                labels = settle(labels, [float(until[stop - 1] - at[start]) for start, stop in broken])
            for label, same in groupby(zip(labels, broken, strict=True), key=lambda pair: pair[0]):
                spans = [span for _, span in same]
                start, stop = spans[0][0], spans[-1][1]
                if stretches and at[start] > stretches[-1].end:
                    stretches.append(_not_running(stretches[-1], float(at[start])))
                stretches.append(_stretch(session, int(run_of[start]), label, start, stop, named=named))
    return stretches


def settle(labels: Sequence[str], seconds: Sequence[float]) -> list[str]:
    """Return labels of consecutive pieces, each that long, cleared of flicker; see `find_stretches`."""
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


def transitions(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Return the stretches at which another genre began, the first genre included."""
    named = [stretch for stretch in stretches if stretch.genre is not None]
    return named[:1] + [after for before, after in pairwise(named) if after.genre != before.genre]


def shares(stretches: Sequence[Stretch]) -> dict[str, float]:
    """Return seconds by genre, the longest first."""
    total: dict[str, float] = {}
    for stretch in stretches:
        if stretch.genre is not None:
            total[stretch.genre] = total.get(stretch.genre, 0.0) + stretch.seconds
    return dict(sorted(total.items(), key=lambda pair: -pair[1]))


def find_events(session: Session) -> list[Event]:
    """Return gaps, returns of the input and notices, in order."""
    events: list[Event] = []
    notices: dict[str, Event] = {}
    for i, line in enumerate(session.lines):
        at, until = float(session.at[i]), float(session.until[i])
        if i not in session.runs:
            before = session.lines[i - 1].counts
            if line.counts.gaps > before.gaps:
                events.append(Event(at, at, f"Gap: {line.counts.frames_lost - before.frames_lost} frames lost"))
            if line.counts.reconnects > before.reconnects:
                events.append(Event(at, at, "The input came back"))
        elif i:
            events.append(Event(at, at, "Started again"))
        for said in line.notices:
            known = notices.get(said)
            if known is not None and at <= known.end + _NOTICE_PAUSE_SECONDS:
                notices[said] = Event(known.start, until, said)
                continue
            if known is not None:
                events.append(known)
            notices[said] = Event(at, until, said)
    return sorted([*events, *notices.values()], key=lambda event: event.start)


def _pieces(session: Session) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of lines that say the same and follow each other at once."""
    start = 0
    for i in range(1, len(session.lines)):
        if _said(session.lines[i]) != _said(session.lines[start]) or _broken(session, i):
            yield start, i
            start = i
    yield start, len(session.lines)


def _said(line: Line) -> tuple[str | None, State | None]:
    return line.genre, None if line.genre else line.state


def _broken(session: Session, i: int) -> bool:
    """Whether nothing was written for a while before a line, or edmlive was started again."""
    return i in session.runs or bool(session.at[i] > session.until[i - 1])


def _unbroken(session: Session, pieces: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Split pieces where something is missing between them."""
    block: list[tuple[int, int]] = []
    for piece in pieces:
        if block and _broken(session, piece[0]):
            yield block
            block = []
        block.append(piece)
    yield block


def _stretch(session: Session, run: int, label: str, start: int, stop: int, *, named: bool) -> Stretch:
    lines = session.lines[start:stop]
    sure = [line.confidence for line in lines if line.genre == label and line.confidence is not None]
    tempos = [line.bpm for line in lines if line.bpm is not None]
    return Stretch(
        start=float(session.at[start]),
        end=float(session.until[stop - 1]),
        time=lines[0].time,
        run=run,
        genre=label if named else None,
        state=State.LISTENING if named else label,
        confidence=float(np.mean(sure)) if named and sure else None,
        bpm=round(float(np.median(tempos)), 1) if named and tempos else None,
        level_dbfs=round(float(np.mean([line.level_dbfs for line in lines])), 1),
    )


def _not_running(before: Stretch, end: float) -> Stretch:
    return Stretch(before.end, end, before.time + before.seconds, before.run, None, NOT_RUNNING)
