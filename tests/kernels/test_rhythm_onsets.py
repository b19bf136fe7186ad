"""Counting onsets in functions where it is plain what there is to count."""

import numpy as np
import pytest

from edmlive.kernels.rhythm_onsets import count_onsets


def count(*functions):
    return count_onsets(np.ascontiguousarray(np.array(functions, np.float64).T))


def pulses(places, n=200, height=1.0):
    function = np.zeros(n)
    function[places] = height
    return function


@pytest.mark.parametrize("spacing", [8, 15, 40])
def test_separate_pulses_count_one_each(spacing):
    places = np.arange(10, 190, spacing)
    assert count(pulses(places)) == len(places)
    assert count(1e-6 * pulses(places)) == len(places)
    assert count(pulses(places), 1e3 * pulses(places)) == len(places)


def test_a_pulse_within_the_decay_of_another_counts_only_if_it_rises():
    decay = np.exp(-np.arange(200) / 20.0)
    assert count(decay + pulses([50], height=0.01)) == count(decay)
    assert count(decay + pulses([50], height=1.0)) == count(decay) + 1


def test_what_is_quiet_next_to_the_loudest_does_not_count():
    assert count(pulses([50]) + pulses([100], height=0.05)) == 1
    assert count(pulses([50]) + pulses([100], height=0.2)) == 2


def test_silence_has_no_onsets():
    assert count(np.zeros(100), np.zeros(100)) == 0
