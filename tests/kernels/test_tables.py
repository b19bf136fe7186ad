import librosa
import numpy as np
import pytest
import scipy.signal

from edmlive.kernels import tables


@pytest.mark.parametrize("name", ["hann", "hamming"])
@pytest.mark.parametrize("length", [384, 2048])
def test_windows_are_periodic(name, length):
    np.testing.assert_allclose(
        tables.window(name, length), scipy.signal.get_window(name, length, fftbins=True), rtol=0, atol=1e-15
    )


def test_unknown_window_is_refused():
    with pytest.raises(ValueError, match="unknown window 'kaiser'; there are: hann, hamming"):
        tables.window("kaiser", 2048)  # type: ignore[arg-type]


def test_mel_filters_are_librosas():
    filters = tables.mel_filters()
    dense = np.zeros((tables.N_MELS, tables.N_FFT // 2 + 1))
    for band, first in enumerate(filters.first):
        weights = filters.weights[filters.offset[band] : filters.offset[band + 1]]
        dense[band, first : first + weights.size] = weights
    np.testing.assert_array_equal(dense, librosa.filters.mel(sr=tables.SAMPLE_RATE, n_fft=tables.N_FFT))
