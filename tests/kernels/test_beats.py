"""The beat tracker on pulses, and against trying every sequence of beats; the onset counter on plain functions."""

import itertools

import numpy as np
import pytest

from edmlive.kernels.beats import count_onsets, track_beats
from edmlive.kernels.rhythm_tables import GRID_RATE


def constant(period, n):
    return np.full(n, period, np.int64)


def likelihood(onsets, period, beats):
    """Log-likelihood of a sequence of beats, up to a constant, straight from the model."""
    scaled = onsets / onsets.max()
    beat = np.zeros(len(onsets), bool)
    beat[list(beats)] = True
    total = np.log(np.maximum(np.where(beat, scaled, 1 - scaled), 1e-3)).sum()
    deviation = 0.025 * GRID_RATE
    gaps = np.diff([-1, *beats]) - period
    if (abs(gaps) > 6).any() or len(onsets) - beats[-1] - period > 6:
        return -np.inf
    offsets = np.arange(-6, 7)
    left = offsets >= len(onsets) - beats[-1] - period
    return total - 0.5 * ((gaps / deviation) ** 2).sum() + np.log(np.exp(-0.5 * (offsets[left] / deviation) ** 2).sum())


@pytest.mark.parametrize("seed", range(5))
def test_no_other_sequence_is_likelier(seed):
    onsets, period = np.random.default_rng(seed).random(30), 11
    found = track_beats(onsets, constant(period, 30))
    every = (c for k in (1, 2, 3, 4) for c in itertools.combinations(range(30), k))
    assert likelihood(onsets, period, list(found)) == pytest.approx(max(likelihood(onsets, period, c) for c in every))


def onsets_at(places, n):
    onsets = 0.05 * np.random.default_rng(0).random(n)
    onsets[places] += 1.0
    return onsets


@pytest.mark.parametrize("period", [29.3, 41.4, 60])
def test_beats_fall_on_the_pulses(period):
    places = np.arange(5, 1190, period).round().astype(int)
    beats = track_beats(onsets_at(places, 1200), constant(round(period), 1200))
    np.testing.assert_array_equal(beats[4:], places[places >= beats[4]])


def test_a_missing_pulse_is_bridged_and_a_stray_one_ignored():
    places = 42 + 43 * np.arange(20)
    stray = places[15] + 20
    beats = track_beats(onsets_at(np.append(np.delete(places, 10), stray), 900), constant(43, 900))
    np.testing.assert_array_equal(np.delete(beats, 10), np.delete(places, 10))
    assert abs(beats[10] - places[10]) <= 3


def test_beats_follow_a_change_of_period():
    slow, fast = np.arange(49, 1000, 50), np.arange(1039, 2000, 40)
    onsets = onsets_at(np.concatenate([slow, fast]), 2000)
    periods = np.where(np.arange(2000) <= slow[-1], 50, 40)
    np.testing.assert_array_equal(track_beats(onsets, periods), np.concatenate([slow, fast]))


def test_too_short_for_a_beat():
    assert len(track_beats(np.ones(20), constant(60, 20))) == 0


def count(*functions):
    return count_onsets(np.ascontiguousarray(np.array(functions, np.float64).T))


def function_of(places, n=200, height=1.0):
    function = np.zeros(n)
    function[places] = height
    return function


@pytest.mark.parametrize("spacing", [8, 15, 40])
def test_separate_pulses_count_one_each(spacing):
    places = np.arange(10, 190, spacing)
    assert count(function_of(places)) == len(places)
    assert count(1e-6 * function_of(places)) == len(places)
    assert count(function_of(places), 1e3 * function_of(places)) == len(places)


def test_a_pulse_within_the_decay_of_another_counts_only_if_it_rises():
    decay = np.exp(-np.arange(200) / 20.0)
    assert count(decay + function_of([50], height=0.01)) == count(decay)
    assert count(decay + function_of([50], height=1.0)) == count(decay) + 1


def test_what_is_quiet_next_to_the_loudest_does_not_count():
    assert count(function_of([50]) + function_of([100], height=0.05)) == 1
    assert count(function_of([50]) + function_of([100], height=0.2)) == 2


def test_silence_has_no_onsets():
    assert count(np.zeros(100), np.zeros(100)) == 0
