"""Nights as `edmlive listen --json` would have written them."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from edmlive.realtime.reading import State
from tests.realtime.readings import reading, waiting

START = datetime.fromisoformat("2026-11-21T22:00:00.000+01:00")

Piece = tuple[str, float]


def lines(pieces: Sequence[Piece], start: float = 0.0, speed: float = 1.0, **fields: Any) -> Iterator[str]:
    """Give a line a second of each (genre or state, seconds), the clock `speed` times slower than the audio."""
    time = 0.0
    for label, seconds in pieces:
        for _ in range(round(seconds)):
            clock = (START + timedelta(seconds=start + time / speed)).isoformat(timespec="milliseconds")
            time += 1
            if label in list(State):
                yield waiting(time, state=State(label), clock=clock, **fields).to_json()
            else:
                yield reading(time, genre=label, clock=clock, **fields).to_json()


def write(path: Path, *parts: Iterator[str]) -> Path:
    path.write_text("".join(f"{line}\n" for part in parts for line in part))
    return path


def changed(line: str, **fields: Any) -> str:
    return json.dumps(json.loads(line) | fields)
