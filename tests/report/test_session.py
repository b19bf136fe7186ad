"""Sessions are read back however they were cut, rotated or interrupted."""

import json
import random
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edmlive.errors import UserError
from edmlive.report.session import read_session
from edmlive.sources.health import Counts
from tests.report.nights import START, changed, lines, write


def test_live_session_follows_the_clock(tmp_path: Path) -> None:
    session = read_session([write(tmp_path / "night.jsonl", lines([("Techno", 60)]))])
    assert session.live
    assert session.start == START
    assert session.at.tolist() == list(range(60))
    assert session.seconds == 60
    assert session.moment(3600) == START + timedelta(hours=1)


def test_audio_read_faster_than_it_plays_follows_itself(tmp_path: Path) -> None:
    session = read_session([write(tmp_path / "set.jsonl", lines([("Techno", 600)], speed=20))])
    assert not session.live
    assert session.seconds == 600


def test_rotated_files_are_put_in_order(tmp_path: Path) -> None:
    whole = list(lines([("Techno", 90), ("House", 90)]))
    parts = [write(tmp_path / f"{i}.jsonl", iter(whole[60 * i : 60 * i + 60])) for i in range(3)]
    random.Random(1).shuffle(parts)
    session = read_session(parts)
    assert [line.time for line in session.lines] == list(range(1, 181))
    assert session.runs == [0]


def test_runs_are_told_apart_and_their_counts_added(tmp_path: Path) -> None:
    first = lines([("Techno", 30)], counts=Counts(decisions=30, gaps=1, frames_lost=500))
    second = lines([("House", 30)], start=100, counts=Counts(decisions=29, gaps=2))
    session = read_session([write(tmp_path / "night.jsonl", first, second)])
    assert session.runs == [0, 30]
    assert session.counts == Counts(decisions=59, gaps=3, frames_lost=500)
    assert session.at[30] == 100
    assert session.until[29] == 30


def test_clock_that_is_set_back_does_not_reverse_the_session(tmp_path: Path) -> None:
    whole = list(lines([("Techno", 60)]))
    whole[30] = changed(whole[30], clock=(START - timedelta(hours=1)).isoformat())
    session = read_session([write(tmp_path / "night.jsonl", iter(whole))])
    assert (session.at[1:] >= session.at[:-1]).all()
    assert session.seconds == 60


def test_truncated_and_foreign_lines_are_skipped_and_reported(tmp_path: Path) -> None:
    good = list(lines([("Techno", 10)]))
    old = json.loads(good[1])
    del old["schema"], old["clock"]
    strange = [changed(good[2], schema=2, mood="dark"), json.dumps(old), '{"a": 1}', "[]", changed(good[3], bpm="fast")]
    path = write(tmp_path / "night.jsonl", iter([good[0], *strange, good[-1], good[5][:100]]))
    session = read_session([path])
    assert len(session.lines) == 2
    faults = "\n".join(session.skipped)
    assert f"{path}: line 2 skipped: written by a newer edmlive (schema 2, this one reads 1)" in faults
    assert f"{path}: line 3 and 1 more skipped: written by an older edmlive" in faults
    assert f"{path}: line 5 and 1 more skipped: not a reading" in faults
    assert f"{path}: line 8 skipped: truncated" in faults


def test_new_fields_of_the_same_schema_are_no_trouble(tmp_path: Path) -> None:
    path = write(tmp_path / "night.jsonl", (changed(line, mood="dark") for line in lines([("Techno", 3)])))
    assert read_session([path]).skipped == []


@pytest.mark.parametrize("content", [b"", b"\n\n", b"RIFF\x00\xff\xfe", b'{"schema": 2}\n', b"[" * 100_000])
def test_file_without_readings_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "night.jsonl"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"There is no reading to report: .*\.$"):
        read_session([path])


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none.jsonl cannot be read \(no such file or directory\)"):
        read_session([tmp_path / "none.jsonl"])


JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5), st.lists, max_leaves=5)
FIELDS = ("schema", "time", "clock", "state", "genre", "confidence", "bpm", "level_dbfs", "counts", "notices", "model")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_no_value_of_a_field_is_worse_than_a_line_skipped(tmp_path: Path, fields: dict[str, object]) -> None:
    good = list(lines([("Techno", 2)]))
    session = read_session([write(tmp_path / "night.jsonl", iter([good[0], changed(good[1], **fields)]))])
    assert len(session.lines) + len(session.skipped) == 2
