"""The streaming rhythm kernel against the same values computed plainly with NumPy."""

import itertools

import numpy as np
import pytest

from edmlive.kernels.rhythm import DIFFERENCES, LAG_STEPS, SOUND_SIZE, STATE, advance
from edmlive.kernels.rhythm_tables import BEAT_FRAME, GRID, ONSET_FRAME
from edmlive.kernels.tables import HOP_LENGTH, SAMPLE_RATE, window

STEPS = 60


def run(samples):
    steps = len(samples) // HOP_LENGTH
    rows = (
        np.empty((steps, DIFFERENCES)),
        np.empty((2 * steps, 2)),
        np.empty((2 * steps, SOUND_SIZE)),
        np.empty(3 * steps),
    )
    powers = np.empty(steps)
    counts = advance(samples, np.zeros(1, STATE), *rows, powers)
    return rows[0][: counts[0]], rows[1], rows[2][: counts[1]], rows[3][: counts[2]], powers[: counts[3]]


def plain_onset_functions(samples, length, hop):
    frames = np.lib.stride_tricks.sliding_window_view(samples, length)[::hop]
    spectra = np.fft.rfft(frames * window("hann", length))
    magnitude, phase = np.abs(spectra), np.angle(spectra)
    last, before = np.roll(phase, 1, axis=0), np.roll(phase, 2, axis=0)
    expected = np.roll(magnitude, 1, axis=0) * np.exp(1j * (2 * last - before))
    expected[:2] = 0.0  # of nothing, nothing is expected
    return magnitude @ np.arange(length // 2 + 1), np.abs(spectra - expected).sum(axis=1)


@pytest.fixture(scope="module")
def music():
    random = np.random.default_rng(0)
    time = np.arange(STEPS * HOP_LENGTH) / SAMPLE_RATE
    strokes = np.exp(-20 * (time % 0.4))
    return 0.3 * np.sin(2 * np.pi * 80 * time) * strokes + 0.1 * random.standard_normal(len(time)) * strokes


def tone(frequency, amplitude=0.1):
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(STEPS * HOP_LENGTH) / SAMPLE_RATE)


def test_complex_spectral_difference_of_the_beat_frames(music):
    _, expected = plain_onset_functions(music, BEAT_FRAME, HOP_LENGTH)
    np.testing.assert_allclose(run(music)[0][:, 0], expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("frequency", "bands"), [(50, [1, 0, 0]), (120, [0, 1, 0]), (260, [0, 0, 1]), (2000, [0, 0, 0])]
)
def test_the_difference_in_bands_of_the_bass(frequency, bands):
    whole, *parts = run(tone(frequency) * np.linspace(0, 1, STEPS * HOP_LENGTH))[0][20:].sum(axis=0)
    np.testing.assert_allclose(np.array(parts) / whole, bands, atol=0.25)


def test_both_onset_functions_on_the_grid(music):
    padded = np.concatenate([np.zeros(ONSET_FRAME // 2), music])
    content, difference = plain_onset_functions(padded, ONSET_FRAME, GRID)
    onsets = run(music)[1]
    assert len(onsets) == 2 * STEPS
    np.testing.assert_allclose(onsets[:, 0], content[: 2 * STEPS], rtol=1e-9)
    np.testing.assert_allclose(onsets[:, 1], difference[: 2 * STEPS], rtol=1e-9)


def test_deviations_of_ten_milliseconds(music):
    deviations = run(music + 0.2)[3]
    edges = np.arange(len(deviations) + 1) * 441 // 2
    expected = [music[a:b].std() for a, b in itertools.pairwise(edges)]
    assert len(deviations) == len(music) * 2 // 441
    np.testing.assert_allclose(deviations, expected, rtol=1e-6)


@pytest.mark.parametrize(("frequency", "decibels"), [(100, -15.2), (1000, -8.3), (3500, -0.7), (8000, -15.7)])
def test_the_loudness_filter_weighs_as_replay_gain(frequency, decibels):
    """Expected: the target curve of the ReplayGain 1.0 specification."""
    powers = run(tone(frequency))[4]
    assert len(powers) == STEPS * HOP_LENGTH * 2 // 2205
    assert 10 * np.log10(powers[5:] / (0.5 * 0.1**2)) == pytest.approx(np.full(len(powers) - 5, decibels), abs=0.5)


@pytest.mark.parametrize(("frequency", "band"), [(100, 0), (300, 1), (600, 2), (1000, 3), (2500, 4), (6000, 5)])
def test_a_tone_sounds_in_its_band(frequency, band):
    sounds = run(tone(frequency))[2]
    assert len(sounds) == 2 * (STEPS - LAG_STEPS)
    middle = sounds[10:-10]
    np.testing.assert_allclose(middle[:, 1 + band], 1.0, atol=1e-3)
    # The window spreads a tone's peak, of its squared amplitude, over 1.61 bins.
    np.testing.assert_allclose(middle[:, 0], 1.61 * 0.1**2, rtol=0.01)


def test_a_beat_is_measured_from_its_peak_on():
    """A burst is heard in full from each place within 50 ms of its peak, and else not at all."""
    samples = np.zeros(STEPS * HOP_LENGTH)
    peak = 12_000
    samples[peak : peak + 1500] = tone(300, 1.0)[:1500]
    samples[peak] = 2.0
    energies = run(samples)[2][:, 0]
    near = np.abs(np.arange(len(energies)) * GRID - peak) < 1000
    assert (energies[near] > 0.9 * energies.max()).all()
    far = np.abs(np.arange(len(energies)) * GRID - peak) > 3000
    assert not energies[far].any()


def test_silence_is_silent():
    differences, onsets, sounds, deviations, powers = run(np.zeros(STEPS * HOP_LENGTH))
    for rows in (differences, onsets, sounds, deviations, powers):
        assert rows.size and not rows.any()


def test_whole_steps_at_a_time_give_the_same_bits(music):
    state, rows = np.zeros(1, STATE), []
    for step in range(STEPS):
        out = np.empty((1, DIFFERENCES)), np.empty((2, 2)), np.empty((2, SOUND_SIZE)), np.empty(3), np.empty(1)
        counts = advance(music[step * HOP_LENGTH : (step + 1) * HOP_LENGTH], state, *out)
        lengths = counts[0], 2, *counts[1:]
        rows.append([values[:length] for values, length in zip(out, lengths, strict=True)])
    for stepwise, whole in zip(map(np.concatenate, zip(*rows, strict=True)), run(music), strict=True):
        np.testing.assert_array_equal(stepwise, whole)
