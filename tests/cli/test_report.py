"""Reports as a user asks for them."""

import csv
import re
import resource
import sys
import time
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest

from edmlive.report.tables import CSV_HEADER
from edmlive.sources.health import Counts
from tests.cli.conftest import Run
from tests.report.nights import lines, write

NIGHT = [("warming up", 6), ("Techno", 300), ("silence", 30), ("House", 200), ("Drum & Bass", 100)]
HOSTILE = "<script>alert(1)</script>\"'&\x01\u202e]]>"


@pytest.fixture
def night(tmp_path: Path) -> Path:
    return write(tmp_path / "night.jsonl", lines(NIGHT))


def drawing(page: str) -> ElementTree.Element:
    found = re.search(r"<svg .*</svg>", page, re.DOTALL)
    assert found
    return ElementTree.fromstring(found[0])


class Tags(HTMLParser):
    """Every tag of a page, and whether what was opened was closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "rect", "path"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()


def test_page_has_shares_changes_and_times_and_needs_nothing_else(run: Run, night: Path, tmp_path: Path) -> None:
    out = tmp_path / "night.html"
    assert run("report", night, "-o", out).code == 0
    page = out.read_text()
    tags = Tags(page)
    assert tags.open == []
    assert tags.addresses == []
    assert "script" not in tags.seen
    assert "The night of 2026-11-21, 22:00 to 22:10" in page
    assert "<td>22:05:36</td><td>House</td>" in page
    assert '<td>22:05:06</td><td class="number">0:30</td><td>silence</td>' in page
    assert "50.0%" in page
    bars = [e for e in drawing(page).iter("{http://www.w3.org/2000/svg}rect")]
    assert len(bars) == len(NIGHT)


def test_hostile_names_are_only_text(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "n.jsonl", lines([(HOSTILE, 60)], model=HOSTILE, notices=(HOSTILE,)))
    out = tmp_path / "night.html"
    assert run("report", path, "-o", out).code == 0
    page = out.read_text()
    assert "<script" not in page
    assert "\x01" not in page and "\u202e" not in page
    drawing(page)
    assert run("report", path, "-o", tmp_path / "n.cue", "--recording", 'a"\nb.wav').code == 0
    sheet = (tmp_path / "n.cue").read_text()
    assert len(sheet.splitlines()) == 4
    assert all(line.count('"') in (0, 2) for line in sheet.splitlines())


def test_picture_is_png_of_twice_the_size(run: Run, night: Path, tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")
    out = tmp_path / "night.png"
    assert run("report", night, "-o", out).code == 0
    data = out.read_bytes()
    assert data.startswith(b"\x89PNG")
    assert int.from_bytes(data[16:20], "big") == 2400


def hide(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """Let a package be missing."""
    for module in ("edmlive.report.page", "edmlive.report.timeline", "edmlive.util.page"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, package, None)


@pytest.mark.parametrize(
    ("name", "package"), [("night.png", "resvg_py"), ("night.html", "jinja2"), ("night.svg", "jinja2")]
)
def test_document_without_its_package_is_one_sentence(
    run: Run, night: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    hide(monkeypatch, package)
    said = run("report", night, "-o", tmp_path / name)
    assert said.code == 1
    assert "pip install 'edmlive[report]'" in said.sentence
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("options", [["-o", "n.csv"], ["-o", "n.cue", "--recording", "set.wav"]])
def test_tables_need_no_extra(
    run: Run, night: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    hide(monkeypatch, "jinja2")
    monkeypatch.chdir(tmp_path)
    assert run("report", night, *options).code == 0


def test_csv_has_a_line_for_each_segment(run: Run, night: Path, tmp_path: Path) -> None:
    out = tmp_path / "night.csv"
    assert run("report", night, "-o", out).code == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == CSV_HEADER
    assert [(row["genre"] or row["state"], float(row["seconds"])) for row in rows] == NIGHT
    assert rows[1]["start"] == "2026-11-21T22:00:06.000+01:00"


def test_cue_sheet_has_a_track_for_each_change(run: Run, night: Path, tmp_path: Path) -> None:
    out = tmp_path / "night.cue"
    assert run("report", night, "-o", out, "--recording", "set.wav").code == 0
    sheet = out.read_text()
    assert sheet.startswith('FILE "set.wav" WAVE\n  TRACK 01 AUDIO\n    TITLE "Techno (128.0 BPM)"\n')
    assert re.findall(r"INDEX 01 (\S+)", sheet) == ["00:00:00", "05:37:00", "08:57:00"]


def test_gaps_are_reported(run: Run, tmp_path: Path) -> None:
    first, second = lines([("Techno", 10)]), lines([("Techno", 20)], counts=Counts(gaps=1, frames_lost=4410))
    path = write(tmp_path / "n.jsonl", iter([*first, *list(second)[10:]]))
    out = tmp_path / "night.html"
    assert run("report", path, "-o", out).code == 0
    assert "Gap: 4410 frames lost" in out.read_text()


def test_six_hours_take_seconds(run: Run, tmp_path: Path) -> None:
    hours = [piece for _ in range(60) for piece in (("Techno", 200), ("House", 20), ("Trance", 140))]
    path = write(tmp_path / "n.jsonl", lines(hours))
    started = time.process_time()
    assert run("report", path, "-o", tmp_path / "night.html").code == 0
    assert time.process_time() - started < 10
    assert (tmp_path / "night.html").stat().st_size < 1 << 20


def test_truncated_last_line_is_skipped_and_the_rest_reported(run: Run, night: Path, tmp_path: Path) -> None:
    night.write_bytes(night.read_bytes()[:-40])
    said = run("report", night, "-o", tmp_path / "night.csv")
    assert said.code == 0
    assert "line 636 skipped: truncated" in said.sentence


BAD = {
    "kind": (["-o", "night.pdf"], "night.pdf is not a kind of report"),
    "no recording": (["-o", "night.cue"], "--recording set.wav"),
    "needless recording": (["-o", "night.csv", "--recording", "set.wav"], "--recording set.wav"),
    "no folder": (["-o", "none/night.csv"], "no such file or directory"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_done_is_one_sentence(
    run: Run, night: Path, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options, words = BAD[case]
    said = run("report", night, *options)
    assert said.code == 1
    assert words in said.sentence


def test_session_is_never_written_over(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "night.csv", lines(NIGHT))
    before = path.read_bytes()
    assert "is the session itself" in run("report", path, "-o", path).sentence
    assert path.read_bytes() == before


def test_a_full_disk_leaves_the_former_report(run: Run, night: Path, tmp_path: Path) -> None:
    output = tmp_path / "night.html"
    output.write_text("former")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, limits[1]))
    try:
        said = run("report", night, "-o", output)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "cannot be written (file too large)" in said.sentence
    assert output.read_text() == "former"
    assert sorted(tmp_path.iterdir()) == [output, night]


def test_cue_sheet_of_two_runs_is_refused(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "n.jsonl", lines([("Techno", 60)]), lines([("Techno", 60)], start=100))
    said = run("report", path, "-o", tmp_path / "n.cue", "--recording", "set.wav")
    assert "started 2 times" in said.sentence


def test_label_is_no_formula_in_a_spreadsheet(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "n.jsonl", lines([("=1+1", 60), ("@House", 60), ("-Trance", 60)]))
    assert run("report", path, "-o", tmp_path / "n.csv").code == 0
    with (tmp_path / "n.csv").open(newline="") as file:
        assert [row["genre"] for row in csv.DictReader(file)] == ["'=1+1", "'@House", "'-Trance"]
