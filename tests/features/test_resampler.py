"""Mono at 22,050 Hz as a stream: equal to soxr in one shot, however the input is cut, and with little delay."""

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from edmlive.features.resampler import Resampler
from tests.music import render

DIRECT = [44_100, 48_000, 88_200, 96_000, 176_400]
"""Rates at which soxr's filter is applied sample by sample."""


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([8_000, 22_050, 47_999, 192_000, *DIRECT]),
    st.sampled_from([1, 2, 3, 6]),
    st.lists(st.floats(0, 1), max_size=8),
)
def test_any_split_gives_the_one_shot_output(rate: int, channels: int, cuts: list[float]) -> None:
    samples = render(0.4, rate, channels)
    resampler = Resampler(rate)
    blocks = np.split(samples, sorted(int(cut * len(samples)) for cut in cuts))
    out = [resampler.push(block) for block in blocks]
    out.append(resampler.push(np.zeros((0, channels), np.float32), last=True))
    mono = np.zeros(len(samples), np.float32)
    for channel in range(channels):
        mono += samples[:, channel]
    expected = soxr.resample(mono * np.float32(1 / channels), rate, 22_050)
    heard = np.concatenate(out)
    np.testing.assert_array_equal(heard, Resampler(rate).push(samples, last=True))
    assert heard.dtype == np.float32
    if rate in DIRECT:
        # Where audio begins at full level, soxr has cut off what its first stage makes of it beforehand.
        np.testing.assert_allclose(heard, expected, rtol=0, atol=4e-3)
        np.testing.assert_allclose(heard[200:], expected[200:], rtol=0, atol=4e-7)
    else:
        np.testing.assert_array_equal(heard, expected)


@pytest.mark.parametrize("rate", DIRECT)
def test_delay_is_short_and_known(rate: int) -> None:
    resampler = Resampler(rate)
    taken = given = 0
    for frames in (1, 1, 500, 3, rate // 2, *[rate // 100] * 50):
        taken += frames
        given += len(resampler.push(np.zeros((frames, 1), np.float32)))
        assert resampler.held == pytest.approx(taken / rate - given / 22_050)
        assert resampler.held < 0.005
    assert resampler.held > 0.004


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


def test_input_is_not_modified() -> None:
    samples = render(0.1, 22_050, 1)
    before = samples.copy()
    out = Resampler(22_050).push(samples)
    out *= 2
    np.testing.assert_array_equal(samples, before)
