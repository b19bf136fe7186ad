"""What people see: a line for each change, and a panel that shows everything a reading says."""

import dataclasses
import io
import re

import pytest
from rich.console import Console

from edmlive.realtime.reading import Candidate, Reading, State
from edmlive.sinks.terminal import TerminalLines, TerminalPanel, line, panel
from edmlive.sources.health import Counts, Liveness
from tests.realtime.readings import LABELS, reading, truth, unsure, waiting


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


def test_line_has_the_truth_beside_the_answer() -> None:
    assert line(reading(83, truth=truth())).endswith("128.0 BPM  (playing hardcore-hard-techno, 127.5 BPM)")
    assert line(waiting(5, truth=truth())).endswith("warming up  (playing hardcore-hard-techno, 127.5 BPM)")


def test_lines_come_only_with_news(capfd: pytest.CaptureFixture[str]) -> None:
    sink = TerminalLines()
    for heard in (
        *(waiting(1), waiting(2), reading(3), reading(4, bpm=130.0), reading(5, genre="House")),
        *(waiting(6, State.SILENCE), waiting(7, State.SILENCE), reading(8, genre="House")),
        *(reading(9, genre="House", truth=truth()), reading(10, genre="House", truth=truth(bpm=127.4))),
    ):
        sink.write(heard)
    sink.close()
    times = [text.split()[0] for text in capfd.readouterr().out.splitlines()]
    assert times == ["0:01", "0:03", "0:05", "0:06", "0:08", "0:09"]


def lost(time: float, liveness: Liveness = Liveness.RECOVERING) -> Reading:
    notices = ("Input device 'mixer' has gone: connect it again.",)
    return waiting(time, State.NO_INPUT, liveness=liveness, notices=notices)


def test_lines_report_the_input(capfd: pytest.CaptureFixture[str]) -> None:
    sink = TerminalLines()
    back = reading(5, notices=("It is back.",))
    for heard in (reading(1), lost(2, Liveness.STALLED), lost(3), lost(4), back, reading(6), reading(7)):
        sink.write(heard)
    sink.close()
    lines = capfd.readouterr().out.splitlines()
    assert [text.split()[0] for text in lines] == ["0:01", "0:02", "0:03", "0:05", "0:06"]
    assert lines[2].endswith("0:03  no input  (recovering)  Input device 'mixer' has gone: connect it again.")
    assert lines[3].endswith("It is back.")


def test_panel_shows_what_was_lost_and_what_to_look_at() -> None:
    counts = Counts(frames_lost=4_800, gaps=1, reconnects=2, decisions_skipped=1, overflows=3, readings_dropped=7)
    text = drawn(panel(dataclasses.replace(lost(9), counts=counts), "mixer"))
    for words in (
        *("no input", "connect it again", "2 reconnects", "4800 frames lost", "1 decision skipped"),
        *("3 overflows", "7 readings dropped"),
    ):
        assert words in text
    healthy = drawn(panel(reading(9), "mixer"))
    assert not any(words in healthy for words in ("reconnect", "lost", "skipped", "overflow", "dropped"))


def test_panel_shows_vote_tempo_ranking_level_state_and_time() -> None:
    text = drawn(panel(reading(83), "mixer, 48000 Hz"))
    for words in ("mixer, 48000 Hz", "128.0 BPM", "-12.5 dBFS", "listening", "1:23", "29%", "2 votes", "1 vote "):
        assert words in text
    assert [text.index(genre) for genre in LABELS[1:5]] == sorted(text.index(genre) for genre in LABELS[1:5])
    assert LABELS[5] not in text
    assert "playing" not in text


def test_panel_shows_the_truth_in_green_when_it_was_heard() -> None:
    for genre, style in (("Techno", "\x1b[32m"), ("House", "\x1b[2m")):
        console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system="standard")
        console.print(panel(reading(genre=genre, truth=truth()), "demo"))
        assert isinstance(console.file, io.StringIO)
        drawing = console.file.getvalue()
        assert f"{style}playing hardcore-hard-techno" in drawing
        assert re.search(rf"{re.escape(style)} *127.5 BPM", drawing)


@pytest.mark.parametrize("state", list(State))
def test_panel_has_one_height_in_every_state(state: State) -> None:
    for known in (None, truth()):
        long = ("The input clips: turn it down at the mixer or the sound card.",) * 5
        readings = (
            *(reading(truth=known), reading(state=state, truth=known), waiting(state=state, truth=known)),
            *(reading(truth=known, notices=long[:1], counts=Counts(10**9, 10**9, 10**9, 10**12, 10**9, 10**9)),),
            *(waiting(state=state, truth=known, notices=long), waiting(state=state, truth=known, notices=("x" * 999,))),
        )
        assert len({drawn(panel(one, "mixer")).count("\n") for one in readings}) == 1


@pytest.mark.parametrize("name", ["Set [live].wav", "[/weird].wav", "[bold]", ":smile:.mp3"])
def test_names_are_shown_as_they_are(name: str) -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    sink = TerminalPanel(console, name)
    sink.write(reading(genre=name, top=(Candidate(name, 0.5),)))
    sink.close()
    assert isinstance(console.file, io.StringIO)
    last = console.file.getvalue().rpartition("opening")[2]
    assert last.count(name) >= 3  # title, winner, ranking


def test_an_unsure_genre_stands_behind_its_family() -> None:
    assert "Club 75%, perhaps Techno  29%" in line(unsure())
    assert "Club, perhaps Techno" in drawn(panel(unsure(), "mixer"))


def test_a_sure_genre_stands_before_its_family() -> None:
    assert "Club" not in line(unsure(state=State.LISTENING))
    assert "Techno  Club 75%" in drawn(panel(unsure(state=State.LISTENING), "mixer"))


def test_unknown_is_a_state_without_a_genre() -> None:
    assert line(waiting(state=State.UNKNOWN)).endswith("unknown")
    assert "unknown" in drawn(panel(waiting(state=State.UNKNOWN), "mixer"))


def test_mixing_is_shown() -> None:
    assert "(mixing)" in line(reading(mixing=True)) and "mixing" not in line(reading())
    assert "listening, mixing" in drawn(panel(reading(mixing=True), "mixer"))
