import pytest
import torch

from edmlive.training.voting import SongVotes

TRUTH = torch.tensor([0, 2, 1])


def vote(votes: SongVotes, tracks: list[int], probabilities: list[list[float]]) -> None:
    votes.update(torch.tensor(probabilities), torch.tensor(tracks))


def test_the_majority_of_chunks_decides() -> None:
    votes = SongVotes(TRUTH, labels=3)
    vote(votes, [0, 0, 1], [[0.5, 0.4, 0.1], [0.5, 0.4, 0.1], [0.2, 0.2, 0.6]])
    vote(votes, [0], [[0.0, 1.0, 0.0]])  # likelier in sum, but one vote against two
    assert votes.scores().argmax(dim=1)[:2].tolist() == [0, 2]
    assert votes.compute().item() == 1.0, "a track nothing was heard of does not count"
    vote(votes, [2], [[0.9, 0.1, 0.0]])
    assert votes.compute().item() == pytest.approx(2 / 3)


def test_ties_go_to_the_greater_sum_and_rank_the_rest() -> None:
    votes = SongVotes(TRUTH, labels=3)
    vote(votes, [0, 0], [[0.6, 0.4, 0.0], [0.0, 0.9, 0.1]])
    assert votes.scores()[0].argsort(descending=True).tolist() == [1, 0, 2]
    votes.reset()
    assert votes.scores().abs().sum() == 0
