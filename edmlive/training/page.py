"""One HTML page that needs nothing else, and its facts as JSON beside it."""

import html
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path

from matplotlib.figure import Figure

from edmlive.errors import UserError
from edmlive.util.files import replacing

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 75rem; margin: 2rem auto;
  padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2rem }
figure { margin: 0; overflow-x: auto } svg { display: block; max-width: max(100%, 46rem); height: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .7rem; border-bottom: 1px solid #ddd; text-align: right; white-space: pre }
th:first-child, td:first-child { text-align: left; padding-left: 0; white-space: normal }
figcaption, .note { color: #555; max-width: 60rem }
"""
_NOTHING_FROM_OUTSIDE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def write_page(path: Path, title: str, parts: Iterable[str], facts: Mapping[str, object]) -> None:
    """Write pieces of HTML under a title to PATH.html, and facts to PATH.json; both whole or neither.

    Raises
    ------
    UserError
        They cannot be written.
    """
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_NOTHING_FROM_OUTSIDE}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{html.escape(title)}</h1>{''.join(parts)}</main></body></html>\n"
    )
    try:
        with replacing(path) as written, replacing(path.with_suffix(".json")) as told:
            written.write_text(page, encoding="utf-8")
            told.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"The report cannot be written to {path}: {(error.strerror or str(error)).lower()}.") from None


def section(heading: str, figure: Figure, caption: str = "") -> str:
    """Return a figure under a heading, with a sentence or two on how to read it."""
    picture = io.StringIO()
    figure.savefig(picture, format="svg", metadata=_NO_METADATA)
    heading = html.escape(heading)
    drawn = f'<svg role="img" aria-label="{heading}"{picture.getvalue().partition("<svg")[2]}'
    said = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return f"<h2>{heading}</h2><figure>{drawn}{said}</figure>"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return a table, its head first."""
    lines = (
        "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)
        for tag, row in zip(chain(["th"], repeat("td")), rows, strict=False)
    )
    return f"<figure><table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table></figure>"
