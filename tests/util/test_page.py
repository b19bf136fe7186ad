"""Pages: whatever is not markup is only text."""

import pytest

pytest.importorskip("jinja2", reason="the extra 'report' is not installed")
from markupsafe import Markup

from edmlive.util.page import Section, to_page

HOSTILE = "<script>alert(1)</script>\"'&\x01\u202e"


def test_everything_but_markup_is_escaped() -> None:
    table = Section(HOSTILE, HOSTILE, head=(HOSTILE, "n"), rows=[(HOSTILE, "1")], numeric=(1,), note=HOSTILE)
    figure = Section(figure=Markup("<svg></svg>"), note=HOSTILE)
    page = to_page(HOSTILE, [table, figure])
    assert "<script" not in page
    assert not {"\x01", "\u202e"} & set(page)
    assert page.count("&lt;script&gt;") == 8
    assert "<figure><svg></svg><figcaption>" in page
    assert '<td class="number">1</td>' in page


def test_table_without_rows_says_none() -> None:
    page = to_page("t", [Section("Gaps", head=("Time",))])
    assert "<p>None.</p>" in page
    assert "<table" not in page
