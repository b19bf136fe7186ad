from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edmlive.realtime.reading import State
from edmlive.sinks.web import timeline
from edmlive.sinks.web.timeline import Timeline
from tests.sinks.web.conftest import EVENING, at


def timeline_of(*readings: Any) -> Timeline:
    night = Timeline()
    for reading in readings:
        night.push(reading)
    return night


def test_readings_of_the_same_genre_are_one_segment() -> None:
    (segment,) = timeline_of(*(at(second, bpm=120.0 + second) for second in range(100))).to_json()
    assert segment == {
        "start": "2026-11-22T22:00:00.000+00:00",
        "end": "2026-11-22T22:01:39.000+00:00",
        "state": "listening",
        "genre": "Techno",
        "bpm": 219.0,
    }


def test_a_lost_tempo_does_not_wipe_the_last_one() -> None:
    (segment,) = timeline_of(at(0, bpm=128.0), at(1, bpm=None)).segments
    assert segment.bpm == 128.0


def test_a_segment_begins_where_the_one_before_ends() -> None:
    night = timeline_of(at(0), at(10), at(11, genre="House"), at(12, state=State.SILENCE), at(13, state=State.NO_INPUT))
    assert [(str(s.state), s.genre) for s in night.segments] == [
        ("listening", "Techno"),
        ("listening", "House"),
        ("silence", None),
        ("no input", None),
    ]
    assert all(b.start == a.end for a, b in zip(night.segments, list(night.segments)[1:], strict=False))


def test_a_time_in_which_nobody_listened_belongs_to_no_segment() -> None:
    night = timeline_of(at(0), at(10), at(3600), at(3601))
    assert [(s.end - s.start).total_seconds() for s in night.segments] == [10, 1]


def test_a_clock_put_back_does_not_turn_time_round() -> None:
    night = timeline_of(at(3600), at(3610), at(20), at(30))
    assert all(s.start <= s.end for s in night.segments)
    assert len(night.segments) == 2


def test_what_is_older_than_a_night_is_forgotten() -> None:
    hours = [at(3600 * hour, genre=genre) for hour in range(30) for genre in ("House", "Techno")]
    night = timeline_of(*hours)
    assert EVENING + timedelta(hours=29) - night.segments[0].end <= timeline.KEPT


@given(
    st.lists(st.tuples(st.floats(0, 120), st.sampled_from(State), st.sampled_from(["House", "Techno"])), max_size=60)
)
def test_no_night_is_too_long(steps: list[tuple[float, State, str]]) -> None:
    night, second = Timeline(), 0.0
    for pause, state, genre in steps * 100:
        second += pause
        night.push(at(second, state=state, **({"genre": genre} if state in ("listening", "unsure") else {})))
    assert len(night.segments) <= timeline.MOST_SEGMENTS
    assert all(a.end <= b.start for a, b in zip(night.segments, list(night.segments)[1:], strict=False))
