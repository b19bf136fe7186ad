"""The score: what counts as right, and when a change has shown."""

import math

from edmlive.realtime.live_score import LiveScore
from tests.realtime.readings import reading, truth, waiting


def scored(*heard: object) -> LiveScore:
    score = LiveScore()
    for one in heard:
        score.push(one)  # type: ignore[arg-type]
    return score


HOUSE, TRANCE, PSY = truth("house", start=0.0), truth("uplifting-trance", start=3.5), truth("psy-trance", start=6.0)


def test_share_right_counts_every_reading_with_a_truth() -> None:
    score = scored(
        waiting(1, truth=HOUSE),
        reading(2, genre="House", truth=HOUSE),
        reading(3, genre="Trance", truth=HOUSE),
        reading(4, genre="Trance", truth=TRANCE),
        reading(5, genre="Trance"),
    )
    assert score.share_right == 0.5
    assert score.readings == {"house": 3, "uplifting-trance": 1}
    assert score.right == {"house": 1, "uplifting-trance": 1}


def test_change_shows_with_the_first_right_reading() -> None:
    score = scored(
        waiting(1, truth=HOUSE),
        reading(2, genre="House", truth=HOUSE),
        reading(4, genre="House", truth=TRANCE),
        reading(5, genre="Trance", truth=TRANCE),
        reading(5.5, genre="House", truth=TRANCE),
        reading(5.8, genre="Trance", truth=TRANCE),
    )
    assert score.delays == [2.0, 1.5]
    assert score.median_delay == 2.0


def test_change_that_never_shows_has_an_infinite_delay() -> None:
    score = scored(*(reading(time, genre="House", truth=genre) for time, genre in ((1, HOUSE), (4, TRANCE), (7, PSY))))
    assert score.delays == [1.0, math.inf]
    assert score.median_delay == math.inf


def test_change_between_genres_of_one_label_does_not_count() -> None:
    tech = truth("tech-trance", start=6.0)
    score = scored(reading(4, genre="Trance", truth=TRANCE), reading(7, genre="House", truth=tech))
    assert score.delays == [0.5]
    # One that has not shown goes on.
    score = scored(reading(4, genre="House", truth=TRANCE), reading(7, genre="Trance", truth=tech))
    assert score.delays == [3.5]


def test_no_truth_gives_no_score() -> None:
    score = scored(reading(1), waiting(2))
    assert score.share_right is None
    assert score.median_delay is None
