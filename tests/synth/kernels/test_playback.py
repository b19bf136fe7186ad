"""Sounds are heard where they are placed and as fast as they are played, and nothing is added to them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edmlive.synth.kernels.playback import place, varispeed

RATE = 44_100
HOLD, GLIDE = RATE, RATE // 2


def test_own_speed_is_the_recording_itself() -> None:
    samples = np.random.default_rng(0).standard_normal((5000, 2)).astype(np.float32)
    np.testing.assert_array_equal(varispeed(samples, 4000, 1.0, 0, 0), samples[:4000])


@pytest.mark.parametrize("speed", [0.94, 1.0371, 1.06])
def test_speed_is_held_and_glides_to_the_recordings_own(speed: float) -> None:
    # A cubic through a straight line is that line.
    places = np.arange(4 * RATE, dtype=np.float32)[:, None] / np.float32(2**18)
    heard = varispeed(places, 3 * RATE, speed, HOLD, GLIDE)[:, 0].astype(np.float64) * 2**18
    speeds = np.interp(np.arange(3 * RATE) + 0.5, [0, HOLD, HOLD + GLIDE], [speed, speed, 1.0])
    np.testing.assert_allclose(np.diff(heard[1:]), speeds[1:-1], atol=0.02)
    np.testing.assert_allclose(heard[1:] - heard[1], np.cumsum(speeds[1:]) - speeds[1:], atol=0.03)


def test_after_the_glide_the_recordings_own_samples_are_heard() -> None:
    samples = np.random.default_rng(0).standard_normal((4 * RATE, 2)).astype(np.float32)
    heard = varispeed(samples, 3 * RATE, 1.0371, HOLD, GLIDE)[HOLD + GLIDE :]
    start = int(np.flatnonzero(samples[:, 0] == heard[0, 0])[0])
    np.testing.assert_array_equal(heard, samples[start : start + len(heard)])


def test_tone_stays_a_tone() -> None:
    speed, hertz = 1.05, 2000.0
    tone = np.sin(2 * np.pi * hertz * np.arange(2 * RATE) / RATE).astype(np.float32)[:, None]
    heard = varispeed(tone, RATE, speed, RATE, 0)[:, 0]
    offset = np.ceil(speed * RATE) - speed * RATE
    expected = np.sin(2 * np.pi * hertz * (offset + speed * np.arange(RATE)) / RATE)
    np.testing.assert_allclose(heard, expected, atol=0.004)


def test_beyond_the_recording_is_silence() -> None:
    heard = varispeed(np.ones((100, 2), np.float32), 300, 1.0, 0, 0)
    assert (heard[:100] == 1).all() and not heard[100:].any()


@given(st.lists(st.integers(-30, 60), max_size=8), st.integers(0, 20), st.integers(0, 50))
def test_sounds_are_added_where_they_fall_and_cut_off_elsewhere(starts: list[int], long: int, room: int) -> None:
    sound = np.arange(1, long + 1, dtype=np.float32)
    gains = np.linspace(0.5, 2.0, len(starts))
    track = np.zeros(room, np.float32)
    place(track, sound, np.array(starts, np.int64), gains)
    margin = np.zeros(room + 200)
    for start, gain in zip(starts, gains, strict=True):
        margin[100 + start : 100 + start + long] += gain * sound
    np.testing.assert_allclose(track, margin[100 : 100 + room], rtol=1e-6)
