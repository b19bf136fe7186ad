"""The running majority vote against a plain recount, and its hysteresis."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edmlive.realtime.voter import Voter

LABELS = ("house", "techno", "trance", "dubstep")


def decision(winner: int, confidence: float = 0.7) -> NDArray[np.float32]:
    probabilities = np.full(len(LABELS), (1 - confidence) / (len(LABELS) - 1), np.float32)
    probabilities[winner] = confidence
    return probabilities


decisions = st.lists(
    st.lists(st.integers(1, 1000), min_size=len(LABELS), max_size=len(LABELS)).map(
        lambda weights: (np.array(weights) / sum(weights)).astype(np.float32)
    ),
    min_size=1,
    max_size=40,
)


@given(decisions, st.integers(1, 9))
def test_vote_is_the_recount_of_the_last_decisions(pushed: list[NDArray[np.float32]], votes: int) -> None:
    voter = Voter(LABELS, votes)
    for end in range(1, len(pushed) + 1):
        vote = voter.push(pushed[end - 1])
        recent = np.array(pushed[max(0, end - votes) : end], np.float64)
        counts = Counter(LABELS[i] for i in recent.argmax(axis=1))
        assert vote.counts == counts
        assert counts[vote.genre] >= max(counts.values()) - 1
        means = dict(zip(LABELS, recent.mean(axis=0), strict=True))
        assert {c.genre: c.confidence for c in vote.top} == pytest.approx(means, abs=1e-12)
        assert vote.confidence == pytest.approx(means[vote.genre], abs=1e-12)
        assert vote.top[0].genre == vote.genre
        for better, worse in pairwise(c.genre for c in vote.top[1:]):
            assert means[better] + 1e-12 >= means[worse]


def test_majority_beats_probability() -> None:
    voter = Voter(LABELS, 5)
    for probabilities in (decision(0, 0.99), *[decision(1, 0.3)] * 3):
        vote = voter.push(probabilities)
    assert vote.genre == "techno"
    assert vote.top[1].genre == "house"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["winner first", "winner last"])
def test_tie_over_a_whole_song_goes_to_the_greater_probability_in_any_order(order: tuple[int, int]) -> None:
    voter = Voter(LABELS, None)
    tied = (decision(0, 0.9), decision(1, 0.6))
    for i in order:
        vote = voter.push(tied[i])
    assert vote.genre == "house"


def test_tie_among_challengers_goes_to_the_greater_probability() -> None:
    voter = Voter(LABELS, 4)
    for probabilities in (decision(0), decision(1, 0.6), decision(2, 0.8), decision(2, 0.8), decision(1, 0.6)):
        vote = voter.push(probabilities)
    assert vote.counts == {"techno": 2, "trance": 2}
    assert vote.genre == "trance"


def test_tie_goes_to_a_clearly_likelier_challenger() -> None:
    voter = Voter(LABELS, 5)
    assert voter.push(decision(0, 0.3)).genre == "house"
    assert voter.push(decision(1, 0.9)).genre == "techno"


def test_tie_with_a_slightly_likelier_challenger_changes_nothing() -> None:
    voter = Voter(LABELS, 5)
    voter.push(decision(0, 0.8))
    assert voter.push(decision(1, 0.85)).genre == "house"


@pytest.mark.parametrize("votes", range(2, 12))
@pytest.mark.parametrize("confidence", [0.3, 0.7, 1.0])
def test_alternating_decisions_do_not_change_the_answer(votes: int, confidence: float) -> None:
    voter = Voter(LABELS, votes)
    shown = [voter.push(decision(i % 2, confidence)).genre for i in range(40)]
    assert set(shown) == {"house"}


def test_alternating_decisions_settle_on_the_likelier_genre() -> None:
    voter = Voter(LABELS, 5)
    shown = [voter.push(decision(i % 2, (0.5, 0.9)[i % 2])).genre for i in range(40)]
    assert set(shown[5:]) == {"techno"}


def test_single_vote_is_the_newest_decision() -> None:
    voter = Voter(LABELS, 1)
    assert [voter.push(decision(i)).genre for i in (0, 1, 2, 1)] == ["house", "techno", "trance", "techno"]


@pytest.mark.parametrize("votes", range(1, 12))
def test_change_of_genre_shows_after_the_documented_number_of_decisions(votes: int) -> None:
    voter = Voter(LABELS, votes)
    for _ in range(3 * votes):
        voter.push(decision(0))
    needed = 1
    while voter.push(decision(1)).genre != "techno":
        needed += 1
    assert needed == min(votes, (votes + 1) // 2 + 1)


def test_song_vote_keeps_all_decisions() -> None:
    voter = Voter(LABELS, None)
    for winner in [0] * 30 + [1] * 29:
        vote = voter.push(decision(winner))
    assert vote.genre == "house"
    assert vote.counts == {"house": 30, "techno": 29}


@given(decisions)
def test_reset_leaves_nothing_behind(pushed: list[NDArray[np.float32]]) -> None:
    used, fresh = Voter(LABELS, 5), Voter(LABELS, 5)
    for probabilities in pushed:
        used.push(probabilities)
    used.reset()
    for probabilities in reversed(pushed):
        assert used.push(probabilities) == fresh.push(probabilities)
