"""A session as one HTML page that needs nothing else."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from edmlive.realtime.segment import Segment
from edmlive.report.segments import SETTLING_SECONDS, family_shares, find_events, shares, transitions
from edmlive.report.session import Session
from edmlive.report.timeline import draw, time_label
from edmlive.util.page import Section, to_page
from edmlive.util.timecode import clock

_COUNTS = {
    "decisions": "decisions",
    "decisions_skipped": "decisions skipped because the computer did not keep up",
    "gaps": "gaps in the audio",
    "frames_lost": "audio frames lost in gaps",
    "overflows": "overflows reported by the sound system",
    "reconnects": "reconnections of the input",
    "readings_dropped": "readings dropped because an output was too slow",
}


def heading(session: Session) -> str:
    """Return the title of a session."""
    if not session.live:
        return f"A session of {clock(session.seconds)}"
    end = session.moment(session.seconds)
    return f"The night of {session.start:%Y-%m-%d}, {session.start:%H:%M} to {end:%H:%M} ({clock(session.seconds)})"


def to_html(session: Session, segments: Sequence[Segment]) -> str:
    """Return a session as a page.

    Parameters
    ----------
    session
        The session.
    segments
        Its segments, by `find_segments`.
    """
    return to_page(heading(session), _sections(session, segments))


def _sections(session: Session, segments: Sequence[Segment]) -> Iterator[Section]:
    models = ", ".join(sorted({line.model for line in session.lines}))
    yield Section(
        text=f"Model: {models}. A genre heard for less than {SETTLING_SECONDS:.0f} s within another one, "
        f"or for less than {SETTLING_SECONDS / 2:.0f} s between two others, counts as flicker and is not shown.",
        figure=draw(session, segments),
    )
    yield _shares("Genres", "Genre", shares(segments))
    yield _shares("Families", "Family", family_shares(segments))
    yield Section(
        "Changes of genre",
        head=("Time", "To", "Family", "BPM", "Confidence"),
        rows=[
            (
                time_label(session, segment.start),
                segment.answer,
                segment.family or "",
                "" if segment.bpm is None else f"{segment.bpm:.1f}",
                "" if segment.confidence is None else f"{segment.confidence:.0%}",
            )
            for segment in transitions(segments)
        ],
        numeric=(3, 4),
    )
    yield Section(
        "Without a genre",
        head=("Time", "Length", "State"),
        rows=[(time_label(session, s.start), clock(s.seconds), s.label) for s in segments if s.genre is None],
        numeric=(1,),
    )
    yield Section(
        "Gaps and notices",
        head=("Time", "Length", "Event"),
        rows=[
            (time_label(session, e.start), clock((e.end - e.start).total_seconds()) if e.end > e.start else "", e.text)
            for e in find_events(session)
        ],
        numeric=(1,),
    )
    yield Section(
        "Counts",
        head=("What", "Count"),
        rows=[(text, f"{vars(session.counts)[name]:,}") for name, text in _COUNTS.items()],
        numeric=(1,),
    )
    yield from (Section(note=fault) for fault in session.skipped)


def _shares(title: str, what: str, total: dict[str, float]) -> Section:
    heard, longest = sum(total.values()) or 1.0, max(total.values(), default=0.0) or 1.0
    bar = Markup('<span class="bar"><span style="width:{:.1%}"></span></span>')
    return Section(
        title,
        head=(what, "Time", "Share", ""),
        rows=[
            (name, clock(seconds), f"{seconds / heard:.1%}", bar.format(seconds / longest))
            for name, seconds in total.items()
        ],
        numeric=(1, 2),
    )
