"""Music is brought to one loudness, whatever its level, causally and in blocks of any size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edmlive.features.loudness import Leveller
from edmlive.kernels.loudness import LOOK_AHEAD, TARGET_LUFS
from edmlive.kernels.tables import SAMPLE_RATE
from edmlive.synth.loudness import loudness
from tests.music import render

SECONDS = 30


@pytest.fixture(scope="module")
def music() -> np.ndarray:
    return render(SECONDS, SAMPLE_RATE).mean(axis=1).astype(np.float32)


def lufs(mono: np.ndarray) -> float:
    """As if on two speakers."""
    return loudness(np.stack([mono, mono], axis=1).astype(np.float32), SAMPLE_RATE)


@pytest.mark.parametrize("gain_db", [-40, -20, 0, 6])
def test_any_level_is_brought_near_the_target(music: np.ndarray, gain_db: float) -> None:
    levelled = Leveller().push(music * np.float32(10 ** (gain_db / 20)))
    # The limiter takes more from bare drums than from full music, which comes within 1.5 dB.
    assert TARGET_LUFS - 4 < lufs(levelled[10 * SAMPLE_RATE :]) < TARGET_LUFS + 1
    assert np.abs(levelled).max() <= 0.97 + 1e-9


def test_level_does_not_change_what_comes_out(music: np.ndarray) -> None:
    loud, quiet = (Leveller().push(music * np.float32(gain)) for gain in (1.0, 0.03125))
    np.testing.assert_allclose(quiet, loud, atol=1e-6)


def test_what_is_loud_already_is_only_delayed() -> None:
    time = np.arange(10 * SAMPLE_RATE) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * 997 * time)
    tone *= 10 ** ((TARGET_LUFS + 1.7 - lufs(tone)) / 20)
    levelled = Leveller().push(tone.astype(np.float32))
    np.testing.assert_allclose(
        levelled[SAMPLE_RATE:], tone[SAMPLE_RATE - LOOK_AHEAD : -LOOK_AHEAD], rtol=0.05, atol=0.02
    )


def test_a_breakdown_stays_quieter_than_what_was_before(music: np.ndarray) -> None:
    broken = music.copy()
    broken[15 * SAMPLE_RATE :] *= np.float32(0.1)
    levelled = Leveller().push(broken)
    before, after = levelled[5 * SAMPLE_RATE : 15 * SAMPLE_RATE], levelled[17 * SAMPLE_RATE : 25 * SAMPLE_RATE]
    assert 12 < lufs(before) - lufs(after) < 22


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, SAMPLE_RATE), max_size=8))
def test_any_blocks_give_the_same_samples(music: np.ndarray, cuts: list[int]) -> None:
    samples = music[:SAMPLE_RATE]
    leveller = Leveller()
    parts = [leveller.push(part) for part in np.split(samples, sorted(cuts))]
    np.testing.assert_array_equal(np.concatenate(parts), Leveller().push(samples))


@pytest.mark.parametrize(
    "samples", [np.zeros(0), np.zeros(SAMPLE_RATE), np.full(SAMPLE_RATE, 1e-30), np.ones(SAMPLE_RATE)]
)
def test_nothing_silence_and_a_constant_stay_finite(samples: np.ndarray) -> None:
    levelled = Leveller().push(samples.astype(np.float32))
    assert len(levelled) == len(samples) and np.isfinite(levelled).all()


def test_a_reset_forgets(music: np.ndarray) -> None:
    leveller = Leveller()
    leveller.push(music)
    leveller.reset()
    np.testing.assert_array_equal(leveller.push(music[:SAMPLE_RATE]), Leveller().push(music[:SAMPLE_RATE]))
