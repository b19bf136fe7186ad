"""The complex spectrum against NumPy's."""

import numpy as np
import pytest

from edmlive.kernels.rhythm_fft import real_spectrum
from edmlive.kernels.rhythm_tables import half_roots


@pytest.mark.parametrize("length", [4, 8, 512, 1024])
def test_spectrum_is_the_dft(length):
    random = np.random.default_rng(length)
    for frame in (random.standard_normal(length), np.cos(np.arange(length)), np.ones(length)):
        spectrum = np.full(length // 2 + 1, np.nan, np.complex128)
        real_spectrum(frame, half_roots(length), spectrum)
        np.testing.assert_allclose(spectrum, np.fft.rfft(frame), atol=1e-11)
