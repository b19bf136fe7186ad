import numpy as np
import pytest
from scipy.signal import freqz, lfilter

from edmlive.synth.kernels.filters import BAND, HIGH, LOW, NOTCH, ladder, one_pole, state_variable, tangent

RATE = 44_100.0
LENGTH = 1 << 15


def impulse() -> np.ndarray:
    samples = np.zeros(LENGTH, np.float32)
    samples[0] = 1.0
    return samples


def decibels(samples: np.ndarray) -> np.ndarray:
    return 20 * np.log10(np.abs(np.fft.rfft(samples.astype(np.float64))) + 1e-9)


def at(hertz: float) -> int:
    return round(hertz / RATE * LENGTH)


def bilinear(response: int, cutoff: float, resonance: float) -> tuple[list[float], list[float]]:
    """The same analogue filter through the textbook bilinear transform, as second-order coefficients."""
    g, k = np.tan(np.pi * cutoff / RATE), 1 / resonance
    below = [1 + g * k + g * g, 2 * (g * g - 1), 1 - g * k + g * g]
    above = {
        LOW: [g * g, 2 * g * g, g * g],
        HIGH: [1.0, -2.0, 1.0],
        BAND: [g * k, 0.0, -g * k],
        NOTCH: [1 + g * g, 2 * (g * g - 1), 1 + g * g],
    }[response]
    return above, below


@pytest.mark.parametrize("x", np.linspace(0.0, 1.29, 20))
def test_tangent_is_within_its_error(x: float) -> None:
    assert tangent(x) == pytest.approx(np.tan(x), rel=2e-5, abs=1e-12)


@pytest.mark.parametrize("response", [LOW, BAND, HIGH, NOTCH])
@pytest.mark.parametrize(("cutoff", "resonance"), [(60.0, 0.7), (1000.0, 0.5), (1000.0, 8.0), (12_000.0, 1.0)])
def test_state_variable_filter_is_the_bilinear_transform_of_its_prototype(
    response: int, cutoff: float, resonance: float
) -> None:
    noise = np.random.default_rng(0).standard_normal(5000).astype(np.float32)
    expected = lfilter(*bilinear(response, cutoff, resonance), noise.astype(np.float64))
    state_variable(noise, np.array([cutoff]), RATE, resonance, response)
    np.testing.assert_allclose(noise, expected, atol=1e-4 * np.abs(expected).max())


def test_moving_cutoff_that_stands_still_changes_nothing() -> None:
    still, moving = impulse(), impulse()
    state_variable(still, np.array([700.0]), RATE, 1.0, LOW)
    state_variable(moving, np.full(LENGTH, 700.0), RATE, 1.0, LOW)
    np.testing.assert_array_equal(still, moving)


def test_one_pole_falls_six_decibels_an_octave() -> None:
    samples = impulse()
    one_pole(samples, 500.0, RATE)
    level = decibels(samples)
    assert level[at(500)] == pytest.approx(-3.01, abs=0.05)
    assert level[at(2000)] - level[at(4000)] == pytest.approx(6.0, abs=0.6)


def test_ladder_falls_twentyfour_decibels_an_octave() -> None:
    samples = np.float32(1e-3) * impulse()
    ladder(samples, np.array([500.0]), RATE, 0.0)
    level = decibels(samples)
    assert level[at(2000)] - level[at(4000)] == pytest.approx(24.0, abs=1.5)


def test_filtering_silence_gives_silence_at_full_speed() -> None:
    samples = impulse()
    state_variable(samples, np.array([30.0]), RATE, 0.7, LOW)
    assert np.abs(samples[-100:]).max() < 1e-6
    assert np.isfinite(freqz(*bilinear(LOW, 30.0, 0.7))[1]).all()
