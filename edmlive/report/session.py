"""Reads back what ``edmlive listen --json`` wrote, however it was interrupted."""

import json
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from edmlive.errors import UserError
from edmlive.realtime.reading import SCHEMA, State
from edmlive.sources.health import NOTHING_LOST, Counts

LONGEST_SECONDS = 1e7
_LIVE_SHARE = 0.9
_LEAST_HOLE_SECONDS = 10.0
_HOPS_IN_HOLE = 3
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC) - timedelta(days=1), datetime(9000, 1, 1, tzinfo=UTC)
_WRITERS = 8
"""How many may have written to one file at the same time."""

_NEVER_SET = datetime(2020, 1, 1, tzinfo=UTC)
"""A clock that shows less was not set, as on a Raspberry Pi that has not reached a time server yet."""


@dataclass(frozen=True)
class Line:
    """What a report needs from a JSON line; the fields are those of `Reading`."""

    schema: Literal[1]
    time: Annotated[float, Field(ge=0, le=LONGEST_SECONDS)]
    clock: Annotated[AwareDatetime, Field(ge=_EARLIEST, lt=_LATEST)]
    state: State
    level_dbfs: Annotated[float, Field(ge=-1000, le=1000)]
    genre: Annotated[str, Field(min_length=1)] | None
    confidence: Annotated[float, Field(ge=0, le=1)] | None
    bpm: Annotated[float, Field(gt=0, le=1000)] | None
    model: str
    family: Annotated[str, Field(min_length=1)] | None = None
    family_confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    counts: Counts = NOTHING_LOST
    notices: tuple[str, ...] = ()
    session: str = ""


@dataclass(frozen=True)
class Session:
    """One or more runs of ``edmlive listen``, one after another.

    Parameters
    ----------
    lines
        Every reading, in order; at least one.
    start
        When it began, by the clock of the computer that listened.
    at
        Time of each reading, float64, shape (lines,), in seconds since the first; never decreases.
    until
        When each ceases to hold, likewise: at the next one, or after the usual interval if the next is missing.
    runs
        Index of the first line of each run.
    live
        Whether `at` is clock time; otherwise audio was read faster than it plays, and `at` is time in the audio.
    skipped
        Which lines could not be read and why, one sentence each.
    """

    lines: list[Line]
    start: datetime
    at: NDArray[np.float64]
    until: NDArray[np.float64]
    runs: list[int]
    live: bool
    skipped: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Time from the first reading to the end of the last."""
        return float(self.until[-1])

    @property
    def counts(self) -> Counts:
        """What was lost, late or skipped in all runs together."""
        total = Counter[str]()
        for stop in [*self.runs[1:], len(self.lines)]:
            total.update(vars(self.lines[stop - 1].counts))
        return Counts(**total)

    def moment(self, at: float) -> datetime:
        """Return the date and time at a second of the session, with the UTC offset that was in force."""
        line = self.lines[max(int(np.searchsorted(self.at, at, "right")) - 1, 0)]
        return (self.start + timedelta(seconds=float(at))).astimezone(line.clock.tzinfo)


def read_session(paths: Iterable[Path]) -> Session:
    """Read the files of a session, in the order of their first readings.

    Parameters
    ----------
    paths
        Files of JSON lines. Lines that are truncated or of another version are skipped and reported.

    Raises
    ------
    UserError
        A file cannot be read, or none contains a reading.
    """
    files: list[list[Line]] = []
    skipped: list[str] = []
    for path in paths:
        lines, faults = _read(path)
        skipped += faults
        if lines:
            files.append(lines)
    if not files:
        reason = f" {skipped[0]}" if skipped else ""
        raise UserError(f"There is no reading to report: give files written by 'edmlive listen --json FILE'.{reason}")
    files.sort(key=lambda lines: lines[0].clock)
    return _session([line for lines in files for line in lines], skipped)


def _read(path: Path) -> tuple[list[Line], list[str]]:
    lines: list[Line] = []
    faults: dict[str, list[int]] = {}
    try:
        with path.open("rb") as file:
            for number, text in enumerate(_lines_in_utf8(file), 1):
                try:
                    lines.append(_reader().validate_json(text))
                except ValidationError:
                    if text.strip():
                        faults.setdefault(_fault(text), []).append(number)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({(error.strerror or str(error)).lower()}).") from None
    return lines, [
        f"{path}: line {numbers[0]} {f'and {len(numbers) - 1} more ' if numbers[1:] else ''}skipped: {fault}."
        for fault, numbers in faults.items()
    ]


def _lines_in_utf8(file: BinaryIO) -> Iterable[bytes]:
    """Return the lines of a file that may have been through an editor or a shell that saves UTF-16 or a mark first."""
    start = file.read(3)
    file.seek(3 if start == BOM_UTF8 else 0)
    if start[:2] not in (BOM_UTF16_LE, BOM_UTF16_BE):
        return file
    return (line.encode(errors="replace") for line in TextIOWrapper(file, "utf-16", errors="replace"))


@cache
def _reader() -> TypeAdapter[Line]:
    return TypeAdapter(Line)


def _fault(text: bytes) -> str:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return "truncated or not JSON"
    version = answer.get("schema", 0) if isinstance(answer, dict) else SCHEMA
    if isinstance(version, int) and version > SCHEMA:
        return f"written by a newer edmlive (schema {version}, this one reads {SCHEMA}); use that one for the report"
    if version == 0:
        return f"written by an older edmlive, without a clock (this one reads schema {SCHEMA})"
    return "not a reading"


def _session(lines: list[Line], skipped: list[str]) -> Session:
    kept = _apart(_runs(lines))
    other = len(lines) - sum(map(len, kept))
    if other:
        skipped = [
            *skipped,
            f"{other} readings skipped: another edmlive wrote them to the same file at the same time.",
        ]
    origin = kept[-1][0].clock
    timed = [_times(run, origin) for run in kept]
    for (at, step, _), (after, _, _), run in reversed([*zip(timed, timed[1:], kept, strict=False)]):
        if run[-1].clock < _NEVER_SET:
            at += after[0] - step - at[-1]
    ends: list[NDArray[np.float64]] = []
    for at, step, _ in timed:
        if ends:
            at += max(0.0, ends[-1][-1] - at[0])
        steps = np.diff(at)
        holds = np.where(steps > max(_LEAST_HOLE_SECONDS, _HOPS_IN_HOLE * step), step, steps)
        ends.append(at + np.append(holds, step))
    first = timed[0][0][0]
    return Session(
        lines=[line for run in kept for line in run],
        start=(origin + timedelta(seconds=float(first))).astimezone(kept[0][0].clock.tzinfo),
        at=np.concatenate([at for at, _, _ in timed]) - first,
        until=np.concatenate(ends) - first,
        runs=np.cumsum([0, *map(len, kept[:-1])]).tolist(),
        live=all(live for _, _, live in timed),
        skipped=skipped,
    )


def _runs(lines: list[Line]) -> list[dict[int, Line]]:
    """Return the lines of each run by their index, in the order in which the runs began.

    Runs are told apart by their identifiers, and where an older edmlive wrote none, by the time in the audio, which
    never goes back, and keeps pace with the clock.
    """
    runs: list[dict[int, Line]] = []
    newest: list[Line] = []
    for index, line in enumerate(lines):
        recent = range(max(0, len(runs) - _WRITERS), len(runs))
        candidates = [k for k in recent if _may_continue(newest[k], line)]
        if candidates:
            best = min(candidates, key=lambda k: abs(_gained(newest[k], line)))
            runs[best][index] = line
            newest[best] = line
        else:
            runs.append({index: line})
            newest.append(line)
    return runs


def _may_continue(before: Line, after: Line) -> bool:
    return before.session == after.session and (bool(after.session) or before.time <= after.time)


def _apart(runs: list[dict[int, Line]]) -> list[list[Line]]:
    """Return the runs that follow each other; of those that overlap, the longest."""
    kept: list[dict[int, Line]] = []
    for run in sorted(runs, key=len, reverse=True):
        first, last = next(iter(run)), next(reversed(run))
        if all(last < next(iter(other)) or first > next(reversed(other)) for other in kept):
            kept.append(run)
    return [list(run.values()) for run in sorted(kept, key=lambda run: next(iter(run)))]


def _gained(before: Line, after: Line) -> float:
    """Return the seconds that the clock gained on the audio between two lines."""
    return (after.clock - before.clock).total_seconds() - (after.time - before.time)


def _times(run: list[Line], origin: datetime) -> tuple[NDArray[np.float64], float, bool]:
    """Return when each line of a run was written, the usual interval, both in seconds, and whether the run is live.

    Where the clock was set, the audio tells how long the interval was, and the clock as it was last is right.
    """
    time = np.array([line.time for line in run])
    clock = np.array([(line.clock - origin).total_seconds() for line in run])
    heard, steps = np.diff(time), np.diff(clock)
    lost = np.array([_lost(before, after) for before, after in pairwise(run)], bool)
    clock_was_set = (steps < -_LEAST_HOLE_SECONDS) | ((steps - heard > _LEAST_HOLE_SECONDS) & ~lost)
    steps = np.where(clock_was_set, heard, steps)
    live = bool(steps.sum() >= _LIVE_SHARE * heard.sum())
    if not live:
        steps = heard
    start = clock[-1] - steps.sum() if live else clock[0]
    at = np.maximum.accumulate(start + np.concatenate([[0.0], np.cumsum(steps)]))
    return at, float(np.median(steps)) if len(steps) else 1.0, live


def _lost(before: Line, after: Line) -> bool:
    """Whether audio was lost between two lines, so that the clock may rightly have gained on it."""
    counted = (after.counts.gaps, after.counts.reconnects) != (before.counts.gaps, before.counts.reconnects)
    return counted or State.NO_INPUT in (before.state, after.state)
