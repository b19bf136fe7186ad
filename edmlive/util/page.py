"""Self-contained HTML pages and SVG drawings: no script, font, image or network, and everything escaped by Jinja2.

Jinja2 comes with the ``report`` and ``train`` extras.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


@dataclass(frozen=True)
class Section:
    """One section of a page. Whatever is not `Markup` is escaped.

    Parameters
    ----------
    heading
        Its title, if any.
    text
        First paragraph.
    figure
        An SVG element.
    head, rows
        A table: the names of its columns, and the cells of each row. With a head but no rows, the page says "None."
    numeric
        Indices of the table's columns of numbers, which are aligned right.
    note
        Caption of the figure, or how to read the table.
    """

    heading: str = ""
    text: str = ""
    figure: Markup | None = None
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    numeric: Container[int] = ()
    note: str = ""


def to_page(title: str, sections: Iterable[Section]) -> str:
    """Return a complete HTML document."""
    return render("util/page.html", title=title, sections=sections)


def render(template: str, **values: object) -> Markup:
    """Fill in a template.

    Parameters
    ----------
    template
        Its path within the package.
    values
        Its variables; what they hold is escaped unless it is `Markup`.
    """
    return Markup(_environment().get_template(template).render(values))


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("edmlive", "."),
        autoescape=True,
        finalize=_printable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _printable(value: object) -> object:
    """Replace control and formatting characters, which HTML and XML forbid or which change how other text reads."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in value)
