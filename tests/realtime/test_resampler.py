"""Mono at 22,050 Hz as a stream: soxr's one-shot answer, however the input is cut."""

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from edmlive.realtime.resampler import Resampler
from tests.music import render


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([8_000, 22_050, 44_100, 48_000, 192_000]),
    st.sampled_from([1, 2, 3, 6]),
    st.lists(st.floats(0, 1), max_size=8),
)
def test_any_cut_gives_the_one_shot_bits(rate: int, channels: int, cuts: list[float]) -> None:
    samples = render(0.4, rate, channels)
    resampler = Resampler(rate)
    blocks = np.split(samples, sorted(int(cut * len(samples)) for cut in cuts))
    out = [resampler.push(block) for block in blocks]
    out.append(resampler.push(np.zeros((0, channels), np.float32), last=True))
    mono = np.zeros(len(samples), np.float32)
    for channel in range(channels):
        mono += samples[:, channel]
    expected = soxr.resample(mono * np.float32(1 / channels), rate, 22_050)
    np.testing.assert_array_equal(np.concatenate(out), expected)


def test_single_samples_give_the_one_shot_bits() -> None:
    samples = render(0.1, 48_000, 2)
    resampler = Resampler(48_000)
    out = [resampler.push(samples[i : i + 1]) for i in range(len(samples))]
    out.append(resampler.push(samples[:0], last=True))
    whole = Resampler(48_000).push(samples, last=True)
    np.testing.assert_array_equal(np.concatenate(out), whole)


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_mix_is_the_mean_of_the_channels(channels: int) -> None:
    samples = render(0.1, 22_050, channels)
    np.testing.assert_allclose(Resampler(22_050).push(samples), samples.mean(axis=1), atol=1e-7)


def test_input_is_left_as_it_was() -> None:
    samples = render(0.1, 22_050, 1)
    before = samples.copy()
    out = Resampler(22_050).push(samples)
    out *= 2
    np.testing.assert_array_equal(samples, before)
