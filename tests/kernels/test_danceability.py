"""Detrended fluctuation analysis against a plain one with fitted lines, and on noise whose exponent is known."""

import numpy as np
import pytest

from edmlive.kernels.danceability import danceability


def plain(deviations):
    curve = np.cumsum(deviations - deviations.mean())
    spans = [s for s in (int(31 * 1.1**i) for i in range(36)) if s <= len(curve)]
    fluctuations = []
    for span in spans:
        pieces = np.lib.stride_tricks.sliding_window_view(curve, span)[:: max(span // 50, 1)].T
        line = np.vander(np.arange(span), 2)
        residuals = pieces - line @ np.linalg.lstsq(line, pieces, rcond=None)[0]
        fluctuations.append(np.sqrt((residuals**2).mean()))
    return 1 / np.mean(np.diff(np.log10(fluctuations)) / np.diff(np.log10(np.array(spans) + 3.0)))


@pytest.mark.parametrize("n", [100, 1000, 6000])
def test_same_as_fitting_every_line(n):
    random = np.random.default_rng(n)
    beat = np.exp(-(np.arange(n) % 47) / 10.0)
    for deviations in (random.random(n), beat + 0.1 * random.random(n), np.cumsum(random.standard_normal(n))):
        assert danceability(deviations) == pytest.approx(plain(deviations), rel=1e-6)
        assert danceability(1e-3 * deviations) == pytest.approx(danceability(deviations), rel=1e-6)


def test_white_noise_has_exponent_one_half_and_brown_noise_one_and_a_half():
    white = np.random.default_rng(0).standard_normal(12_000)
    assert danceability(white) == pytest.approx(2.0, abs=0.2)
    assert danceability(np.cumsum(white)) == pytest.approx(1 / 1.5, abs=0.1)


def test_a_beat_is_danceable():
    random = np.random.default_rng(1)
    beat = np.exp(-(np.arange(12_000) % 47) / 10.0) + 0.05 * random.random(12_000)
    assert danceability(beat) > 3 * danceability(np.cumsum(random.standard_normal(12_000)))


@pytest.mark.parametrize("n", [1, 30, 31, 5000])
def test_silence_and_too_little_are_zero(n):
    assert danceability(np.zeros(n)) == 0.0
    if n < 32:
        assert danceability(np.random.default_rng(0).random(n)) == 0.0
