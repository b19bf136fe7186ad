"""Sessions are read back however they were cut, rotated or interrupted."""

import json
import random
from datetime import UTC, datetime, timedelta, timezone
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


def test_clock_that_is_set_within_a_run_does_not_stretch_the_night(tmp_path: Path) -> None:
    whole = list(lines([("Techno", 120)]))
    for i in range(60):
        whole[i] = changed(whole[i], clock=f"1970-01-01T01:00:{i:02d}.000+01:00")
    session = read_session([write(tmp_path / "night.jsonl", iter(whole))])
    assert session.live
    assert session.start == START
    assert session.seconds == 120
    assert session.runs == [0]


@pytest.mark.parametrize("hours", [-1, 1])
def test_clock_that_is_set_by_an_hour_leaves_the_length(tmp_path: Path, hours: int) -> None:
    whole = list(lines([("Techno", 120)]))
    for i in range(60, 120):
        whole[i] = changed(whole[i], clock=(START + timedelta(hours=hours, seconds=i)).isoformat())
    session = read_session([write(tmp_path / "night.jsonl", iter(whole))])
    assert (session.live, session.seconds) == (True, 120)
    assert session.start == START + timedelta(hours=hours)


def test_run_before_the_clock_was_set_ends_where_the_next_begins(tmp_path: Path) -> None:
    since = (datetime.fromisoformat("1970-01-01T00:00:00+01:00") - START).total_seconds()
    path = write(tmp_path / "night.jsonl", lines([("Techno", 60)], start=since), lines([("House", 60)]))
    session = read_session([path])
    assert session.seconds == 120
    assert session.start == START - timedelta(seconds=60)


@pytest.mark.parametrize("identified", [True, False])
def test_two_writers_of_one_file_are_kept_apart(tmp_path: Path, identified: bool) -> None:
    first = list(lines([("Techno", 60)]))
    second = list(lines([("House", 40)], start=20.4))
    if identified:
        first = [changed(line, session="a") for line in first]
        second = [changed(line, session="b") for line in second]
    mixed = [*first[:20], *(line for pair in zip(first[20:], second, strict=True) for line in pair)]
    session = read_session([write(tmp_path / "night.jsonl", iter(mixed))])
    assert {line.genre for line in session.lines} == {"Techno"}
    assert (session.seconds, session.runs) == (60, [0])
    (fault,) = session.skipped
    assert "40 readings skipped: another edmlive" in fault


def test_times_after_daylight_saving_ends_are_those_of_the_clock_on_the_wall(tmp_path: Path) -> None:
    summer, winter = timezone(timedelta(hours=2)), timezone(timedelta(hours=1))
    end = datetime(2026, 10, 25, 1, tzinfo=UTC)
    whole = [
        changed(line, clock=(end + timedelta(seconds=i - 60)).astimezone(summer if i < 60 else winter).isoformat())
        for i, line in enumerate(lines([("Techno", 120)]))
    ]
    session = read_session([write(tmp_path / "night.jsonl", iter(whole))])
    assert session.seconds == 120
    assert session.moment(59).isoformat() == "2026-10-25T02:59:59+02:00"
    assert session.moment(61).isoformat() == "2026-10-25T02:00:01+01:00"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_file_that_went_through_an_editor_is_read(tmp_path: Path, encoding: str, newline: str) -> None:
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    path = tmp_path / "night.jsonl"
    path.write_bytes((mark + newline.join(lines([("Techno", 10)]))).encode(encoding))
    session = read_session([path])
    assert (len(session.lines), session.skipped) == (10, [])


def test_year_that_no_clock_shows_is_a_line_skipped(tmp_path: Path) -> None:
    good = list(lines([("Techno", 2)]))
    strange = [changed(good[1], clock=f"{year}-01-01T00:00:00+01:00") for year in ("0001", "9999")]
    session = read_session([write(tmp_path / "night.jsonl", iter([*good, *strange]))])
    assert len(session.lines) == 2
    assert len(session.skipped) == 1
