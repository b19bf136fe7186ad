"""A night as one HTML page that needs nothing else: no script, no font, no image, no network."""

from collections.abc import Iterable, Sequence

from edmlive.report.segments import SETTLING_SECONDS, Event, Stretch, find_events, shares, transitions
from edmlive.report.session import Session
from edmlive.report.timeline import draw, escape, time_label
from edmlive.util.timecode import clock

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1d252c; background: #fff; max-width: 76rem; margin: 2rem auto;
  padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2rem }
figure { margin: 0; overflow-x: auto } svg { display: block; width: 100%; min-width: 48rem; height: auto }
table { border-collapse: collapse } th, td { text-align: left; padding: .15rem 1.2rem .15rem 0 }
th { border-bottom: 1px solid #55606b } td { border-bottom: 1px solid #dde2e7 }
.number { text-align: right; font-variant-numeric: tabular-nums }
.bar { display: block; height: .8rem; min-width: 1px; background: #2563a8 } .bars { width: 18rem }
.note { color: #55606b }
@media print { body { margin: 0 } figure { overflow: visible } }
"""

_COUNTS = {
    "decisions": "decisions",
    "decisions_skipped": "decisions left out, because the computer did not keep up",
    "gaps": "gaps in the audio",
    "frames_lost": "frames lost in them",
    "overflows": "overflows told by the sound system",
    "reconnects": "returns of the input",
    "readings_dropped": "readings that an output had no time for",
}


def heading(session: Session) -> str:
    """Return the title of a session."""
    if not session.live:
        return f"A session of {clock(session.seconds)}"
    end = session.moment(session.seconds)
    return f"The night of {session.start:%Y-%m-%d}, {session.start:%H:%M} to {end:%H:%M} ({clock(session.seconds)})"


def to_html(session: Session, stretches: Sequence[Stretch]) -> str:
    """Return a session as a page.

    Parameters
    ----------
    stretches
        Of `find_stretches`.
    """
    title = escape(heading(session))
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>{title}</h1>",
        f"<p>Heard by {escape(', '.join(sorted({line.model for line in session.lines})))}. A genre heard for less than "
        f"{SETTLING_SECONDS:.0f} s within another one, or {SETTLING_SECONDS / 2:.0f} s between two others, "
        "is left out.</p>",
        f"<figure>{draw(session, stretches)}</figure>",
        "<h2>Genres</h2>",
        *_genres(stretches),
        "<h2>Changes of genre</h2>",
        *_transitions(session, transitions(stretches)),
        "<h2>Without a genre</h2>",
        *_nameless(session, [stretch for stretch in stretches if stretch.genre is None]),
        "<h2>Gaps and notices</h2>",
        *_events(session, find_events(session)),
        "<h2>Counts</h2>",
        *_table("", ("", "#"), ((said, f"{vars(session.counts)[name]:,}") for name, said in _COUNTS.items())),
        *(f'<p class="note">{escape(said)}</p>' for said in session.left_out),
        "</main></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _genres(stretches: Sequence[Stretch]) -> Iterable[str]:
    total = shares(stretches)
    if not total:
        return ["<p>None was named.</p>"]
    heard, longest = sum(total.values()), max(total.values())
    rows = "".join(
        f'<tr><td>{escape(genre)}</td><td class="number">{clock(seconds)}</td>'
        f'<td class="number">{seconds / heard:.1%}</td>'
        f'<td class="bars"><span class="bar" style="width:{seconds / longest:.1%}"></span></td></tr>'
        for genre, seconds in total.items()
    )
    return [
        '<table><thead><tr><th>Genre</th><th class="number">Time</th><th class="number">Share</th><th></th></tr>',
        f"</thead><tbody>{rows}</tbody></table>",
    ]


def _transitions(session: Session, changes: Sequence[Stretch]) -> Iterable[str]:
    rows = (
        (
            time_label(session, stretch.start),
            stretch.label,
            "" if stretch.bpm is None else f"{stretch.bpm:.1f}",
            "" if stretch.confidence is None else f"{stretch.confidence:.0%}",
        )
        for stretch in changes
    )
    return _table("None.", ("Time", "To", "# BPM", "# Confidence"), rows)


def _nameless(session: Session, stretches: Sequence[Stretch]) -> Iterable[str]:
    rows = ((time_label(session, s.start), clock(s.seconds), s.label) for s in stretches)
    return _table("None.", ("Time", "# Length", "State"), rows)


def _events(session: Session, events: Sequence[Event]) -> Iterable[str]:
    rows = ((time_label(session, e.start), clock(e.end - e.start) if e.end > e.start else "", e.said) for e in events)
    return _table("None.", ("Time", "# Length", "What"), rows)


def _table(nothing: str, names: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    """Return a table; a name that starts with ``#`` is of a column of numbers."""
    numeric = [' class="number"' if name.startswith("#") else "" for name in names]
    body = [
        "<tr>" + "".join(f"<td{kind}>{escape(cell)}</td>" for kind, cell in zip(numeric, row, strict=True)) + "</tr>"
        for row in rows
    ]
    if not body:
        return [f"<p>{nothing}</p>"]
    head = "".join(
        f"<th{kind}>{name.removeprefix('#').strip()}</th>" for kind, name in zip(numeric, names, strict=True)
    )
    return [f"<table><thead><tr>{head}</tr></thead><tbody>", *body, "</tbody></table>"]
