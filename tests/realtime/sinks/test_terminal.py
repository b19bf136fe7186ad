"""What people see: a line for each change, and a panel that shows everything a reading says."""

import io

import pytest
from rich.console import Console

from edmlive.realtime.sinks.terminal import TerminalLines, TerminalPanel, line, panel
from edmlive.realtime.voter import Candidate, State
from tests.realtime.readings import LABELS, reading, waiting


def drawn(content: object) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    console.print(content)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_line_says_time_genre_confidence_and_tempo() -> None:
    assert line(reading(83)).split() == ["1:23", "Techno", "29%", "128.0", "BPM"]
    assert line(reading(3723, bpm=None)).split() == ["1:02:03", "Techno", "29%", "-", "BPM"]
    assert line(reading(state=State.UNSURE)).endswith("(unsure)")
    assert line(waiting(5)).split() == ["0:05", "warming", "up"]
    assert line(waiting(5, State.SILENCE)).split() == ["0:05", "silence"]


def test_lines_come_only_with_news(capfd: pytest.CaptureFixture[str]) -> None:
    sink = TerminalLines()
    for heard in (
        *(waiting(1), waiting(2), reading(3), reading(4, bpm=130.0), reading(5, genre="House")),
        *(waiting(6, State.SILENCE), waiting(7, State.SILENCE), reading(8, genre="House")),
    ):
        sink.write(heard)
    sink.close()
    times = [text.split()[0] for text in capfd.readouterr().out.splitlines()]
    assert times == ["0:01", "0:03", "0:05", "0:06", "0:08"]


def test_panel_shows_vote_tempo_ranking_level_state_and_time() -> None:
    text = drawn(panel(reading(83), "mixer, 48000 Hz"))
    for words in ("mixer, 48000 Hz", "128.0 BPM", "-12.5 dBFS", "listening", "1:23", "29%", "2 votes", "1 vote "):
        assert words in text
    assert [text.index(genre) for genre in LABELS[1:5]] == sorted(text.index(genre) for genre in LABELS[1:5])
    assert LABELS[5] not in text


@pytest.mark.parametrize("state", list(State))
def test_panel_has_one_height_in_every_state(state: State) -> None:
    heights = {drawn(panel(one, "mixer")).count("\n") for one in (reading(state=state), waiting(state=state))}
    assert heights == {drawn(panel(reading(), "mixer")).count("\n")}


@pytest.mark.parametrize("name", ["Set [live].wav", "[/weird].wav", "[bold]", ":smile:.mp3"])
def test_names_are_shown_as_they_are(name: str) -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    sink = TerminalPanel(console, name)
    sink.write(reading(genre=name, top=(Candidate(name, 0.5),)))
    sink.close()
    assert isinstance(console.file, io.StringIO)
    last = console.file.getvalue().rpartition("opening")[2]
    assert last.count(name) >= 3  # title, winner, ranking
