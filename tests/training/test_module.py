import pytest
import torch

from edmlive.training.module import SongVotes

TRUTH = torch.tensor([0, 2, 1])


def vote(votes: SongVotes, tracks: list[int], probabilities: list[list[float]]) -> None:
    votes.update(torch.tensor(probabilities), torch.tensor(tracks))


def test_the_majority_of_a_songs_chunks_decides() -> None:
    votes = SongVotes(TRUTH, labels=3)
    vote(votes, [0, 0, 1], [[0.5, 0.4, 0.1], [0.5, 0.4, 0.1], [0.2, 0.2, 0.6]])
    vote(votes, [0], [[0.0, 1.0, 0.0]])  # more probable in sum, but one vote against two
    assert votes.compute().item() == 1.0, "a track without chunks does not count"
    vote(votes, [2], [[0.9, 0.1, 0.0]])
    assert votes.compute().item() == pytest.approx(2 / 3)


def test_ties_go_to_the_greater_sum() -> None:
    votes = SongVotes(torch.tensor([1]), labels=3)
    vote(votes, [0, 0], [[0.6, 0.4, 0.0], [0.0, 0.9, 0.1]])
    assert votes.compute().item() == 1.0
    votes.reset()
    vote(votes, [0], [[0.6, 0.4, 0.0]])
    assert votes.compute().item() == 0.0, "earlier epochs are forgotten"
