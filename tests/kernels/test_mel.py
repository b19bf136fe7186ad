import librosa
import numpy as np
import pytest

from edmlive.kernels import spectrum


def mel_of(samples, window):
    record = np.zeros(1, spectrum.SPECTRUM)
    spectrum.prepare(record, window)
    for hop in samples.reshape(-1, 512):
        spectrum.append(record[0], hop)
    spectrum.mel_spectrum(record[0])
    return record["mel"][0]


@pytest.mark.parametrize("window", ["hann", "hamming"])
def test_one_frame_is_librosas(window):
    samples = np.random.default_rng(1).standard_normal(2048)
    expected = librosa.feature.melspectrogram(y=samples, sr=22050, window=window, center=False)[:, 0]
    np.testing.assert_allclose(mel_of(samples, window), expected, rtol=1e-12)


@pytest.mark.parametrize("hops", range(5, 10))
def test_only_the_latest_four_hops_count(hops):
    samples = np.random.default_rng(1).standard_normal(512 * hops)
    np.testing.assert_array_equal(mel_of(samples, "hann"), mel_of(samples[-2048:], "hann"))


def test_windows_differ():
    samples = np.random.default_rng(1).standard_normal(2048)
    assert not np.allclose(mel_of(samples, "hann"), mel_of(samples, "hamming"))


def test_levels_are_librosas_and_stop_at_amin():
    powers = np.array([0.0, 1e-300, 9.9e-11, 1e-10, 1.01e-10, 1e-3, 1.0, 2.6e5])
    levels = np.empty_like(powers)
    spectrum.power_to_db(powers, levels)
    np.testing.assert_allclose(levels, librosa.power_to_db(powers, top_db=None), rtol=0, atol=1e-12)
    assert levels.min() == pytest.approx(spectrum.MINIMUM_DB, abs=1e-12)


def test_levels_are_exact_over_all_powers_and_nan_where_there_is_none():
    powers = np.concatenate([10.0 ** np.random.default_rng(0).uniform(-10, 300, 20_000), 2.0 ** np.arange(-33, 1000)])
    levels = np.empty_like(powers)
    spectrum.power_to_db(powers, levels)
    np.testing.assert_allclose(levels, 10 * np.log10(powers), rtol=5e-15, atol=3e-14)
    spectrum.power_to_db(np.array([np.nan, np.inf]), levels[:2])
    assert np.isnan(levels[:2]).all()
