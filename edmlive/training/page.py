"""One HTML page that needs nothing else, and its facts as JSON beside it."""

import html
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path

from matplotlib.figure import Figure

from edmlive.errors import UserError

_STYLE = """body{font:16px system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse}td,th{padding:.3rem .8rem;border-bottom:1px solid #ddd;text-align:right}
td:first-child,th:first-child{text-align:left}svg{max-width:100%;height:auto}"""


def write_page(path: Path, title: str, parts: Iterable[str], facts: Mapping[str, object]) -> None:
    """Write pieces of HTML under a title to PATH.html, and facts to PATH.json.

    Raises
    ------
    UserError
        They cannot be written.
    """
    text = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{html.escape(title)}</h1>{''.join(parts)}</body></html>\n"
    )
    try:
        path.with_suffix(".json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"The report cannot be written to {path}: {(error.strerror or str(error)).lower()}.") from None


def section(heading: str, figure: Figure) -> str:
    """Return a figure under a heading."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return f"<h2>{html.escape(heading)}</h2><svg{text.getvalue().partition('<svg')[2]}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return a table, its head first."""
    lines = (
        "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)
        for tag, row in zip(chain(["th"], repeat("td")), rows, strict=False)
    )
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
