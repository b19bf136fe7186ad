"""A report as an HTML page, and its facts as JSON beside it."""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from markupsafe import Markup
from matplotlib.figure import Figure

from edmlive.errors import UserError
from edmlive.util.files import replacing_both
from edmlive.util.page import Section, to_page

_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def write_page(path: Path, title: str, parts: Iterable[Section], facts: Mapping[str, object]) -> None:
    """Write sections under a title to PATH.html, and facts to PATH.json.

    If they cannot be written, earlier ones stay as they are. A page is always beside the facts that it shows: a kill at
    the last moment may leave the facts alone.

    Raises
    ------
    UserError
        They cannot be written.
    """
    page = to_page(title, parts)
    try:
        with replacing_both(path, path.with_suffix(".json")) as (html, data):
            html.write_text(page, encoding="utf-8")
            data.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"The report cannot be written to {path}: {(error.strerror or str(error)).lower()}.") from None


def section(heading: str, figure: Figure, caption: str = "") -> Section:
    """Return a figure under a heading, with a sentence or two on how to read it."""
    picture = io.StringIO()
    figure.savefig(picture, format="svg", metadata=_NO_METADATA)
    attributes_and_content = picture.getvalue().partition("<svg")[2]
    svg = Markup('<svg role="img" aria-label="{}"').format(heading) + Markup(attributes_and_content)
    return Section(heading, figure=svg, note=caption)


def table(rows: Sequence[Sequence[str]], heading: str = "", note: str = "") -> Section:
    """Return a table, its head first; all columns but the first are numbers."""
    head, *body = rows
    return Section(heading, head=head, rows=body, numeric=range(1, len(head)), note=note)
