"""The state machine of a live input, with time given by the test."""

import pytest

from edmlive.sources.health import BACK_SECONDS, FIRST_AUDIO_SECONDS, STALL_SECONDS, HealthMonitor, Liveness, Transition

STARTING, HEALTHY, STALLED, RECOVERING, FAILED = Liveness
MOMENT = 0.01


@pytest.fixture
def starting() -> HealthMonitor:
    return HealthMonitor("Input device 'mixer'", 100.0)


@pytest.fixture
def healthy(starting: HealthMonitor) -> HealthMonitor:
    starting.audio_arrived(100.0)
    return starting


def test_first_audio_does_not_count_as_a_return(starting: HealthMonitor) -> None:
    assert starting.state is STARTING
    assert starting.notices(100.0) == ()
    assert starting.audio_arrived(101.0) == Transition(STARTING, HEALTHY, "audio arrives")
    assert starting.audio_arrived(101.5) is None
    assert (starting.state, starting.reconnects, starting.notices(101.5)) == (HEALTHY, 0, ())
    assert starting.transitions == {HEALTHY: 1}


def test_silence_is_counted_from_the_newest_audio(healthy: HealthMonitor) -> None:
    for now in (101.0, 102.0, 103.0):
        healthy.audio_arrived(now)
    assert healthy.nothing_arrived(103.0 + STALL_SECONDS) is None
    stalled = healthy.nothing_arrived(103.0 + STALL_SECONDS + MOMENT)
    assert stalled is not None and (stalled.before, stalled.after) == (HEALTHY, STALLED)
    assert "'mixer' has delivered no audio for 1.5 s" in stalled.reason
    assert healthy.notices(105.0) == (stalled.reason,)
    assert healthy.nothing_arrived(200.0) is None


def test_stalled_connection_is_overdue_at_once_and_a_new_one_later(healthy: HealthMonitor) -> None:
    assert not healthy.overdue(200.0)  # it has to stall first
    healthy.nothing_arrived(102.0)
    assert healthy.overdue(102.0)
    healthy.lost("gone", 102.0)
    healthy.connected(110.0)
    assert not healthy.overdue(110.0 + FIRST_AUDIO_SECONDS)
    assert healthy.overdue(110.0 + FIRST_AUDIO_SECONDS + MOMENT)


def test_input_that_never_delivers_is_overdue(starting: HealthMonitor) -> None:
    starting.connected(103.0)
    assert starting.nothing_arrived(103.0 + FIRST_AUDIO_SECONDS) is None
    assert not starting.overdue(103.0 + FIRST_AUDIO_SECONDS)
    assert starting.overdue(103.0 + FIRST_AUDIO_SECONDS + MOMENT)
    assert starting.lost("no audio", 108.0) == Transition(STARTING, RECOVERING, "no audio")
    starting.audio_arrived(112.0)
    assert "'mixer' is back after 4.0 s" in starting.notices(112.0)[0]


def test_stall_that_ends_by_itself_is_no_reconnect(healthy: HealthMonitor) -> None:
    healthy.nothing_arrived(102.0)
    assert healthy.audio_arrived(103.0) == Transition(STALLED, HEALTHY, "audio arrives")
    assert healthy.reconnects == 0
    assert "back after 1.0 s" in healthy.notices(103.0)[0]


def test_time_away_counts_from_when_it_was_noticed_and_is_reported_for_a_while(healthy: HealthMonitor) -> None:
    healthy.nothing_arrived(102.0)
    healthy.lost("given up", 103.0)
    assert healthy.lost("not there", 104.0) is None  # a failed attempt to open it changes the reason only
    assert healthy.notices(104.0) == ("not there",)
    assert healthy.audio_arrived(107.0) == Transition(RECOVERING, HEALTHY, "audio arrives")
    assert healthy.reconnects == 1
    assert "'mixer' is back after 5.0 s" in healthy.notices(107.0)[0]
    assert healthy.notices(107.0 + BACK_SECONDS) == ()
    assert healthy.transitions == {HEALTHY: 2, STALLED: 1, RECOVERING: 1}


def test_every_return_is_counted(healthy: HealthMonitor) -> None:
    for now in (200.0, 300.0, 400.0):
        healthy.lost("gone", now)
        healthy.audio_arrived(now + 2)
    assert healthy.reconnects == 3
    assert "back after 2.0 s" in healthy.notices(402.0)[0]


@pytest.mark.parametrize("delivered", [True, False])
def test_failure_keeps_its_reason(starting: HealthMonitor, delivered: bool) -> None:
    if delivered:
        starting.audio_arrived(100.0)
    before = starting.state
    assert starting.failed("gone", 101.0) == Transition(before, FAILED, "gone")
    assert starting.notices(101.0) == ("gone",)
