"""The search for changes of track: in music that changes, in music that does not, for any blocks."""

import numpy as np
import pytest
from numpy.typing import NDArray

from edmlive.features.change import LONGEST, SHORTEST, Change, ChangeDetector, change_odds
from tests.music import pulse

RATE = 22_050


DARK, BRIGHT = pulse(40, RATE, 60, 0.002), pulse(20, RATE, 900, 0.05)


def found(*parts: NDArray[np.float32]) -> list[Change | None]:
    """What is known after each second."""
    detector, known = ChangeDetector(), []
    samples = np.concatenate(parts)
    for second in np.split(samples, range(RATE, len(samples), RATE)):
        detector.push(second)
        known.append(detector.change)
    return known


def test_change_of_track_is_found_within_seconds_where_it_is() -> None:
    known = found(DARK, BRIGHT)
    first = next(change for change in known if change is not None and change.probability >= 0.7)
    assert 36 <= first.start <= 42
    assert first.start + first.seconds <= 50
    last = known[-1]
    assert last is not None
    assert last.probability > 0.9
    assert last.start == pytest.approx(40, abs=2)
    assert last.start + last.seconds == 60


def test_single_track_has_no_change() -> None:
    known = found(DARK, pulse(20, RATE, 60, 0.002, seed=1))
    assert [change for change in known if change is not None and change.probability >= 0.5] == []


def test_nothing_is_said_before_there_is_enough_to_compare() -> None:
    known = found(BRIGHT)
    assert [change is None for change in known] == [True] * 15 + [False] * 5


def test_break_that_ends_loses_its_probability() -> None:
    known = found(DARK, BRIGHT[: 8 * RATE], DARK)
    during, after = known[47], known[-1]
    assert during is not None
    assert after is not None
    assert during.probability > 0.9
    assert after.start > 46  # the music that came back, not the break, if anything


def test_newest_of_two_changes_is_told() -> None:
    last = found(BRIGHT, DARK[: 20 * RATE], BRIGHT)[-1]
    assert last is not None
    assert last.start == pytest.approx(40, abs=2)


def test_any_blocks_give_the_same_changes() -> None:
    samples = np.concatenate((DARK[: 20 * RATE], BRIGHT[: 10 * RATE + 1234]))
    whole, parts = ChangeDetector(), ChangeDetector()
    whole.push(samples)
    for part in np.split(samples, [1, 2, 5000, 22_051, 300_000, 300_000]):
        parts.push(part)
    assert whole.change == parts.change is not None


def test_reset_forgets_everything() -> None:
    used, fresh = ChangeDetector(), ChangeDetector()
    used.push(DARK[: 20 * RATE + 777])
    used.reset()
    assert used.change is None
    for detector in (used, fresh):
        detector.push(np.concatenate((DARK[: 18 * RATE], BRIGHT[: 8 * RATE])))
    assert used.change == fresh.change is not None


def test_odds_are_of_the_means_after_and_before() -> None:
    seconds = np.zeros((100, 2))
    seconds[-20:] = 3
    odds = change_odds(seconds)
    assert len(odds) == LONGEST - SHORTEST + 1
    assert odds.argmax() == 20 - SHORTEST
    assert odds[20 - SHORTEST] == pytest.approx((18 / (1 + 5.7 / 20)) ** 4)
    assert odds[SHORTEST] == pytest.approx((2 * (3 * 22 / 30) ** 2 / (1 + 5.7 / 12)) ** 4)
    assert len(change_odds(seconds[:15])) == 0
