"""Networks held against a teacher, by labels or by common classes."""

import numpy as np
import pytest

from edmlive.taxonomy import COMMON
from edmlive.training.agreement import agreement, comparable, comparison, in_common, scorable
from edmlive.training.predictions import Predictions

NAMES, TRACK = ("a", "b"), np.array([0, 0, 1])


def predictions(labels: tuple[str, ...], rows: list[list[float]], genres: tuple[str | None, ...]) -> Predictions:
    return Predictions(labels, NAMES, genres, np.array(rows), TRACK)


STUDENT = predictions(
    ("v", "w", "x", "y", "z"),
    [[0.5, 0.3, 0.1, 0.06, 0.04], [0.1, 0.6, 0.2, 0.06, 0.04], [0.1, 0.2, 0.3, 0.15, 0.25]],
    (None, None),
)
TEACHER = predictions(
    ("z", "y", "x", "w", "v"),
    [[np.nan] * 5, [0.1, 0.05, 0.2, 0.5, 0.15], [0.05, 0.4, 0.1, 0.15, 0.3]],
    (None, None),
)


def test_figures_are_of_chunks_that_the_teacher_answered() -> None:
    found = agreement(STUDENT, TEACHER)
    assert found is not None and comparison(found.labels) == "labels"
    # Chunk 1: w, the teacher w, x, v. Chunk 2: x, z, w, the teacher y, v, w.
    assert found.figures() == {
        "chunk-level agreement": 0.5,
        "chunk-level in teacher's top-3": 0.5,
        "song-level agreement": 0.5,
        "song-level in teacher's top-3": 0.5,
        "song-level top-3 overlap": 1.0,
    }
    assert found.overlaps().tolist() == [3, 1]


def test_other_labels_are_compared_by_common_classes() -> None:
    rendered = predictions(
        ("uplifting-trance", "tech-trance", "house"), [[0.3, 0.3, 0.4]] * 3, ("psy-trance", "tech-trance")
    )
    teacher = predictions(("House", "Trance"), [[0.4, 0.6]] * 3, ("psy-trance", "tech-trance"))
    found = agreement(rendered, teacher)
    assert found is not None and comparison(found.labels) == "common classes"
    assert found.figures()["chunk-level agreement"] == 1.0, "two kinds of trance together are likelier than house"
    known = scorable(teacher)
    assert known is not None and comparison(known.labels) == "common classes"
    assert known.figures()["song-level accuracy"] == 0.5
    assert known.figures()["song-level top-3"] >= 0.5
    own = scorable(rendered)
    assert own is not None and own.labels == rendered.labels and own.songs.tolist() == [1], "its own labels come first"


def test_what_cannot_be_compared_is_not() -> None:
    other = predictions(("House", "Trance"), [[0.4, 0.6]] * 3, (None, None))
    assert agreement(STUDENT, other) is None and not comparable(STUDENT.labels, other.labels)
    assert scorable(STUDENT) is None and scorable(other) is None
    silent = predictions(TEACHER.labels, [[np.nan] * 5] * 3, (None, None))
    assert agreement(STUDENT, silent) is None


def test_a_class_is_as_likely_as_its_labels_together() -> None:
    labels = tuple(label for members in COMMON.values() for label in members)
    rows = np.random.default_rng(0).dirichlet(np.ones(len(labels)), 3)
    found = in_common(Predictions(labels, NAMES, ("Breaks", None), rows, TRACK))
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    assert found.genres == ("breaks", None)
    first = list(COMMON).index("breaks")
    members = [labels.index(label) for label in COMMON["breaks"]]
    assert found.probabilities[:, first] == pytest.approx(rows[:, members].sum(axis=1))
