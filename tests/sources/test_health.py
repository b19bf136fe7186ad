"""The state machine of a live input, with time given by the test."""

import pytest

from edmlive.sources.health import (
    BACK_SECONDS,
    FIRST_AUDIO_SECONDS,
    LOOK_SECONDS,
    STALL_SECONDS,
    HealthMonitor,
    Liveness,
    Transition,
)

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


def look(monitor: HealthMonitor, since: float, until: float) -> Transition | None:
    """Look at a silent input eight times a second; return the change of state, if there is one."""
    changes = [monitor.nothing_arrived(since + n / 8) for n in range(1, round(8 * (until - since)) + 1)]
    return next(filter(None, changes), None)


def test_silence_is_counted_from_the_newest_audio(healthy: HealthMonitor) -> None:
    for now in (101.0, 102.0, 103.0):
        healthy.audio_arrived(now)
    assert look(healthy, 103.0, 103.0 + STALL_SECONDS) is None
    stalled = healthy.nothing_arrived(103.0 + STALL_SECONDS + MOMENT)
    assert stalled is not None and (stalled.before, stalled.after) == (HEALTHY, STALLED)
    assert "'mixer' has delivered no audio for 1.5 s" in stalled.reason
    assert healthy.notices(105.0) == (stalled.reason,)
    assert look(healthy, 105.0, 200.0) is None


def test_silence_that_a_busy_computer_did_not_look_at_is_no_stall(healthy: HealthMonitor) -> None:
    # Two looks far apart say little: the process that captures was as busy waiting for its turn as the one that looks.
    assert healthy.nothing_arrived(103.0) is None
    assert healthy.nothing_arrived(106.0) is None
    assert healthy.audio_arrived(106.25) is None
    assert healthy.nothing_arrived(109.0) is None
    assert healthy.audio_arrived(109.25) is None
    assert healthy.transitions == {HEALTHY: 1}


@pytest.mark.parametrize("apart", [0.02, 0.3, 1.0, 5.0])
def test_dead_input_is_noticed_however_busy_the_computer_is(healthy: HealthMonitor, apart: float) -> None:
    looks = 0
    while healthy.nothing_arrived(100.0 + (looks + 1) * apart) is None:
        looks += 1
    assert looks * min(apart, LOOK_SECONDS) <= STALL_SECONDS + MOMENT


def test_stalled_connection_is_overdue_at_once_and_a_new_one_later(healthy: HealthMonitor) -> None:
    look(healthy, 100.0, 101.5)
    assert not healthy.overdue()  # it has to stall first
    look(healthy, 101.5, 102.0)
    assert healthy.overdue()
    healthy.lost("gone")
    healthy.connected(110.0)
    look(healthy, 110.0, 110.0 + FIRST_AUDIO_SECONDS)
    assert not healthy.overdue()
    healthy.nothing_arrived(110.0 + FIRST_AUDIO_SECONDS + MOMENT)
    assert healthy.overdue()


def test_input_that_never_delivers_is_overdue(starting: HealthMonitor) -> None:
    starting.connected(103.0)
    assert look(starting, 103.0, 103.0 + FIRST_AUDIO_SECONDS) is None
    assert not starting.overdue()
    assert starting.nothing_arrived(103.0 + FIRST_AUDIO_SECONDS + MOMENT) is None
    assert starting.overdue()
    assert starting.lost("no audio") == Transition(STARTING, RECOVERING, "no audio")
    starting.audio_arrived(112.0)
    assert "'mixer' is back after 9.0 s" in starting.notices(112.0)[0]


def test_stall_that_ends_by_itself_is_no_reconnect(healthy: HealthMonitor) -> None:
    look(healthy, 100.0, 102.0)
    assert healthy.audio_arrived(103.0) == Transition(STALLED, HEALTHY, "audio arrives")
    assert healthy.reconnects == 0
    assert "back after 3.0 s" in healthy.notices(103.0)[0]


def test_time_away_counts_from_the_newest_audio_and_is_reported_for_a_while(healthy: HealthMonitor) -> None:
    look(healthy, 100.0, 102.0)
    healthy.lost("given up")
    assert healthy.lost("not there") is None  # a failed attempt to open it changes the reason only
    assert healthy.notices(104.0) == ("not there",)
    healthy.connected(106.0)
    assert healthy.audio_arrived(107.0) == Transition(RECOVERING, HEALTHY, "audio arrives")
    assert healthy.reconnects == 1
    assert "'mixer' is back after 7.0 s" in healthy.notices(107.0)[0]
    assert healthy.notices(107.0 + BACK_SECONDS) == ()
    assert healthy.transitions == {HEALTHY: 2, STALLED: 1, RECOVERING: 1}


def test_every_return_is_counted(healthy: HealthMonitor) -> None:
    for now in (200.0, 300.0, 400.0):
        healthy.audio_arrived(now)
        healthy.lost("gone")
        healthy.audio_arrived(now + 2)
    assert healthy.reconnects == 3
    assert "back after 2.0 s" in healthy.notices(402.0)[0]


@pytest.mark.parametrize("delivered", [True, False])
def test_failure_keeps_its_reason(starting: HealthMonitor, delivered: bool) -> None:
    if delivered:
        starting.audio_arrived(100.0)
    before = starting.state
    assert starting.failed("gone") == Transition(before, FAILED, "gone")
    assert starting.notices(101.0) == ("gone",)
