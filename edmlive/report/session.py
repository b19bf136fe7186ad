"""Reads back what ``edmlive listen --json`` wrote, however it was interrupted."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

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


@dataclass(frozen=True)
class Line:
    """What a report needs from a JSON line; the fields are those of `Reading`."""

    schema: Literal[1]
    time: Annotated[float, Field(ge=0, le=LONGEST_SECONDS)]
    clock: AwareDatetime
    state: State
    level_dbfs: Annotated[float, Field(ge=-1000, le=1000)]
    genre: Annotated[str, Field(min_length=1)] | None
    confidence: Annotated[float, Field(ge=0, le=1)] | None
    bpm: Annotated[float, Field(gt=0, le=1000)] | None
    model: str
    counts: Counts = NOTHING_LOST
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Session:
    """One or more runs of ``edmlive listen``, one after another.

    Parameters
    ----------
    lines
        Every reading, in order; at least one.
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
    at: NDArray[np.float64]
    until: NDArray[np.float64]
    runs: list[int]
    live: bool
    skipped: list[str] = field(default_factory=list)

    @property
    def start(self) -> datetime:
        """When it began, by the clock of the computer that listened."""
        return self.lines[0].clock

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
        """Return the date and time at a second of the session."""
        return self.start + timedelta(seconds=at)


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
            for number, text in enumerate(file, 1):
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
    runs = [0, *(i for i, (last, next_) in enumerate(pairwise(lines), 1) if next_.time < last.time)]
    origin = lines[0].clock
    at: list[NDArray[np.float64]] = []
    until: list[NDArray[np.float64]] = []
    live = True
    for start, stop in pairwise([*runs, len(lines)]):
        run = lines[start:stop]
        clock = np.array([(line.clock - origin).total_seconds() for line in run])
        time = np.array([line.time for line in run])
        if clock[-1] - clock[0] < _LIVE_SHARE * (time[-1] - time[0]):
            live = False
            clock = clock[0] + time - time[0]
        if at:
            clock += max(0.0, until[-1][-1] - clock[0])
        clock = np.maximum.accumulate(clock)  # a clock that is set back must not reverse the session
        steps = np.diff(clock)
        step = float(np.median(steps)) if len(steps) else 1.0
        holds = np.where(steps > max(_LEAST_HOLE_SECONDS, _HOPS_IN_HOLE * step), step, steps)
        at.append(clock)
        until.append(clock + np.append(holds, step))
    return Session(lines, np.concatenate(at), np.concatenate(until), runs, live, skipped)
