"""The short-term kernels against NumPy's FFT and pyAudioAnalysis's own numbers."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from edmlive.kernels.mid_term import beat, mid_term_statistics
from edmlive.kernels.short_term import SUMS, frame_sums, magnitude_spectrum, short_term_features
from edmlive.kernels.short_term_tables import BINS, FEATURES, FRAME_LENGTH

GOLDEN = Path(__file__).parents[1] / "golden"
SIGNALS = runpy.run_path(str(GOLDEN / "make_short_term.py"))["signals"]()
ZCR, ENERGY, ROLLOFF, FIRST_MFCC = 0, 1, 7, 8
NEEDS_MEAN_ON_ARRIVAL = [ZCR, ROLLOFF]


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "short_term.npz") as file:
        return {name: np.ascontiguousarray(values, np.float64) for name, values in file.items()}


def sums_of(samples):
    """Sums of all whole frames of a signal."""
    frames = np.asarray(samples, dtype=np.float64)
    frames = frames[: len(frames) // FRAME_LENGTH * FRAME_LENGTH].reshape(-1, FRAME_LENGTH)
    sums, spectrum, total = np.empty((len(frames), SUMS)), np.zeros(BINS + 1), 0.0
    for i, frame in enumerate(frames):
        frame_sums(frame, total, i, spectrum, sums[i])
        total += np.rint(frame * 32768).clip(-32768, 32767).sum()
    return sums


@pytest.mark.parametrize("position", [0, 1, 29, 551, 1101])
def test_spectrum_of_an_impulse_is_flat(position):
    frame = np.zeros(FRAME_LENGTH)
    frame[position] = 1.0
    spectrum = np.full(BINS + 1, np.nan)
    magnitude_spectrum(frame, spectrum)
    np.testing.assert_allclose(spectrum, 1.0, atol=1e-14)


def test_spectrum_is_the_dft():
    random = np.random.default_rng(0)
    for frame in (random.standard_normal(FRAME_LENGTH), np.cos(np.arange(FRAME_LENGTH)), np.ones(FRAME_LENGTH)):
        spectrum = np.full(BINS + 1, np.nan)
        magnitude_spectrum(frame, spectrum)
        np.testing.assert_allclose(spectrum, np.abs(np.fft.rfft(frame)), atol=1e-12)


@pytest.mark.parametrize("name", SIGNALS)
def test_features_are_pyaudioanalysis_own(name, golden):
    ours, theirs = short_term_features(sums_of(SIGNALS[name] / 32768)), golden[f"{name}.features"]
    exact = np.delete(np.arange(FEATURES), NEEDS_MEAN_ON_ARRIVAL)
    np.testing.assert_allclose(ours[:, exact], theirs[:, exact], rtol=2e-5, atol=1e-5)
    # Where the mean so far is not yet the mean of the whole, a few samples near zero change sides.
    error = np.abs(ours[:, NEEDS_MEAN_ON_ARRIVAL] - theirs[:, NEEDS_MEAN_ON_ARRIVAL])
    assert error.mean() < 1e-3


@pytest.mark.parametrize("name", SIGNALS)
def test_statistics_and_beat_of_given_features(name, golden):
    features = golden[f"{name}.features"]
    np.testing.assert_allclose(mid_term_statistics(features), golden[f"{name}.statistics"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(beat(features), golden[f"{name}.beat"], rtol=1e-9)


def test_gain_and_offset_fall_out():
    """The scale of the recording, which nobody knows live, changes nothing."""
    drums = np.rint(SIGNALS["drums"] / 8.0)
    reference = short_term_features(sums_of(drums / 32768))
    louder = short_term_features(sums_of((4.0 * drums + 1000.0) / 32768))
    exact = np.delete(np.arange(FEATURES), NEEDS_MEAN_ON_ARRIVAL)
    np.testing.assert_allclose(louder[:, exact], reference[:, exact], rtol=1e-6, atol=1e-7)


def test_a_full_scale_square_wave_has_unit_energy():
    square = np.where(np.arange(20 * FRAME_LENGTH) % 58 < 29, 0.9, -0.9)
    features = short_term_features(sums_of(square))
    np.testing.assert_allclose(features[:, ENERGY], 1.0, rtol=1e-3)
    np.testing.assert_allclose(features[:, ZCR], 38 / 1101, atol=1 / 1101)


def test_silence_has_the_floor_of_the_logarithm():
    features = short_term_features(sums_of(np.zeros(20 * FRAME_LENGTH)))
    assert np.isfinite(features).all()
    np.testing.assert_allclose(features[:, FIRST_MFCC], np.sqrt(40) * np.log10(np.finfo(float).eps))
    assert not features[:, :FIRST_MFCC].any() and not features[:, 21:].any()


def test_a_strange_array_is_refused_at_once():
    with pytest.raises(TypeError):
        magnitude_spectrum(np.zeros(FRAME_LENGTH, np.float32), np.zeros(BINS + 1))
