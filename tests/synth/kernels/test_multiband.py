import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edmlive.synth.kernels.multiband import band_powers, compress_bands

RATE = 44_100.0
CROSSOVERS = (140.0, 2500.0)
HALF = 22_050


def bursts() -> np.ndarray:
    """Noise that is 30 dB down for half of each second."""
    noise = np.random.default_rng(0).standard_normal((44_100 * 4, 2)).astype(np.float32) * 0.2
    noise[np.arange(len(noise)) // HALF % 2 == 1] *= 10 ** (-30 / 20)
    return noise


def compressed(samples: np.ndarray, depth: float, most: float = 8.0) -> np.ndarray:
    out = samples.copy()
    compress_bands(out, *CROSSOVERS, RATE, band_powers(samples, *CROSSOVERS, RATE), 0.008, 0.0004, most, depth)
    return out


def contrast(samples: np.ndarray) -> float:
    """Level of the loud halves less that of the quiet ones, in dB, away from where they meet."""
    blocks = samples.reshape(8, HALF, 2)[:, HALF // 2 :]
    level = 10 * np.log10(np.mean(np.square(blocks, dtype=np.float64), axis=(1, 2)))
    return float(level[::2].mean() - level[1::2].mean())


def test_no_depth_changes_nothing() -> None:
    np.testing.assert_allclose(compressed(bursts(), 0.0), bursts(), atol=1e-6)


def test_full_depth_halves_contrast_in_decibels() -> None:
    assert contrast(bursts()) == pytest.approx(30, abs=1)
    assert contrast(compressed(bursts(), 1.0)) == pytest.approx(15, abs=2)


def test_quiet_passages_rise_by_no_more_than_the_most() -> None:
    quiet = bursts()
    quiet[40_000:] *= 1e-4
    ratio = np.abs(compressed(quiet, 1.0, most=4.0)[60_000:]).max() / np.abs(quiet[60_000:]).max()
    assert ratio == pytest.approx(4.0, rel=0.05)


@pytest.mark.parametrize(("hertz", "band"), [(30.0, 0), (600.0, 1), (12_000.0, 2)])
def test_bands_hold_what_belongs_to_them(hertz: float, band: int) -> None:
    tone = np.sin(2 * np.pi * hertz * np.arange(44_100) / RATE).astype(np.float32)
    powers = band_powers(np.stack((tone, tone), axis=1), *CROSSOVERS, RATE)
    assert int(powers.argmax()) == band
    assert powers[band] > 0.6 * powers.sum()


@given(st.integers(0, 300), st.floats(0.0, 1.0))
def test_any_length_stays_finite(length: int, depth: float) -> None:
    samples = np.random.default_rng(1).standard_normal((length, 2)).astype(np.float32)
    assert np.isfinite(compressed(samples, depth)).all()
