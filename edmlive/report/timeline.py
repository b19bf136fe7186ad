"""The picture of a night as SVG: a lane for each genre, the tempo and the level, over time."""

import html
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from edmlive.errors import UserError
from edmlive.realtime.reading import State
from edmlive.report.segments import NOT_RUNNING, Event, Stretch, find_events, shares
from edmlive.report.session import Session
from edmlive.util.timecode import clock

WIDTH = 1200
_LEFT, _RIGHT, _TOP = 210, 60, 46
_LANE, _TEMPO, _LEVEL, _SPACE = 20, 130, 70, 24
_COLUMNS = WIDTH - _LEFT - _RIGHT
_QUIETEST_DBFS = -60.0
_TICK_SECONDS = (1, 5, 10, 30, 60, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_MOST_TICKS = 12
_OTHERS = (State.WARMING_UP, State.SILENCE, State.NO_INPUT, NOT_RUNNING)
_GREYS = {State.WARMING_UP: "#cfd4da", State.SILENCE: "#9aa3ad", State.NO_INPUT: "#c0392b", NOT_RUNNING: "#55606b"}
_INK, _FAINT, _ACCENT, _ALARM = "#1d252c", "#dde2e7", "#2563a8", "#c0392b"
# By name, because what draws PNG does not ask the computer what sans-serif means.
_FONTS = "Helvetica, Arial, DejaVu Sans, Liberation Sans, Noto Sans, sans-serif"

Place = Callable[[float], float]


def escape(text: str) -> str:
    """Return any text so that it is safe in HTML and SVG; what is not printable becomes a replacement character."""
    return html.escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text))


def time_label(session: Session, at: float, *, seconds: bool = True) -> str:
    """Return a second of the session as the time of day, or as the time of the audio where that went faster."""
    if not session.live:
        return clock(at)
    return session.moment(at).strftime("%H:%M:%S" if seconds else "%H:%M")


def draw(session: Session, stretches: Sequence[Stretch], title: str = "") -> str:
    """Return the picture as an SVG element.

    Parameters
    ----------
    stretches
        Of `find_stretches`.
    title
        Printed above, if any.
    """
    total = shares(stretches)
    present = {stretch.label for stretch in stretches}
    lanes = [*total, *(str(other) for other in _OTHERS if other in present)]
    span = session.seconds or 1.0
    lanes_end = _TOP + _LANE * len(lanes)
    tempo_end = lanes_end + _SPACE + _TEMPO
    bottom = tempo_end + _SPACE + _LEVEL

    def across(at: float) -> float:
        return _LEFT + _COLUMNS * at / span

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 34}" role="img" '
        f'font-family="{_FONTS}" font-size="12" fill="{_INK}">',
        f"<title>{escape(title or 'Genres, tempo and level over time')}</title>",
        f'<text x="{_LEFT}" y="24" font-size="16" font-weight="bold">{escape(title)}</text>',
        *_time_axis(session, span, across, bottom),
        *_lanes(session, stretches, lanes, total, across),
        *_tempo(session, span, lanes_end + _SPACE, tempo_end),
        *_level(session, span, tempo_end + _SPACE, bottom),
        *_marks(session, find_events(session), across, bottom),
        "</svg>",
    ]
    return "\n".join(parts)


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


def _time_axis(session: Session, span: float, across: Place, bottom: int) -> Iterator[str]:
    step = next((s for s in _TICK_SECONDS if span / s <= _MOST_TICKS), span / _MOST_TICKS)
    start = session.start
    # On round times of day, where there is one.
    first = -(start.hour * 3600 + start.minute * 60 + start.second + start.microsecond / 1e6) % step
    for i in range(_MOST_TICKS + 1):
        at = (first if session.live else 0.0) + i * step
        if at > span:
            break
        x = across(at)
        yield f'<path d="M{x:.1f} {_TOP - 6}V{bottom}" stroke="{_FAINT}"/>'
        label = time_label(session, at, seconds=step < 60)
        yield f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{label}</text>'


def _lanes(
    session: Session, stretches: Sequence[Stretch], lanes: list[str], total: dict[str, float], across: Place
) -> Iterator[str]:
    heard = sum(total.values())
    top = {name: _TOP + _LANE * i for i, name in enumerate(lanes)}
    for name, y in top.items():
        yield f'<text x="{_LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(_shortened(name))}</text>'
        yield f'<path d="M{_LEFT} {y + _LANE}H{WIDTH - _RIGHT}" stroke="{_FAINT}"/>'
        if name in total:
            yield f'<text x="{WIDTH - _RIGHT + 8}" y="{y + 14}">{total[name] / heard:.0%}</text>'
    for stretch in stretches:
        x, width = across(stretch.start), max(1.0, across(stretch.end) - across(stretch.start))
        tempo = f", {stretch.bpm:.1f} BPM" if stretch.bpm is not None else ""
        said = f"{time_label(session, stretch.start)} {stretch.label}, {clock(stretch.seconds)}{tempo}"
        yield (
            f'<rect x="{x:.1f}" y="{top[stretch.label] + 3}" width="{width:.1f}" height="{_LANE - 5}" '
            f'fill="{_colour(stretch.label, list(total))}"><title>{escape(said)}</title></rect>'
        )


def _tempo(session: Session, span: float, top: int, bottom: int) -> Iterator[str]:
    bpm = np.array([np.nan if line.bpm is None else line.bpm for line in session.lines])
    yield f'<text x="{_LEFT - 8}" y="{top - 4}" text-anchor="end">BPM</text>'
    if np.isnan(bpm).all():
        return
    step = 20 if np.nanmax(bpm) - np.nanmin(bpm) <= 160 else 200
    low, high = step * (int(np.nanmin(bpm)) // step), step * (int(np.nanmax(bpm)) // step + 1)
    for value in range(low, high + 1, step):
        y = bottom - (bottom - top) * (value - low) / (high - low)
        yield f'<path d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}" stroke="{_FAINT}"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value}</text>'
    curve = _path(session, bpm, span, low, high, top, bottom)
    yield f'<path d="{curve}" fill="none" stroke="{_ACCENT}" stroke-width="2"/>'


def _level(session: Session, span: float, top: int, bottom: int) -> Iterator[str]:
    level = np.clip([line.level_dbfs for line in session.lines], _QUIETEST_DBFS, 0)
    level[[line.state == State.NO_INPUT for line in session.lines]] = np.nan
    yield f'<text x="{_LEFT - 8}" y="{top + 10}" text-anchor="end">0 dBFS</text>'
    yield f'<text x="{_LEFT - 8}" y="{bottom}" text-anchor="end">{_QUIETEST_DBFS:.0f}</text>'
    yield f'<path d="M{_LEFT} {bottom}H{WIDTH - _RIGHT}" stroke="{_INK}"/>'
    yield f'<path d="{_path(session, level, span, _QUIETEST_DBFS, 0, top, bottom)}" fill="none" stroke="#3a8a4d"/>'


def _marks(session: Session, events: Sequence[Event], across: Place, bottom: int) -> Iterator[str]:
    for event in events:
        said = escape(f"{time_label(session, event.start)} {event.said}")
        x = across(event.start)
        yield (
            f'<path d="M{x:.1f} {_TOP - 4}l-4 -8h8z" fill="{_ALARM}"><title>{said}</title></path>'
            f'<path d="M{x:.1f} {_TOP - 4}V{bottom}" stroke="{_ALARM}" stroke-dasharray="2 4"/>'
        )


def _path(
    session: Session, values: NDArray[np.float64], span: float, low: float, high: float, top: int, bottom: int
) -> str:
    """Return a curve of the medians of each column of the picture, broken where there are none."""
    column = np.minimum((session.at / span * _COLUMNS).astype(int), _COLUMNS - 1)
    known = ~np.isnan(values)
    if not known.any():
        return ""
    # A hop may be wider than a column; a curve breaks only where nothing was said for longer.
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
        return next((colour for name, colour in _GREYS.items() if name == label), _FAINT)
    hue = genres.index(label) * 137.508 % 360  # the golden angle: neighbours differ most
    return f"hsl({hue:.0f}, 55%, 48%)"


def _shortened(name: str) -> str:
    return name if len(name) <= 28 else f"{name[:27]}…"
