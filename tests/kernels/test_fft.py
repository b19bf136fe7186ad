import numpy as np
import pytest

from edmlive.kernels import fft

POWER = {2048: fft.power_2048, 768: fft.power_768}


def planned(samples):
    plan = np.zeros(1, fft.plan_dtype(samples.size))
    fft.prepare(plan)
    plan["work"][0, 0, fft.RE] = samples[0::2]
    plan["work"][0, 0, fft.IM] = samples[1::2]
    return plan[0]


def signals(length):
    rng = np.random.default_rng(length)
    time = np.arange(length)
    yield "noise", rng.standard_normal(length)
    yield "impulse", (time == 1).astype(float)
    yield "constant", np.ones(length)
    yield "alternating", (-1.0) ** time
    yield "sine between bins", np.sin(2 * np.pi * 37.3 * time / length)
    yield "zeros", np.zeros(length)


CASES = [pytest.param(s, id=f"{n}-{name}") for n in POWER for name, s in signals(n)]


@pytest.mark.parametrize("samples", CASES)
def test_power_is_numpys(samples):
    plan = planned(samples)
    POWER[samples.size](plan)
    expected = np.abs(np.fft.rfft(samples)) ** 2
    np.testing.assert_allclose(plan["power"], expected, rtol=0, atol=2e-15 * max(expected.max(), 1.0))


def test_every_bin_has_its_place():
    """A sine in each bin in turn, so that no two bins can be swapped."""
    time = np.arange(2048)
    for k in range(1, 1024):
        plan = planned(np.cos(2 * np.pi * k * time / 2048))
        fft.power_2048(plan)
        assert np.argmax(plan["power"]) == k


@pytest.mark.parametrize("seed", range(5))
def test_autocorrelation_is_the_direct_sum(seed):
    samples = np.random.default_rng(seed).standard_normal(384)
    plan = planned(np.pad(samples, (0, 384)))
    lags = np.empty(384)
    fft.power_768(plan)
    fft.autocorrelation_768(plan, lags)
    expected = np.correlate(samples, samples, mode="full")[383:]
    np.testing.assert_allclose(lags / 768, expected, rtol=0, atol=1e-14 * expected[0])
