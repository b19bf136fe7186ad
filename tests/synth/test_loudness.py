import math

import numpy as np
import pytest
from numpy.typing import NDArray

from edmlive.synth.kernels.dynamics import Section
from edmlive.synth.loudness import k_weighting, loudness

RATES = (44_100, 48_000, 96_000)


def tone(rate: int, *parts: tuple[float, float], hertz: float = 1_000.0) -> NDArray[np.float32]:
    """A stereo sine in parts of so many dB relative to full scale and so many seconds."""
    gains = np.concatenate([np.full(round(seconds * rate), 10 ** (level / 20)) for level, seconds in parts])
    wave = gains * np.sin(2 * np.pi * hertz * np.arange(len(gains)) / rate)
    return np.stack((wave, wave), axis=1).astype(np.float32)


def response(section: Section, hertz: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """The gain of a filter in dB."""
    b0, b1, b2, a1, a2 = section
    z = np.exp(-2j * np.pi * hertz / rate)
    return 20 * np.log10(np.abs((b0 + b1 * z + b2 * z**2) / (1 + a1 * z + a2 * z**2)))


@pytest.mark.parametrize("rate", RATES)
def test_full_scale_tone_in_one_channel_is_the_recommendation_s_reference(rate):
    samples = tone(rate, (0.0, 5.0), hertz=997.0)
    samples[:, 1] = 0
    assert loudness(samples, rate) == pytest.approx(-3.01, abs=0.02)
    assert loudness(samples[:, :1].copy(), rate) == pytest.approx(-3.01, abs=0.02)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(-23.0, 20.0)], -23.0),
        ([(-33.0, 20.0)], -33.0),
        ([(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)], -23.0),
        ([(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)], -23.0),
        ([(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)], -23.0),
    ],
)
def test_requirements_of_ebu_tech_3341(rate, parts, expected):
    assert loudness(tone(rate, *parts), rate) == pytest.approx(expected, abs=0.1)


def test_k_weighting_is_the_tabulated_one_at_48_khz_and_sounds_the_same_at_others():
    shelf, high_pass = k_weighting(48_000)
    assert shelf == pytest.approx(
        (1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585), abs=1e-12
    )
    assert high_pass == pytest.approx((1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621), abs=1e-12)
    hertz = np.geomspace(20, 12_000, 200)
    for filter_at_48, filter_at_44 in zip(k_weighting(48_000), k_weighting(44_100), strict=True):
        assert filter_at_44 != filter_at_48
        difference = response(filter_at_44, hertz, 44_100) - response(filter_at_48, hertz, 48_000)
        assert np.abs(difference).max() < 0.03


def test_channels_add_up():
    samples = tone(44_100, (-20.0, 3.0))
    assert loudness(samples) - loudness(samples[:, :1].copy()) == pytest.approx(10 * math.log10(2), abs=1e-3)


def test_silence_has_no_loudness():
    assert loudness(np.zeros((44_100, 2), np.float32)) == -math.inf
    assert loudness(np.zeros((0, 2), np.float32)) == -math.inf


def test_a_short_sound_is_measured_with_the_silence_behind_it():
    short = tone(44_100, (-10.0, 0.1))
    assert loudness(short) == pytest.approx(-10.0 - 10 * math.log10(4), abs=0.1)
