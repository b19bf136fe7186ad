"""The picture of a session as SVG: a lane for each genre, the tempo and the level, over time."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from edmlive.errors import UserError
from edmlive.realtime.reading import State
from edmlive.realtime.segment import Segment
from edmlive.report.segments import NOT_RUNNING, find_events, shares
from edmlive.report.session import Session
from edmlive.util.page import render
from edmlive.util.timecode import clock

WIDTH = 1200
_LEFT, _RIGHT, _TOP = 210, 1140, 46
_LANE, _TEMPO, _LEVEL, _SPACE = 20, 130, 70, 24
_COLUMNS = _RIGHT - _LEFT
_QUIETEST_DBFS = -60.0
_TICK_SECONDS = (1, 5, 10, 30, 60, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_MOST_TICKS = 12
_MOST_LETTERS = 28
_ALARM = "#c0392b"
_WITHOUT_GENRE = {
    State.WARMING_UP: "#cfd4da",
    State.SILENCE: "#9aa3ad",
    State.UNKNOWN: "#b9a9c9",
    State.NO_INPUT: _ALARM,
    NOT_RUNNING: "#55606b",
}
_OTHER_COLOUR = "#dde2e7"
# By name, because what draws PNG does not ask the computer what sans-serif means.
_FONTS = "Helvetica, Arial, DejaVu Sans, Liberation Sans, Noto Sans, sans-serif"

Shapes = list[dict[str, object]]
"""What the template draws of one kind, with its position in pixels."""


def time_label(session: Session, moment: datetime, *, seconds: bool = True) -> str:
    """Return the time of day, or the time in the audio if the session was faster than the clock."""
    if not session.live:
        return clock((moment - session.start).total_seconds())
    return moment.strftime("%H:%M:%S" if seconds else "%H:%M")


def draw(session: Session, segments: Sequence[Segment], title: str = "") -> Markup:
    """Return the picture as an SVG element.

    Parameters
    ----------
    session
        The session.
    segments
        Its segments, by `find_segments`.
    title
        Printed above, if any.
    """
    total = shares(segments)
    present = {segment.label for segment in segments}
    names = list(dict.fromkeys([*total, *(name for name in map(str, _WITHOUT_GENRE) if name in present), *present]))
    tempo_top = _TOP + _LANE * len(names) + _SPACE
    level_top = tempo_top + _TEMPO + _SPACE
    bottom = level_top + _LEVEL
    span = timedelta(seconds=session.seconds or 1.0)

    def x(moment: datetime) -> float:
        return _LEFT + _COLUMNS * ((moment - session.start) / span)

    tempo, tempo_ticks = _tempo(session, tempo_top)
    return render(
        "report/timeline.svg",
        title=title,
        width=WIDTH,
        left=_LEFT,
        right=_RIGHT,
        top=_TOP,
        bottom=bottom,
        lane_height=_LANE,
        tempo_top=tempo_top,
        level_top=level_top,
        quietest=_QUIETEST_DBFS,
        fonts=_FONTS,
        alarm=_ALARM,
        ticks=_ticks(session, x),
        lanes=_lanes(names, total),
        bars=_bars(session, segments, names, list(total), x),
        tempo=tempo,
        tempo_ticks=tempo_ticks,
        level=_level(session, level_top),
        marks=[
            {"x": x(event.start), "text": f"{time_label(session, event.start)} {event.text}"}
            for event in find_events(session)
        ],
    )


def to_png(svg: str) -> bytes:
    """Return a drawing as a PNG file, twice its nominal size.

    Raises
    ------
    ModuleNotFoundError
        The ``report`` extra is not installed.
    UserError
        The computer has no font to write with.
    """
    from resvg_py import svg_to_bytes

    def render(drawing: str) -> bytes:
        return bytes(svg_to_bytes(svg_string=drawing, background="white", width=2 * WIDTH))

    probe = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20">{}</svg>'
    if render(probe.format(f'<text y="20" font-family="{_FONTS}">M</text>')) == render(probe.format("")):
        raise UserError("PNG needs a font, and none is installed: on Debian, apt install fonts-dejavu-core.")
    return render(svg)


def _ticks(session: Session, x: Callable[[datetime], float]) -> Shapes:
    """Return ticks of the time axis: at round times of day, or of the audio."""
    span = session.seconds or 1.0
    step = next((s for s in _TICK_SECONDS if span / s <= _MOST_TICKS), span / _MOST_TICKS)
    start = session.start
    since_midnight = start.hour * 3600 + start.minute * 60 + start.second + start.microsecond / 1e6
    first = -since_midnight % step if session.live else 0.0
    moments = [session.moment(at) for at in np.arange(first, span + 1e-6, step)]
    return [{"x": x(moment), "label": time_label(session, moment, seconds=step < 60)} for moment in moments]


def _lanes(names: list[str], total: dict[str, float]) -> Shapes:
    heard = sum(total.values()) or 1.0
    return [
        {
            "y": _TOP + _LANE * i,
            "name": name if len(name) <= _MOST_LETTERS else f"{name[: _MOST_LETTERS - 1]}…",
            "share": f"{total[name] / heard:.0%}" if name in total else "",
        }
        for i, name in enumerate(names)
    ]


def _bars(
    session: Session, segments: Sequence[Segment], names: list[str], genres: list[str], x: Callable[[datetime], float]
) -> Shapes:
    bars: Shapes = []
    for segment in segments:
        tempo = f", {segment.bpm:.1f} BPM" if segment.bpm is not None else ""
        family = f" ({segment.family})" if segment.family not in (None, segment.genre) else ""
        at, length = time_label(session, segment.start), clock(segment.seconds)
        bars.append(
            {
                "x": x(segment.start),
                "y": _TOP + _LANE * names.index(segment.label),
                "width": max(1.0, x(segment.end) - x(segment.start)),
                "colour": _colour(segment.label, genres),
                "text": f"{at} {segment.label}{family}, {length}{tempo}",
            }
        )
    return bars


def _tempo(session: Session, top: int) -> tuple[str, Shapes]:
    """Return the curve of the tempo, and the ticks of its axis."""
    bpm = np.array([np.nan if line.bpm is None else line.bpm for line in session.lines])
    if np.isnan(bpm).all():
        return "", []
    step = 20 if np.nanmax(bpm) - np.nanmin(bpm) <= 160 else 200
    low, high = step * (int(np.nanmin(bpm)) // step), step * (int(np.nanmax(bpm)) // step + 1)
    ticks: Shapes = [
        {"y": top + _TEMPO * (high - value) / (high - low), "value": value} for value in range(low, high + 1, step)
    ]
    return _path(session, bpm, low, high, top, top + _TEMPO), ticks


def _level(session: Session, top: int) -> str:
    level = np.clip([line.level_dbfs for line in session.lines], _QUIETEST_DBFS, 0)
    level[[line.state == State.NO_INPUT for line in session.lines]] = np.nan
    return _path(session, level, _QUIETEST_DBFS, 0, top, top + _LEVEL)


def _path(session: Session, values: NDArray[np.float64], low: float, high: float, top: int, bottom: int) -> str:
    """Return a curve through the medians of each column of pixels, with a break where there are none."""
    span = session.seconds or 1.0
    column = np.minimum((session.at / span * _COLUMNS).astype(int), _COLUMNS - 1)
    known = ~np.isnan(values)
    if not known.any():
        return ""
    # A hop may be wider than a column; a curve breaks only where nothing was written for longer.
    widest = 2 + 2 * int(np.median(np.diff(column))) if len(column) > 1 else 2
    path: list[str] = []
    last = -np.inf
    columns, starts = np.unique(column[known], return_index=True)
    for x, some in zip(columns.tolist(), np.split(values[known], starts[1:]), strict=True):
        y = bottom - (bottom - top) * (float(np.median(some)) - low) / (high - low)
        path.append(f"{'L' if x - last <= widest else 'M'}{_LEFT + x} {y:.1f}")
        if x - last > widest:
            path.append("h1")
        last = x
    return "".join(path)


def _colour(label: str, genres: list[str]) -> str:
    if label not in genres:
        return next((colour for state, colour in _WITHOUT_GENRE.items() if state == label), _OTHER_COLOUR)
    hue = genres.index(label) * 137.508 % 360  # the golden angle: neighbours differ most
    return f"hsl({hue:.0f}, 55%, 48%)"
