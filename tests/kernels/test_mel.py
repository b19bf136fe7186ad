import librosa
import numpy as np
import pytest

from edmlive.kernels import spectrum


def mel_of(samples, window):
    record = np.zeros(1, spectrum.SPECTRUM)
    spectrum.prepare(record, window)
    spectrum.mel_spectrum(samples, record[0])
    return record["mel"][0]


@pytest.mark.parametrize("window", ["hann", "hamming"])
def test_one_frame_is_librosas(window):
    samples = np.random.default_rng(1).standard_normal(2048)
    expected = librosa.feature.melspectrogram(y=samples, sr=22050, window=window, center=False)[:, 0]
    np.testing.assert_allclose(mel_of(samples, window), expected, rtol=1e-12)


def test_windows_differ():
    samples = np.random.default_rng(1).standard_normal(2048)
    assert not np.allclose(mel_of(samples, "hann"), mel_of(samples, "hamming"))


def test_levels_are_librosas_and_stop_at_amin():
    powers = np.array([0.0, 1e-300, 9.9e-11, 1e-10, 1.01e-10, 1e-3, 1.0, 2.6e5])
    levels = np.empty_like(powers)
    spectrum.power_to_db(powers, levels)
    np.testing.assert_allclose(levels, librosa.power_to_db(powers, top_db=None), rtol=0, atol=1e-12)
    assert levels.min() == pytest.approx(spectrum.MINIMUM_DB, abs=1e-12)
