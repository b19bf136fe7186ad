"""Segments: flicker goes, what lasts stays where it was heard."""

from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edmlive.realtime.reading import State
from edmlive.realtime.segment import Segment
from edmlive.report.segments import (
    NOT_RUNNING,
    SETTLING_SECONDS,
    family_shares,
    find_events,
    find_segments,
    settle,
    shares,
    transitions,
)
from edmlive.report.session import read_session
from edmlive.sources.health import Counts
from tests.report.nights import START, Piece, changed, lines, write


def segments(tmp_path: Path, *pieces: Piece) -> list[Segment]:
    return find_segments(read_session([write(tmp_path / "night.jsonl", lines(list(pieces)))]))


def outline(found: list[Segment]) -> list[Piece]:
    return [(segment.label, segment.seconds) for segment in found]


def since_start(moment: datetime) -> float:
    return (moment - START).total_seconds()


def test_lasting_change_stays_where_it_was_heard(tmp_path: Path) -> None:
    pieces = [("warming up", 6), ("Techno", 300), ("House", 200)]
    found = segments(tmp_path, *pieces)
    assert outline(found) == pieces
    assert [(since_start(s.start), s.time) for s in found] == [(0, 1), (6, 7), (306, 307)]
    assert (found[1].state, found[1].bpm, found[1].level_dbfs) == ("listening", 128.0, -12.5)
    assert found[1].confidence == pytest.approx(round(6 / 21, 4))
    assert [change.label for change in transitions(found)] == ["Techno", "House"]
    assert shares(found) == {"Techno": 300, "House": 200}


@pytest.mark.parametrize(("seconds", "kept"), [(29, False), (31, True)])
def test_genre_heard_for_less_than_half_a_minute_within_another_is_flicker(
    tmp_path: Path, seconds: int, kept: bool
) -> None:
    pieces = [("Techno", 100), ("House", seconds), ("Techno", 100)]
    assert outline(segments(tmp_path, *pieces)) == (pieces if kept else [("Techno", 200 + seconds)])


def test_of_genres_that_alternate_the_commonest_remains(tmp_path: Path) -> None:
    flicker = [("Techno", 6), ("House", 5)] * 30
    assert outline(segments(tmp_path, *flicker)) == [("Techno", 330)]


def test_silence_and_lost_input_are_never_flicker(tmp_path: Path) -> None:
    pieces = [("Techno", 100), ("silence", 3), ("Techno", 100), ("no input", 1), ("House", 50)]
    found = segments(tmp_path, *pieces)
    assert outline(found) == pieces
    assert [change.label for change in transitions(found)] == ["Techno", "House"]


def test_time_without_lines_is_a_segment(tmp_path: Path) -> None:
    first, second = lines([("Techno", 60)]), lines([("Techno", 60)], start=600)
    found = find_segments(read_session([write(tmp_path / "night.jsonl", first, second)]))
    assert outline(found) == [("Techno", 60), (NOT_RUNNING, 540), ("Techno", 60)]


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.floats(0.1, 100)), min_size=1, max_size=7))
def test_settled_labels_are_the_cheapest_of_all(pieces: list[tuple[str, float]]) -> None:
    labels, seconds = [label for label, _ in pieces], [length for _, length in pieces]

    def cost(path: tuple[str, ...]) -> float:
        changes = sum(a != b for a, b in pairwise(path))
        wrong = sum(length for a, b, length in zip(path, labels, seconds, strict=True) if a != b)
        return changes * SETTLING_SECONDS / 2 + wrong

    every: list[tuple[str, ...]] = [()]
    for _ in labels:
        every = [(*path, label) for path in every for label in "ABC"]
    assert cost(tuple(settle(labels, seconds))) == pytest.approx(min(map(cost, every)))


def test_events_are_gaps_and_notices(tmp_path: Path) -> None:
    gap = Counts(gaps=1, frames_lost=4410)
    parts = [
        lines([("Techno", 10)]),
        lines([("Techno", 10)], start=10, notices=("The input clips.",)),
        lines([("Techno", 10)], start=20, counts=gap),
    ]
    whole = [line for part in parts for line in part]
    for i in range(10, 30):  # one run
        whole[i] = whole[i].replace(f'"time": {i % 10 + 1}.0', f'"time": {i + 1}.0')
    events = find_events(read_session([write(tmp_path / "night.jsonl", iter(whole))]))
    assert [(since_start(e.start), since_start(e.end), e.text) for e in events] == [
        (10, 20, "The input clips."),
        (20, 20, "Gap: 4410 frames lost"),
    ]


def test_a_segment_has_the_commonest_family_of_its_genre(tmp_path: Path) -> None:
    club = list(lines([("Techno", 80)], family="Club", family_confidence=0.7))
    bass = (changed(line, family="Bass", family_confidence=0.4) for line in club[60:])
    (found,) = find_segments(read_session([write(tmp_path / "night.jsonl", iter(club[:60]), bass)]))
    assert found.family == "Club" and found.family_confidence == pytest.approx(0.7)
    assert family_shares([found]) == {"Club": 80}


def test_a_segment_is_unsure_if_most_of_it_was(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"family": "Club", "family_confidence": 0.7}
    unsure = lines([("Techno", 60)], **fields, state=State.UNSURE)
    (found,) = find_segments(read_session([write(tmp_path / "night.jsonl", unsure)]))
    assert (found.state, found.answer) == ("unsure", "Club, perhaps Techno")
    sure = lines([("Techno", 60)], **fields)
    (found,) = find_segments(read_session([write(tmp_path / "night.jsonl", sure)]))
    assert (found.state, found.answer) == ("listening", "Techno")


def test_unknown_is_a_segment_without_a_genre(tmp_path: Path) -> None:
    found = segments(tmp_path, ("Techno", 60), ("unknown", 5), ("Techno", 60))
    assert outline(found) == [("Techno", 60), ("unknown", 5), ("Techno", 60)]
    assert found[1].genre is found[1].family is None and found[1].answer == "unknown"
