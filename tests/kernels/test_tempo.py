"""Beat periods and the statistics of beats, on pulses whose period is known."""

import numpy as np
import pytest

from edmlive.kernels.rhythm_tables import GRID_RATE
from edmlive.kernels.tempo import (
    CONTEXT,
    LONGEST_PERIOD,
    ROW_LENGTH,
    SHORTEST_PERIOD,
    agreed_tempo,
    best_periods,
    doubt_periods,
    on_grid,
    period_salience,
    steady_tempo,
    tempo_peaks,
)


def salience_of(values, first=CONTEXT):
    salience = np.full(LONGEST_PERIOD + 1, np.nan)
    period_salience(values, first, salience)
    return salience


def pulses(period, weak=1.0, n=ROW_LENGTH + 2 * CONTEXT):
    """Every other pulse has the height `weak`."""
    values = np.full(n, 0.1)
    places = np.arange(3, n - 1, period).round().astype(int)
    for offset, share in ((-1, 0.5), (0, 1.0), (1, 0.5)):
        values[places + offset] += share * np.where(np.arange(len(places)) % 2, weak, 1.0)
    return values


def test_means_lie_between_the_values():
    np.testing.assert_array_equal(on_grid(np.array([1.0, 3.0, 2.0])), [1.0, 2.0, 3.0, 2.5, 2.0, 1.0])


@pytest.mark.parametrize("period", [32, 36.5, 40, 43, 50, 60, 75])
def test_pulses_are_found_at_their_period(period):
    salience = salience_of(pulses(period))
    assert abs(SHORTEST_PERIOD + salience[SHORTEST_PERIOD:].argmax() - period) <= 1
    assert salience.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(salience_of(1e-6 * pulses(period)), salience, atol=1e-12)


def test_what_is_far_from_half_a_second_needs_every_pulse():
    """Weak pulses between strong ones make a slow tempo fast, but hardly one that is fast already."""
    assert abs(salience_of(pulses(44, weak=0.3)).argmax() - 44) <= 1
    assert abs(salience_of(pulses(32, weak=0.3)).argmax() - 64) <= 1


def test_a_flat_onset_function_has_no_period():
    assert not salience_of(np.full(ROW_LENGTH, 0.25), 0).any()


def bass(period):
    """Three bands with the same pulses, at every other place on the grid."""
    return np.stack([pulses(period)[::2]] * 3)


@pytest.mark.parametrize("half", [15.0, 16.0, 16.5])
def test_kicks_that_alternate_with_hats_are_not_taken_in_threes(half):
    """Every stroke is as strong as the others, so that all multiples of half a beat are salient."""
    salience = salience_of(pulses(half))
    assert abs(SHORTEST_PERIOD + salience[SHORTEST_PERIOD:].argmax() - 3 * half) <= 1, "one and a half beats"
    doubt_periods(bass(2 * half), CONTEXT // 2, salience)
    best = SHORTEST_PERIOD + salience[SHORTEST_PERIOD:].argmax()
    assert min(abs(best - 2 * half), abs(best - 4 * half)) <= 1


def test_pulses_of_any_period_are_not_doubted():
    for period in (32, 43, 60, 75):
        salience = salience_of(pulses(period))
        before = salience.copy()
        doubt_periods(bass(period), CONTEXT // 2, salience)
        np.testing.assert_array_equal(salience[period], before[period])
    salience = salience_of(pulses(43))
    before = salience.copy()
    doubt_periods(np.full((3, ROW_LENGTH // 2 + CONTEXT), 0.25), CONTEXT // 2, salience)
    np.testing.assert_array_equal(salience, before)


def test_the_path_through_the_periods_is_the_likeliest():
    salience = np.zeros((7, LONGEST_PERIOD + 1))
    salience[:, 40], salience[:, 80] = 0.6, 0.4
    np.testing.assert_array_equal(best_periods(salience), 40)
    salience[3, 40], salience[3, 80] = 0.4, 0.6  # one row is not worth two jumps
    np.testing.assert_array_equal(best_periods(salience), 40)
    salience[3:, 40], salience[3:, 80] = 1e-9, 1.0
    np.testing.assert_array_equal(best_periods(salience), 80)
    drift = np.zeros((5, LONGEST_PERIOD + 1))
    drift[np.arange(5), 40 + 2 * np.arange(5)] = 1.0
    np.testing.assert_array_equal(best_periods(drift), 40 + 2 * np.arange(5))


def test_no_salience_still_gives_periods_in_range():
    periods = best_periods(np.zeros((4, LONGEST_PERIOD + 1)))
    assert ((periods >= SHORTEST_PERIOD) & (periods <= LONGEST_PERIOD)).all()


def test_the_agreed_tempo_leaves_strays_out():
    bpm, share = agreed_tempo(np.array([43, 43, 44, 43, 80, 43]))
    assert bpm == pytest.approx(60 * GRID_RATE * np.mean([1 / 43, 1 / 43, 1 / 44, 1 / 43, 1 / 43]))
    assert share == pytest.approx(5 / 6)


@pytest.mark.parametrize("bpm", [63.3, 87.0, 124.0, 128.0, 150.0, 174.0])
def test_the_steady_tempo_is_good_to_a_tenth(bpm):
    beats = np.round(np.arange(100) * 60 / bpm * GRID_RATE).astype(np.int64)
    assert steady_tempo(beats) == pytest.approx(bpm, abs=0.1)
    beats[50:] += 17
    assert steady_tempo(beats) == pytest.approx(bpm, abs=0.1)
    assert steady_tempo(beats[:2]) == pytest.approx(bpm, rel=0.02)


def beats_at(*parts):
    """Beats at each of the tempi for so many seconds."""
    periods = np.concatenate([np.full(round(seconds * bpm / 60), 60 / bpm) for bpm, seconds in parts])
    return np.round(np.cumsum(periods) * GRID_RATE).astype(np.int64)


@pytest.mark.parametrize(("before", "after"), [(128.0, 140.0), (140.0, 128.0), (174.0, 126.0), (124.0, 174.0)])
def test_a_step_shows_within_seconds_and_nothing_between(before, after):
    beats = beats_at((before, 60), (after, 30))
    heard = [steady_tempo(beats[beats < end * GRID_RATE]) for end in range(50, 90)]
    of = [min((before, after), key=lambda bpm: abs(tempo - bpm)) for tempo in heard]
    np.testing.assert_allclose(heard, of, rtol=0.005)
    assert of == sorted(of, reverse=before > after), "back and forth"
    assert 2 <= of.index(after) - 10 <= 9


@pytest.mark.parametrize("end", [132.0, 138.0, 118.0])
def test_a_ramp_is_followed(end):
    bpm = np.concatenate([np.full(40, 128.0), np.linspace(128.0, end, 64), np.full(40, end)])
    beats = np.round(np.cumsum(60 / bpm) * GRID_RATE).astype(np.int64)
    for n in range(30, bpm.size):
        assert steady_tempo(beats[:n]) == pytest.approx(bpm[n - 1], rel=0.02)


@pytest.mark.parametrize("related", [64.0, 85.3, 170.7, 192.0])
def test_the_octave_is_kept_through_a_passage(related):
    assert steady_tempo(beats_at((128.0, 60), (related, 8))) == pytest.approx(128.0, abs=0.1)
    assert steady_tempo(beats_at((128.0, 60), (related, 14))) == pytest.approx(related, rel=0.01)


def test_stray_beats_do_not_change_the_tempo():
    beats = beats_at((98.0, 60))
    stray = beats[-1] + np.cumsum(np.random.default_rng(0).integers(24, 60, 20))
    assert steady_tempo(np.append(beats, stray)) == pytest.approx(98.0, abs=0.1)


def test_peaks_of_the_tempo_histogram():
    intervals = np.array([43] * 12 + [42] * 3 + [60] * 4 + [62])  # 120.2, 123.0; 86.1, 83.4 BPM
    (first, first_weight, first_spread), (second, second_weight, second_spread) = tempo_peaks(intervals)
    assert (first, second) == (120, 86)
    assert first_weight == pytest.approx(12 / 20) and first_spread == pytest.approx(3 / 15)
    assert second_weight == pytest.approx(4 / 20) and second_spread == pytest.approx(1 / 5)
    np.testing.assert_array_equal(tempo_peaks(np.array([43, 43]))[1], 0.0)
