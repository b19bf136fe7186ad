"""The running majority vote over decisions.

A vote covers the last N decisions, taken every h seconds. When the music changes for good, the new genre needs two
votes more than the old one: a change shows at most ``min(N, (N + 1) // 2 + 1) * h`` seconds after decisions change.
With the defaults, N = 5 and h = 1 s, that is 4 s. A change of track that is noticed (`edmlive.features.change`) ends
the vote at once: the first decision on the new track alone shows.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edmlive.realtime.reading import Candidate
from edmlive.util.majority import rank_labels

LEAD = 2
"""Votes by which a genre must lead to replace the one shown: of an odd number, alternating decisions give one a lead of
one vote, then the other."""
TIE_MARGIN = 0.1
"""How much more probable a genre with a smaller lead must be, but at least 1 / N: so much alternate decisions may give
to one, then to the other."""


@dataclass(frozen=True)
class Vote:
    """The outcome of a vote.

    Parameters
    ----------
    genre
        The winner.
    confidence
        The winner's mean probability over the voting decisions, 0..1.
    top
        All genres, the winner first, then by mean probability.
    counts
        Number of votes by genre, without those that have none.
    unknown
        Mean probability over the voting decisions that it is none of the genres, 0..1.
    """

    genre: str
    confidence: float
    top: tuple[Candidate, ...]
    counts: dict[str, int]
    unknown: float = 0.0


class Voter:
    """Majority over the last decisions (paper, section IV), ties by summed probability.

    The genre shown is replaced by one with two more votes, by one with as many or one more and a clearly greater mean
    probability, and by any once it has no vote left (hysteresis): decisions that alternate between two genres do not
    change the answer. A whole song has a single answer, so its ties are broken by probability alone.

    Parameters
    ----------
    labels
        Genres in the order of the probabilities.
    votes
        Number of decisions that vote; ``None`` for all since the last reset, as for a whole song.
    """

    def __init__(self, labels: tuple[str, ...], votes: int | None) -> None:
        self.labels = labels
        self.votes = votes
        self.reset()

    def reset(self) -> None:
        """Forget every decision."""
        self._recent: deque[NDArray[np.float64]] = deque()
        self._counts = np.zeros(len(self.labels), np.int64)
        self._sum = np.zeros(len(self.labels) + 1)
        self._shown: int | None = None

    @property
    def decisions(self) -> int:
        """Number of decisions in the vote."""
        return int(self._counts.sum())

    def push(self, probabilities: NDArray[np.floating], unknown: float | None = None) -> Vote:
        """Add a decision and return the vote.

        Parameters
        ----------
        probabilities
            Shape (labels,), summing to 1.
        unknown
            Probability that it is none of the labels, if the model tells.
        """
        newest = np.append(probabilities.astype(np.float64), unknown or 0.0)
        self._count(newest, +1)
        if self.votes is not None:
            self._recent.append(newest)
            if len(self._recent) > self.votes:
                self._count(self._recent.popleft(), -1)
        counts = self._counts
        *_, unknown = means = np.maximum(self._sum / self.decisions, 0.0)
        mean = means[:-1]
        best = int(rank_labels(counts, mean)[0])
        if self._shown is None or self.votes is None or self._replaces(best, self._shown, mean, self.votes):
            self._shown = best
        order = np.argsort(-mean, kind="stable")
        order = np.concatenate(([self._shown], order[order != self._shown]))
        return Vote(
            genre=self.labels[self._shown],
            confidence=float(mean[self._shown]),
            top=tuple(Candidate(self.labels[i], float(mean[i])) for i in order),
            counts={self.labels[i]: int(counts[i]) for i in order if counts[i]},
            unknown=float(unknown),
        )

    def _replaces(self, best: int, shown: int, mean: NDArray[np.float64], votes: int) -> bool:
        if self._counts[shown] == 0 or self._counts[best] >= self._counts[shown] + LEAD:
            return True
        return bool(mean[best] > mean[shown] + max(TIE_MARGIN, 1 / votes))

    def _count(self, decision: NDArray[np.float64], sign: int) -> None:
        self._counts[decision[:-1].argmax()] += sign
        self._sum += sign * decision
