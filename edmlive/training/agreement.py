"""Predictions compared with a teacher's or with known genres, also where the two sides have different labels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edmlive.errors import UserError
from edmlive.taxonomy import COMMON, common
from edmlive.training import scores
from edmlive.training.chunks import Chunks
from edmlive.training.predictions import Predictions

Comparison = Literal["labels", "common classes"]
"""Labels are compared as they are, or by the classes of `COMMON` that they belong to."""


@dataclass(frozen=True)
class Agreement:
    """A network's predictions and a teacher's for the same chunks.

    Parameters
    ----------
    student, teacher
        Predictions with the same labels, tracks and chunks, without NaN.
    """

    student: Predictions
    teacher: Predictions

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of both."""
        return self.student.labels

    def figures(self) -> dict[str, float]:
        """Return the figures to report, by name; all are shares, 0..1.

        For chunks, then for songs by majority vote: how often the student's first label is the teacher's first, or one
        of the teacher's first three. Last, how often the first three of both have a label in common.
        """
        chunks, songs = self.student.probabilities.argmax(axis=1), self.student.ranking[:, 0]
        of_chunks, of_songs = scores.rank(self.teacher.probabilities), self.teacher.ranking
        return {
            "chunk-level agreement": scores.top_k_accuracy(of_chunks, chunks, 1),
            "chunk-level in teacher's top-3": scores.top_k_accuracy(of_chunks, chunks, 3),
            "song-level agreement": scores.top_k_accuracy(of_songs, songs, 1),
            "song-level in teacher's top-3": scores.top_k_accuracy(of_songs, songs, 3),
            "song-level top-3 overlap": float((self.overlaps() > 0).mean()),
        }

    def overlaps(self) -> NDArray[np.int64]:
        """Return how many of the first three labels, 0 to 3, student and teacher share, shape (songs,)."""
        return scores.top_k_overlap(self.student.ranking, self.teacher.ranking, 3)


def teacher_predictions(chunks: Chunks, labels: tuple[str, ...]) -> Predictions:
    """Return the predictions of the teacher of the chunks' store, whose labels these are; NaN where it has none."""
    names, genres = tuple(track.name for track in chunks.tracks), tuple(track.genre for track in chunks.tracks)
    return Predictions(labels, names, genres, chunks.answers().astype(np.float64), chunks.track)


def agreement(student: Predictions, teacher: Predictions) -> Agreement | None:
    """Compare predictions with a teacher's for the same chunks; ``None`` if none can be compared."""
    if set(student.labels) == set(teacher.labels):
        order = [teacher.labels.index(label) for label in student.labels]
        teacher = replace(teacher, labels=student.labels, probabilities=teacher.probabilities[:, order])
    elif _all_common(student.labels) and _all_common(teacher.labels):
        student, teacher = in_common(student), in_common(teacher)
    else:
        return None
    answered = np.asarray(np.isfinite(teacher.probabilities).all(axis=1))
    return Agreement(student.select(answered), teacher.select(answered)) if answered.any() else None


def scorable(predictions: Predictions) -> Predictions | None:
    """Return the predictions that can be scored by genre, or ``None`` if there are none.

    Their labels are the same, or the common classes if no recording's genre is one of the labels.
    """
    genres = scorable_genres(predictions.labels, {predictions.genres[k] for k in predictions.songs})
    if not genres:
        return None
    if not genres <= set(predictions.labels):
        predictions = in_common(predictions)
    known = (predictions.truth[predictions.track] >= 0) & np.isfinite(predictions.probabilities).all(axis=1)
    return predictions.select(known) if known.any() else None


def chunk_figure(predictions: Predictions, teacher: Predictions | None) -> float:
    """Return the share of chunks classified as the teacher does, or correctly if there is no teacher.

    Raises
    ------
    UserError
        There is nothing to compare the predictions with.
    """
    if teacher is not None and (compared := agreement(predictions, teacher)) is not None:
        return compared.figures()["chunk-level agreement"]
    if (scored := scorable(predictions)) is not None:
        return scored.figures()["chunk-level accuracy"]
    raise UserError(
        "No recording in the store has a genre or a teacher's answer that this network can be compared with."
    )


def scorable_genres(labels: Sequence[str], genres: Iterable[str | None]) -> set[str]:
    """Return the genres by which predictions with these labels can be scored."""
    known = {genre for genre in genres if genre is not None}
    if known & set(labels) or not _all_common(labels):
        return known & set(labels)
    return {genre for genre in known if _common(genre)}


def comparable(labels: Sequence[str], others: Sequence[str]) -> bool:
    """Whether predictions with these labels can be compared with predictions with the others."""
    return set(labels) == set(others) or (_all_common(labels) and _all_common(others))


def comparison(labels: Sequence[str]) -> Comparison:
    """Return what predictions with these labels, as `agreement` and `scorable` return them, are compared by."""
    return "common classes" if tuple(labels) == tuple(COMMON) else "labels"


def in_common(predictions: Predictions) -> Predictions:
    """Return predictions of common classes; the probability of a class is the sum over its labels.

    Raises
    ------
    UserError
        A label belongs to no class.
    """
    classes = tuple(COMMON)
    belongs = np.zeros((len(predictions.labels), len(classes)))
    for i, label in enumerate(predictions.labels):
        name = _common(label)
        if name is None:
            raise UserError(f"Label '{label}' is neither Beatport's nor one of the thirty subgenres.")
        belongs[i, classes.index(name)] = 1
    genres = tuple(_common(genre) for genre in predictions.genres)
    return replace(predictions, labels=classes, genres=genres, probabilities=predictions.probabilities @ belongs)


def _all_common(labels: Sequence[str]) -> bool:
    return all(_common(label) for label in labels)


def _common(label: str | None) -> str | None:
    try:
        return None if label is None else common(label)
    except KeyError:
        return None
