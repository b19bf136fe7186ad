"""``edmlive report``: a night as a document."""

from pathlib import Path
from typing import Annotated

import typer

from edmlive.cli.console import plain_console
from edmlive.cli.extras import extra
from edmlive.errors import UserError

SUFFIXES = (".html", ".svg", ".png", ".csv", ".cue")


def report(
    sessions: Annotated[
        list[Path], typer.Argument(metavar="SESSION.jsonl...", help="Files that 'edmlive listen --json' wrote.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="A .html, .svg, .png, .csv or .cue file.")
    ],
    recording: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With .cue: the recording that the same run made.")
    ] = None,
) -> None:
    """Make a document of a night: genres and tempo over time, shares, changes, gaps and notices.

    Several files, as of a night in one-hour files, are put in order. A genre heard for less than 30 s within another
    one, or 15 s between two others, counts as flicker and is left out. Lines that cannot be read are left out and told.
    """
    kind = output.suffix.lower()
    if kind not in SUFFIXES:
        raise UserError(f"{output} is no kind of report: give a name that ends in {', '.join(SUFFIXES)}.")
    if (recording is not None) != (kind == ".cue"):
        raise UserError("A CUE sheet, and nothing else, needs the name of its recording: --recording set.wav.")
    if output.resolve() in [path.resolve() for path in sessions]:
        raise UserError(f"{output} is the session itself: give the report another name.")
    from edmlive.report.page import heading, to_html
    from edmlive.report.segments import find_stretches
    from edmlive.report.session import read_session
    from edmlive.report.tables import to_csv, to_cue
    from edmlive.report.timeline import draw, to_png

    session = read_session(sessions)
    for said in session.left_out:
        plain_console(stderr=True).print(f"edmlive: {said}")
    stretches = find_stretches(session)
    document: str | bytes
    if kind == ".html":
        document = to_html(session, stretches)
    elif kind == ".csv":
        document = to_csv(session, stretches)
    elif recording is not None:
        document = to_cue(session, stretches, recording)
    else:
        document = draw(session, stretches, heading(session))
        if kind == ".png":
            with extra("report", "PNG"):
                document = to_png(document)
    try:
        output.write_bytes(document if isinstance(document, bytes) else document.encode())
    except OSError as error:
        raise UserError(f"{output} cannot be written ({(error.strerror or str(error)).lower()}).") from None
