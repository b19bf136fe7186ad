import numpy as np
import pytest

from edmlive.kernels import fft

LENGTHS = (2048, 768)


def power_of(samples):
    """Plan with the power spectrum of samples; the window is one."""
    plan = np.zeros(1, fft.plan_dtype(samples.size))
    fft.prepare(plan)
    if samples.size == 768:
        fft.power_768(plan[0], samples[:384], np.ones(384))
    else:
        hops = np.stack([fft.packed(hop) for hop in samples.reshape(4, 512)])
        fft.power_2048(plan[0], hops, np.ones((4, 2, 256)))
    return plan[0]


def signals(length):
    """Signals; the second half of 768 samples is always zero."""
    rng = np.random.default_rng(length)
    time = np.arange(length)
    heard = 384 if length == 768 else length
    yield "noise", rng.standard_normal(length) * (time < heard)
    yield "impulse", (time == 1).astype(float)
    yield "constant", (time < heard).astype(float)
    yield "alternating", (-1.0) ** time * (time < heard)
    yield "sine between bins", np.sin(2 * np.pi * 37.3 * time / length) * (time < heard)
    yield "zeros", np.zeros(length)


CASES = [pytest.param(s, id=f"{n}-{name}") for n in LENGTHS for name, s in signals(n)]


@pytest.mark.parametrize("samples", CASES)
def test_power_is_numpys(samples):
    expected = np.abs(np.fft.rfft(samples)) ** 2
    np.testing.assert_allclose(power_of(samples)["power"], expected, rtol=0, atol=2e-15 * max(expected.max(), 1.0))


def test_power_is_that_of_the_windowed_samples():
    rng = np.random.default_rng(0)
    samples, window = rng.standard_normal((4, 512)), rng.standard_normal((4, 512))
    plan = np.zeros(1, fft.plan_dtype(2048))
    fft.prepare(plan)
    fft.power_2048(plan[0], *(np.stack([fft.packed(part) for part in whole]) for whole in (samples, window)))
    expected = np.abs(np.fft.rfft((samples * window).ravel())) ** 2
    np.testing.assert_allclose(plan["power"][0], expected, rtol=0, atol=2e-15 * expected.max())


def test_every_bin_has_its_place():
    """A sine in each bin in turn, so that no two bins can be swapped."""
    time = np.arange(2048)
    for k in range(1, 1024):
        assert np.argmax(power_of(np.cos(2 * np.pi * k * time / 2048))["power"]) == k


@pytest.mark.parametrize("seed", range(5))
def test_autocorrelation_is_the_direct_sum(seed):
    samples = np.random.default_rng(seed).standard_normal(384)
    plan = power_of(np.pad(samples, (0, 384)))
    lags = np.empty(384)
    fft.autocorrelation_768(plan, lags)
    expected = np.correlate(samples, samples, mode="full")[383:]
    np.testing.assert_allclose(lags / 768, expected, rtol=0, atol=1e-14 * expected[0])


@pytest.mark.parametrize("length", [4, 8, 512, 1024])
def test_complex_spectrum_is_numpys(length):
    random = np.random.default_rng(length)
    for frame in (random.standard_normal(length), np.cos(np.arange(length)), np.ones(length)):
        spectrum = np.full(length // 2 + 1, np.nan, np.complex128)
        fft.real_spectrum(frame, fft.half_roots(length), spectrum)
        np.testing.assert_allclose(spectrum, np.fft.rfft(frame), atol=1e-11)
