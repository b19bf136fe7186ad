"""``edmlive report``: a session as a document."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edmlive.cli.common import extra, plain_console
from edmlive.errors import UserError
from edmlive.util.files import replacing

if TYPE_CHECKING:
    from edmlive.realtime.segment import Segment
    from edmlive.report.session import Session

SUFFIXES = (".html", ".svg", ".png", ".csv", ".cue")


def report(
    sessions: Annotated[
        list[Path], typer.Argument(metavar="SESSION.jsonl...", help="Files written by 'edmlive listen --json'.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="A .html, .svg, .png, .csv or .cue file.")
    ],
    recording: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With .cue: the recording that the same run made.")
    ] = None,
) -> None:
    """Turn a session into a document: genres and tempo over time, shares, changes, gaps and notices.

    Several files, such as a night in one-hour files, are put in order. A genre heard for less than 30 s within another
    one, or 15 s between two others, counts as flicker and is not shown. Lines that cannot be read are skipped and
    reported.
    """
    kind = output.suffix.lower()
    if kind not in SUFFIXES:
        raise UserError(f"{output} is not a kind of report: give a name that ends in {', '.join(SUFFIXES)}.")
    if (recording is not None) != (kind == ".cue"):
        raise UserError("A CUE sheet, and nothing else, needs the name of its recording: --recording set.wav.")
    if output.resolve() in [path.resolve() for path in sessions]:
        raise UserError(f"{output} is the session itself: give the report another name.")
    from edmlive.report.segments import find_segments
    from edmlive.report.session import read_session

    session = read_session(sessions)
    for fault in session.skipped:
        plain_console(stderr=True).print(f"edmlive: {fault}")
    document = _document(session, find_segments(session), kind, recording)
    try:
        with replacing(output) as partial:
            partial.write_bytes(document)
    except OSError as error:
        raise UserError(f"{output} cannot be written ({(error.strerror or str(error)).lower()}).") from None


def _document(session: "Session", segments: "list[Segment]", kind: str, recording: Path | None) -> bytes:
    from edmlive.report.tables import to_csv, to_cue

    if recording is not None:
        return to_cue(session, segments, recording).encode()
    if kind == ".csv":
        return to_csv(segments).encode()
    with extra("report", "A page or picture"):
        from edmlive.report.page import heading, to_html
        from edmlive.report.timeline import draw, to_png

        if kind == ".html":
            return to_html(session, segments).encode()
        svg = draw(session, segments, heading(session))
        return to_png(svg) if kind == ".png" else svg.encode()
