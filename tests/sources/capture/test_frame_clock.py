"""Lost frames and the true rate, from buffers and the times at which they were captured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edmlive.sources.capture.frame_clock import CONFIRM_SECONDS, LOSS_SECONDS, FrameClock

RATE = 48_000


def lost(
    buffers: int,
    frames: int,
    rate: float = RATE,
    holes: dict[int, float] | None = None,
    late: dict[int, float] | None = None,
) -> tuple[FrameClock, int]:
    """A clock after so many buffers, some after a hole, some only stamped late; and the frames it reports as lost."""
    clock, now, reported = FrameClock(RATE), 100.0, 0
    for i in range(buffers):
        now += frames / rate + (holes or {}).get(i, 0.0)
        reported += clock.push(frames, now + (late or {}).get(i, 0.0))
    return clock, reported


@given(st.integers(32, 8192), st.floats(-2e-3, 2e-3), st.integers(0, 2**32 - 1))
def test_no_loss_is_reported_where_there_is_none(frames: int, drift: float, seed: int) -> None:
    # Jitter of 2 ms, and a clock that is off by 0.2 % at most, for five seconds.
    random = np.random.default_rng(seed)
    buffers = 5 * RATE // frames
    late = dict(enumerate(random.uniform(-1e-3, 1e-3, buffers)))
    clock, reported = lost(buffers, frames, RATE * (1 + drift), late=late)
    assert reported == 0
    assert clock.true_rate == 0


@given(st.integers(32, 2048), st.floats(LOSS_SECONDS + 0.005, 20), st.floats(0.1, 0.8))
def test_hole_is_reported_to_the_millisecond(frames: int, seconds: float, place: float) -> None:
    buffers = 8 * RATE // frames
    _, reported = lost(buffers, frames, holes={round(place * buffers): seconds})
    assert reported == pytest.approx(seconds * RATE, abs=RATE / 1000)


def test_small_holes_add_up() -> None:
    _, reported = lost(500, 480, holes={i: 0.03 for i in range(100, 110)})
    assert reported == pytest.approx(0.3 * RATE, rel=0.1)


@pytest.mark.parametrize("seconds", [0.08, 0.25, 5])
def test_buffer_stamped_late_is_no_loss(seconds: float) -> None:
    _, reported = lost(500, 480, late={100: seconds, 101: seconds / 2, 300: seconds})
    assert reported == 0


@pytest.mark.parametrize("seconds", [0.08, 0.25, 2])
def test_buffer_stamped_early_is_no_loss(seconds: float) -> None:
    # As by a server that misjudges for a moment how much it has buffered.
    _, reported = lost(500, 480, late={100: -seconds, 101: -seconds / 2, 300: -seconds})
    assert reported == 0


def test_early_stamp_hides_no_loss_that_comes_later() -> None:
    _, reported = lost(1500, 480, holes={600: 1.0}, late=dict.fromkeys(range(100, 1500), -0.5))
    assert reported == pytest.approx(RATE, rel=0.02)


@pytest.mark.parametrize("fall", [0.012, 0.02, 0.04])
def test_time_stamps_like_a_saw_are_no_loss(fall: float) -> None:
    # As PulseAudio's on a busy machine: it guesses how much is buffered, and corrects itself.
    late = {i: fall * (1 - i % 20 / 20) for i in range(6000)}
    clock, reported = lost(6000, 480, late=late)
    assert (reported, clock.true_rate) == (0, 0)


def test_burst_after_a_pause_is_no_loss() -> None:
    pause = round(CONFIRM_SECONDS * RATE / 480) // 2
    _, reported = lost(500, 480, late={100 + i: 1 - i * 0.01 for i in range(pause)})
    assert reported == 0


@pytest.mark.parametrize("true", [44_100, 47_000, 49_000, 96_000])
def test_wrong_rate_is_measured_and_is_no_loss(true: int) -> None:
    clock, reported = lost(24 * true // 512, 512, true)
    assert clock.true_rate == pytest.approx(true, rel=1e-3)
    assert reported == 0


def test_rate_is_not_measured_across_a_hole() -> None:
    clock, _ = lost(2400, 480, holes={600: 3.0})
    assert clock.true_rate == 0
