"""Networks that differ in their seed only share a row."""

from dataclasses import replace

import numpy as np

from edmlive.models.checkpoint import Training
from edmlive.training.candidates import Candidate
from edmlive.training.evaluation import by_seed, in_rows
from tests import small_models

TRAINING = Training("mel", 16, "modern", 60, "5f6c", 0, 0.0, 45.0, ("1a", "2b"), ("3c",))


def candidate(training: Training | None) -> Candidate:
    return Candidate(lambda _: np.zeros((1, 8), np.float32), small_models.spec(small_models.CHUNK), training)


def test_only_the_seed_may_differ() -> None:
    trainings = {
        "mel": TRAINING,
        "late": replace(TRAINING, architecture="late-fusion"),
        "mel again": replace(TRAINING, seed=1, train=("1a", "3c"), validation=("2b",)),
        "mel in 8 bits": replace(TRAINING, seed=1),
        "mel for longer": replace(TRAINING, seed=2, end=120.0),
        "mel for more epochs": replace(TRAINING, seed=2, epochs=200),
        "mel once more": replace(TRAINING, seed=2),
        "a stranger": None,
        "another": None,
    }
    assert by_seed({name: candidate(training) for name, training in trainings.items()}) == {
        "mel (3 seeds)": ("mel", "mel again", "mel once more"),
        "late": ("late",),
        "mel in 8 bits": ("mel in 8 bits",),
        "mel for longer": ("mel for longer",),
        "mel for more epochs": ("mel for more epochs",),
        "a stranger": ("a stranger",),
        "another": ("another",),
    }


def test_rows_of_which_nothing_is_known_are_left_out() -> None:
    rows = {"a (2 seeds)": ("a", "b"), "c": ("c",), "d": ("d",)}
    assert in_rows(rows, {"a": 1, "b": 2, "c": None}) == {"a (2 seeds)": {"a": 1, "b": 2}}
