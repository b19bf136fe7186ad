"""The device's clock steps, drifts and wraps around; the times of what it captured stay right, and nothing is lost."""

from collections.abc import Callable

import numpy as np
import pytest

from edmlive.sources.capture.device_clock import CONFIRM_SECONDS, STEP_SECONDS, WINDOW_SECONDS, DeviceClock
from edmlive.sources.capture.frame_clock import FrameClock

RATE = 48_000
TOLERANCE = 0.05
HOUR = 3600.0


class Card:
    """Buffers of a card that is right by the monotonic clock, stamped by a clock that is not.

    Parameters
    ----------
    device
        What the device's clock shows at a time of the monotonic one.
    length
        Of a buffer in seconds.
    drift
        By how much faster than it claims the converter runs.
    """

    def __init__(
        self, device: Callable[[float], float], length: float = 0.01, drift: float = 0.0, seed: int = 0
    ) -> None:
        self.frames_lost = 0
        self.worst = 0.0
        self.true_rates: set[float] = set()
        self._device = device
        self._frames = round(length * RATE)
        self._length = self._frames / RATE / (1 + drift)
        self._random = np.random.default_rng(seed)
        self._clock = DeviceClock()
        self._frame_clock = FrameClock(RATE)
        self._end = 1000.0

    def play(self, seconds: float, late: float = 0.0) -> None:
        """Let callbacks come, each within two milliseconds or `late` by more."""
        for delay in self._random.exponential(2e-4, round(seconds / self._length)):
            self._end += self._length
            read = self._end + 0.02  # it has been buffered
            now = read + min(delay, 0.002) + late
            length = self._frames / RATE
            begin = self._device(read) - 0.02 - length
            end = self._clock.convert(now, self._device(read), begin, length)
            self.frames_lost += self._frame_clock.push(self._frames, end)
            self.true_rates.add(self._frame_clock.true_rate)
            self.worst = max(self.worst, abs(end - self._end))

    def lose(self, seconds: float) -> None:
        """Capture nothing for a while."""
        self._end += seconds


@pytest.mark.parametrize("seconds", [10.0, -10.0, 3600.0, -3600.0, 1.0, -1.0, 0.1, -0.1, 0.04, -0.04, 0.02, -0.02])
def test_clock_that_steps_costs_nothing(seconds: float) -> None:
    card = Card(lambda now: now + 1e9 + (seconds if now > 1030 else 0))
    card.play(90)
    assert card.worst < TOLERANCE
    assert (card.frames_lost, card.true_rates) == (0, {0.0})


@pytest.mark.parametrize("every", [0.2, 0.7, 3.0, 30.0])
def test_clock_that_steps_again_and_again(every: float) -> None:
    steps = np.cumsum(np.random.default_rng(1).uniform(-10, 10, 2000))
    card = Card(lambda now: now + steps[int((now - 900) / every)])
    card.play(120)
    assert card.worst < TOLERANCE
    assert (card.frames_lost, card.true_rates) == (0, {0.0})


@pytest.mark.parametrize("drift", [200e-6, -200e-6])
@pytest.mark.parametrize("whose", ["clock", "converter"])
def test_two_days_of_drift(drift: float, whose: str) -> None:
    # Long buffers make two days of them bearable.
    clock = drift if whose == "clock" else 0.0
    card = Card(lambda now: now * (1 + clock), length=0.25, drift=0.0 if clock else drift)
    card.play(48 * HOUR)
    assert card.worst < TOLERANCE
    assert (card.frames_lost, card.true_rates) == (0, {0.0})


def test_counter_of_frames_that_wraps_around() -> None:
    # As JACK's, of 32 bits: less than nothing is in the buffers just after it.
    wrap = 2**32 / RATE
    card = Card(lambda now: (now - 1000 + wrap - 30) % wrap)
    card.play(60)
    assert card.worst < TOLERANCE
    assert card.frames_lost == 0


@pytest.mark.parametrize("step", [0.0, 10.0, -10.0])
def test_loss_is_counted_though_the_clock_steps_with_it(step: float) -> None:
    card = Card(lambda now: now + (step if now > 1030 else 0))
    card.play(30)
    card.lose(2.9)
    card.play(30)
    assert card.frames_lost == pytest.approx(2.9 * RATE, abs=0.03 * RATE)
    card.play(WINDOW_SECONDS)
    assert card.frames_lost == pytest.approx(2.9 * RATE, abs=0.03 * RATE)


@pytest.mark.parametrize("late", [0.01, 0.2, 2.0])
def test_callbacks_of_a_busy_machine_are_no_step(late: float) -> None:
    card = Card(lambda now: now)
    for _ in range(20):
        card.play(1)
        card.play(0.9 * CONFIRM_SECONDS, late)
    card.play(20)
    assert card.worst < STEP_SECONDS
    assert card.frames_lost == 0


def test_time_stamps_never_run_ahead_of_what_has_arrived() -> None:
    clock = DeviceClock()
    assert clock.convert(10.0, 5.0, 7.0, 0.01) == 10.0
