import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edmlive.synth.audio import RATE
from edmlive.synth.loudness import loudness
from edmlive.synth.mastering import BALANCE_HERTZ, CEILING_DB, Master, balance, equalised, master
from tests.music import render

CEILING = 10 ** (CEILING_DB / 20)
TECHNO = (20.0, 19.0, 12.0, 9.0, 4.5, 0.0, -3.0, -6.0, -9.0, -11.5, -14.0, -20.0)
BRIGHT = (8.0, 10.0, 6.0, 3.0, 1.0, 0.0, -1.0, -3.0, -4.0, -5.0, -6.0, -9.0)
SETTINGS = Master(loudness=-9.0, balance=TECHNO)


def white(seconds: float = 20.0, magnitude: float = 0.1) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(0, magnitude, (round(seconds * RATE), 2)).astype(np.float32)


def pink(seconds: float = 20.0) -> NDArray[np.float32]:
    spectrum = np.fft.rfft(white(seconds), axis=0)
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))[:, np.newaxis]
    samples = np.fft.irfft(spectrum, axis=0)
    return (samples / np.abs(samples).max()).astype(np.float32)


@pytest.fixture(scope="module")
def music() -> NDArray[np.float32]:
    return render(30.0, RATE)


def shape(target: tuple[float, ...]) -> NDArray[np.float64]:
    return np.array(target) - np.mean(target)


def test_white_noise_is_flat_and_pink_noise_falls_by_3_db_an_octave():
    np.testing.assert_allclose(balance(white()), 0, atol=1.5)
    fall = np.polyfit(np.log2(BALANCE_HERTZ), balance(pink()), 1)[0]
    assert fall == pytest.approx(-3.0, abs=0.15)


def test_balance_has_no_level_and_silence_is_flat(music):
    np.testing.assert_allclose(balance(music), balance(music * np.float32(0.125)), atol=1e-4)
    np.testing.assert_array_equal(balance(np.zeros((RATE, 2), np.float32)), 0)


def test_equaliser_has_its_gains_and_starts_with_the_sound():
    click = np.zeros((RATE, 2), np.float32)
    click[1000] = 1, -0.5
    gains = np.array([6.0, 3.0, 0.0, -4.0, 2.0, 0.0, 5.0, -3.0, 0.0, 1.0, 8.0, -10.0])
    response = equalised(click, gains)
    assert response.shape == click.shape
    assert np.abs(response[:1000]).max() < 1e-6
    measured = 20 * np.log10(np.abs(np.fft.rfft(response[:, 0])))[np.array(BALANCE_HERTZ)]
    np.testing.assert_allclose(measured, gains, atol=0.5)
    np.testing.assert_allclose(response[:, 1], -0.5 * response[:, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("source", "target"), [("white", BRIGHT), ("pink", TECHNO), ("music", TECHNO), ("music", BRIGHT)]
)
@pytest.mark.parametrize("saturation", [0.1, 0.5])
def test_balance_is_reached(music, source, target, saturation):
    mix = {"white": white(), "pink": pink(), "music": music}[source]
    mastered = master(mix, dataclasses.replace(SETTINGS, balance=target, saturation=saturation))
    np.testing.assert_allclose(balance(mastered), shape(target), atol=1.0)


@pytest.mark.parametrize("target", [-16.0, -12.0, -9.5])
def test_loudness_is_reached_and_the_ceiling_holds(music, target):
    for mix in (pink(), music, 50 * music, 0.001 * music):
        mastered = master(mix.astype(np.float32), dataclasses.replace(SETTINGS, loudness=target, saturation=0.5))
        assert loudness(mastered) == pytest.approx(target, abs=0.5)
        assert np.abs(mastered).max() <= CEILING


def test_loudness_out_of_reach_is_approached_no_further_than_the_limiter_may_go():
    sparse = np.zeros((10 * RATE, 2), np.float32)
    sparse[:: RATE // 2] = 1.0
    mastered = master(sparse, dataclasses.replace(SETTINGS, loudness=-6.0, balance=(0.0,) * 12, saturation=0.0))
    assert np.abs(mastered).max() <= CEILING
    assert loudness(mastered) < -12


def test_limiter_makes_no_clicks():
    swell = np.sin(2 * np.pi * 60 * np.arange(4 * RATE) / RATE) * np.linspace(0.05, 1.0, 4 * RATE)
    mix = np.stack((swell, swell), axis=1).astype(np.float32)
    mastered = master(mix, Master(loudness=-6.0, balance=tuple(balance(mix)), glue=0.0, saturation=0.0))
    # A jump of the gain is a click: energy far above the tone.
    spectrum = np.abs(np.fft.rfft(mastered[:, 0] * np.hanning(len(mastered)))) ** 2
    above = np.fft.rfftfreq(len(mastered), 1 / RATE) > 3_000
    assert spectrum[above].sum() < 1e-6 * spectrum.sum()


def test_glue_narrows_the_distance_between_loud_and_quiet():
    noise = white(12.0)
    noise[: 6 * RATE] *= 0.05
    flat = tuple(balance(noise))

    def step(glue: float) -> float:
        mastered = master(noise, Master(loudness=-20.0, balance=flat, glue=glue, saturation=0.0))
        quiet, loud = mastered[2 * RATE : 5 * RATE], mastered[8 * RATE : 11 * RATE]
        return float(10 * np.log10((loud**2).mean() / (quiet**2).mean()))

    assert step(0.0) - step(3.0) == pytest.approx(3.0, abs=1.0)
    assert step(0.0) - step(6.0) == pytest.approx(6.0, abs=1.5)


def test_punch_lets_the_attack_through():
    strokes = white(8.0)
    beat = np.arange(len(strokes)) % (RATE // 2)
    strokes *= np.where(beat < RATE // 5, 1.0, 0.02).astype(np.float32)[:, np.newaxis]

    def attack(punch: float) -> float:
        mastered = master(strokes, Master(-20.0, tuple(balance(strokes)), glue=6.0, punch=punch, saturation=0.0))
        start, sustain = (beat > 20) & (beat < RATE // 100), (beat > RATE // 10) & (beat < RATE // 5)
        return float(10 * np.log10((mastered[start] ** 2).mean() / (mastered[sustain] ** 2).mean()))

    assert attack(0.03) > attack(0.001) + 1.0


def test_saturation_makes_denser(music):
    crest = []
    for saturation in (0.0, 0.4, 0.8):
        mastered = master(music, dataclasses.replace(SETTINGS, loudness=-25.0, saturation=saturation))
        crest.append(20 * np.log10(np.abs(mastered).max()) - loudness(mastered))
    assert crest[0] > crest[1] + 1 > crest[2] + 2


def test_width_and_room(music):
    def side(**changes: Any) -> float:
        mastered = master(music, dataclasses.replace(SETTINGS, **changes))
        middle, side = mastered.sum(axis=1), mastered[:, 0] - mastered[:, 1]
        return float((side**2).mean() / (middle**2).mean())

    assert side(width=0.0) < 1e-12
    assert side(width=1.5) > 1.5 * side(width=1.0) > 0.01
    assert side(width=0.0, room=0.5) > 1e-3


@settings(deadline=None, max_examples=25)
@given(samples=st.integers(1, 30_000), room=st.floats(0, 1), magnitude=st.sampled_from([0.0, 1e-6, 0.3, 20.0]))
def test_any_length_and_level(samples, room, magnitude):
    mix = white(1.0, magnitude)[:samples]
    mastered = master(mix, dataclasses.replace(SETTINGS, room=room))
    assert mastered.shape == mix.shape
    assert mastered.dtype == np.float32
    assert np.isfinite(mastered).all()
    assert np.abs(mastered).max() <= CEILING
    if magnitude == 0:
        assert np.abs(mastered).max() < 1e-9


def test_mastering_repeats_itself_and_leaves_the_mix(music):
    before = music.copy()
    np.testing.assert_array_equal(master(music, SETTINGS), master(music, SETTINGS))
    np.testing.assert_array_equal(music, before)
