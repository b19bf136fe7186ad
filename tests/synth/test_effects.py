from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edmlive.synth import effects
from edmlive.synth.audio import RATE

EFFECTS = {
    "drive": lambda x: effects.drive(x, 0.7),
    "reverb": lambda x: effects.reverb(x, 1.5, 4_000.0, 0.01),
    "delay": lambda x: effects.delay(x, 0.02, 0.6, 3_000.0),
    "chorus": lambda x: effects.chorus(x, 0.8, 0.7),
    "tape": lambda x: effects.tape(x, 0.5),
}


def noise(samples: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, samples).astype(np.float32)


def sine(hertz: float, seconds: float, magnitude: float = 0.5) -> NDArray[np.float32]:
    return (magnitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def impulse(seconds: float) -> NDArray[np.float32]:
    samples = np.zeros(round(seconds * RATE), np.float32)
    samples[0] = 1
    return samples


def rms(samples: NDArray[Any]) -> float:
    return float(np.sqrt(np.mean(samples.astype(float) ** 2)))


def correlation(stereo: NDArray[Any]) -> float:
    """Between left and right."""
    return float(np.atleast_2d(np.corrcoef(stereo.T))[0, 1])


def band(samples: NDArray[np.float32], hertz: float, octaves: float = 0.2) -> NDArray[np.float64]:
    """Filter with a bell over the logarithm of frequency, which rings too briefly to be seen in a decay."""
    padded = np.pad(samples.astype(float), ((0, RATE), *((0, 0) for _ in samples.shape[1:])))
    distance = np.log2(np.maximum(np.fft.rfftfreq(len(padded), 1 / RATE), 1e-9) / hertz) / octaves
    spectrum = np.fft.rfft(padded.T) * np.exp(-0.5 * distance**2)
    return np.fft.irfft(spectrum, len(padded)).T[: len(samples)]


def reverberation_time(response: NDArray[np.float64]) -> float:
    """Seconds to fall by 60 dB: Schroeder's backward integration, from -5 to -35 dB."""
    energy = np.cumsum((response**2).sum(axis=1)[::-1])[::-1]
    level = 10 * np.log10(energy / energy[0])
    return 2 * (np.argmax(level < -35) - np.argmax(level < -5)) / RATE


@pytest.mark.parametrize("name", EFFECTS)
@settings(deadline=None, max_examples=20)
@given(samples=st.integers(1, 6_000))
def test_length_is_kept_and_silence_stays_silent(name, samples):
    wet = EFFECTS[name](noise(samples))
    assert wet.dtype == np.float32
    assert len(wet) == samples
    assert np.isfinite(wet).all()
    silent = EFFECTS[name](np.zeros(samples, np.float32))
    assert np.abs(silent).max() < 1e-12


@pytest.mark.parametrize("name", EFFECTS)
def test_effects_leave_their_input_and_repeat_themselves(name):
    samples = noise(RATE // 2)
    before = samples.copy()
    first, second = EFFECTS[name](samples), EFFECTS[name](samples)
    np.testing.assert_array_equal(samples, before)
    np.testing.assert_array_equal(first, second)
    assert first is not samples


@pytest.mark.parametrize("name", ["drive", "tape"])
def test_channels_are_treated_alike(name):
    stereo = np.stack((noise(RATE // 4, 1), noise(RATE // 4, 2)), axis=1)
    wet = EFFECTS[name](stereo)
    assert wet.shape == stereo.shape
    if name != "drive":  # its power is that of both
        for channel in range(2):
            np.testing.assert_array_equal(wet[:, channel], EFFECTS[name](stereo[:, channel].copy()))


def test_drive_adds_odd_harmonics_with_its_amount_at_the_same_power():
    clean = sine(441.0, 1.0)
    third = []
    for amount in (0.0, 0.2, 0.5, 1.0):
        driven = effects.drive(clean, amount)
        assert rms(driven) == pytest.approx(rms(clean), rel=1e-4)
        spectrum = np.abs(np.fft.rfft(driven))
        third.append(spectrum[3 * 441] / spectrum[441])
        assert spectrum[2 * 441] < 1e-4 * spectrum[441]
    assert third[0] < 1e-6
    assert np.all(np.diff(third) > 0)
    assert 0.25 < third[-1] < 1 / 3  # a square wave has a third


@pytest.mark.parametrize(("seconds", "brightness"), [(0.4, 6_000.0), (1.5, 5_000.0), (4.0, 3_000.0)])
def test_reverberation_time_is_as_requested_and_half_of_it_at_the_brightness(seconds, brightness):
    response = effects.reverb(impulse(1.4 * seconds + 0.5), seconds, brightness)
    assert reverberation_time(band(response, 200)) == pytest.approx(seconds, rel=0.1)
    assert reverberation_time(band(response, brightness)) == pytest.approx(seconds / 2, rel=0.2)


def test_reverb_is_about_as_loud_as_the_sound_and_wide():
    dry = band(noise(10 * RATE), 200).astype(np.float32)
    for seconds in (0.5, 2.0, 5.0):
        wet = effects.reverb(dry, seconds, 8_000.0)[5 * RATE :]
        assert 20 * np.log10(rms(wet) / rms(dry)) == pytest.approx(0.0, abs=2.5)
    assert abs(correlation(effects.reverb(noise(5 * RATE), 2.0))) < 0.2


def test_predelay_shifts_the_reverb():
    dry = noise(RATE)
    early, late = effects.reverb(dry, 1.0), effects.reverb(dry, 1.0, predelay_s=0.1)
    shift = RATE // 10
    assert np.abs(late[:shift]).max() < 1e-12
    np.testing.assert_allclose(late[shift:], early[:-shift], rtol=0, atol=1e-12)


def test_reverb_rings_evenly():
    response = effects.reverb(impulse(1.0), 2.0, 20_000.0)[RATE // 5 : RATE // 2, 0]
    # Diffuse sound is noise: about 32 % of it lies beyond one standard deviation. Separate echoes would have far less.
    assert np.mean(np.abs(response) > response.std()) == pytest.approx(0.317, abs=0.06)


def test_echoes_come_in_time_change_sides_and_grow_quieter_and_duller():
    lag = round(0.25 * RATE)
    echoes = effects.delay(impulse(1.1), 0.25, 0.5, 4_000.0)
    starts = [np.flatnonzero(np.abs(echoes[:, side]) > 1e-4) for side in range(2)]
    assert [starts[0][0], starts[1][0]] == [lag, 2 * lag]
    # The low-pass leaves the area of an echo alone, and takes its height.
    areas = [echoes[k * lag : (k + 1) * lag, (k + 1) % 2].sum() for k in (1, 2, 3)]
    np.testing.assert_allclose(areas, [1.0, 0.5, 0.25], rtol=1e-3)
    peaks = [echoes[k * lag : (k + 1) * lag].max() for k in (1, 2, 3)]
    assert peaks[1] < 0.45 * peaks[0]
    assert peaks[2] < 0.45 * peaks[1]


def test_chorus_without_depth_is_the_sound_in_the_centre_and_with_depth_is_wide():
    dry = noise(2 * RATE)
    np.testing.assert_array_equal(effects.chorus(dry, 0.0), np.stack((dry, dry), axis=1))
    similarity = [correlation(effects.chorus(dry, depth)) for depth in (0.1, 0.5, 1.0)]
    assert similarity[0] > similarity[1] > similarity[2]
    assert similarity[2] < 0.9


def test_ducking_is_deepest_after_the_attack_and_over_after_the_release():
    curve = effects.duck(RATE, np.array([10_000, 30_000]), 0.7, 0.01, 0.2)
    attack, release = round(0.01 * RATE), round(0.2 * RATE)
    assert curve.min() == pytest.approx(0.3, abs=1e-6)
    for start in (10_000, 30_000):
        assert curve[start + attack] == curve.min()
        assert curve[start - 1] == 1
        assert curve[start + attack + release] == 1
    assert np.abs(np.diff(curve)).max() < 2 * 0.7 / attack
    np.testing.assert_array_equal(effects.duck(100, np.array([], int), 0.7), np.ones(100, np.float32))


@given(
    starts=st.lists(st.integers(0, 20_000), max_size=20),
    depth=st.floats(0, 1),
    attack=st.floats(0.001, 0.05),
    release=st.floats(0.01, 0.4),
)
@settings(deadline=None)
def test_ducking_never_jumps(starts, depth, attack, release):
    curve = effects.duck(15_000, np.array(starts, int), depth, attack, release)
    assert len(curve) == 15_000
    assert 1 - depth - 1e-6 <= curve.min()
    assert curve.max() <= 1
    assert np.abs(np.diff(curve)).max() <= 1.6 * depth / (min(attack, release) * RATE - 1) + 1e-6


def test_vinyl_has_its_level_crackles_and_rumbles():
    record = effects.vinyl(5 * RATE, np.random.default_rng(3), -40.0)
    np.testing.assert_array_equal(record, effects.vinyl(5 * RATE, np.random.default_rng(3), -40.0))
    assert record.shape == (5 * RATE, 2)
    assert 20 * np.log10(rms(record)) == pytest.approx(-40.0, abs=0.01)
    assert np.abs(record).max() > 8 * rms(record)
    assert rms(band(record, 35)) > 10 * rms(band(record, 200))
    assert abs(correlation(record)) < 0.1


def test_tape_sways_the_pitch_and_no_more():
    dry = sine(3_000.0, 4.0)
    wet = effects.tape(dry, 1.0)
    crossings = np.flatnonzero((wet[:-1] < 0) & (wet[1:] >= 0))
    crossings = crossings + wet[crossings] / (wet[crossings] - wet[crossings + 1])  # between samples
    hertz = RATE * 30 / (crossings[30:] - crossings[:-30])
    semitones = 12 * np.log2(hertz / 3_000.0)
    assert 0.2 < np.abs(semitones).max() < 0.6
    assert abs(semitones[: 7 * len(semitones) // 8].mean()) < 0.1
    np.testing.assert_array_equal(effects.tape(dry, 0.0), dry)
