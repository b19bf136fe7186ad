"""Networks held against a teacher, and labels against labels that others chose for the same music."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from edmlive.errors import UserError
from edmlive.taxonomy import COMMON, common
from edmlive.training.chunks import Chunks
from edmlive.training.predictions import Predictions

Comparison = Literal["labels", "common classes"]
"""What is compared: labels as they are, or the classes of `COMMON` that they fall into."""


@dataclass(frozen=True)
class Agreement:
    """A network's answers and a teacher's to the same chunks, all of which the teacher has answered.

    Parameters
    ----------
    student, teacher
        With the same labels, tracks and chunks.
    """

    student: Predictions
    teacher: Predictions

    @property
    def labels(self) -> tuple[str, ...]:
        """What both chose from."""
        return self.student.labels

    def figures(self) -> dict[str, float]:
        """Return the figures to report, by name; all are shares, 0..1.

        Of the chunks, then of the songs by majority vote, those whose likeliest label is the teacher's likeliest, and
        those whose likeliest is among the teacher's three. Last, the songs whose three have one of the teacher's among
        them.
        """
        heard, taught = self.student.probabilities.argmax(axis=1), np.argsort(-self.teacher.probabilities, axis=1)
        songs, told = self.student.ranking[:, 0], self.teacher.ranking
        return {
            "chunk-level agreement": float((heard == taught[:, 0]).mean()),
            "chunk-level in teacher's top-3": float((heard[:, np.newaxis] == taught[:, :3]).any(axis=1).mean()),
            "song-level agreement": float((songs == told[:, 0]).mean()),
            "song-level in teacher's top-3": float((songs[:, np.newaxis] == told[:, :3]).any(axis=1).mean()),
            "song-level top-3 overlap": float(np.mean([size > 0 for size in self.overlaps()])),
        }

    def overlaps(self) -> list[int]:
        """Return how many of each song's three likeliest labels, 0 to 3, are among the teacher's three."""
        pairs = zip(self.student.ranking[:, :3].tolist(), self.teacher.ranking[:, :3].tolist(), strict=True)
        return [len(set(ours) & set(theirs)) for ours, theirs in pairs]


def taught(chunks: Chunks, labels: tuple[str, ...]) -> Predictions:
    """Return what the teacher of the chunks' store, whose labels these are, says of them; NaN where it says nothing."""
    names, genres = tuple(track.name for track in chunks.tracks), tuple(track.genre for track in chunks.tracks)
    return Predictions(labels, names, genres, chunks.answers().astype(np.float64), chunks.track)


def agreement(student: Predictions, teacher: Predictions) -> Agreement | None:
    """Hold answers against a teacher's to the same chunks; ``None`` where no two can be compared."""
    if set(student.labels) == set(teacher.labels):
        order = [teacher.labels.index(label) for label in student.labels]
        teacher = replace(teacher, labels=student.labels, probabilities=teacher.probabilities[:, order])
    elif _all_common(student.labels) and _all_common(teacher.labels):
        student, teacher = in_common(student), in_common(teacher)
    else:
        return None
    answered = np.asarray(np.isfinite(teacher.probabilities).all(axis=1))
    return Agreement(student.of(answered), teacher.of(answered)) if answered.any() else None


def judged(given: Predictions) -> Predictions | None:
    """Return predictions about the recordings whose genre is known, among labels to which their genres belong.

    Those are the predictions' own labels, or common classes where no genre is one of them; ``None`` where no recording
    can be judged.
    """
    genres = {given.genres[k] for k in given.heard}
    judgeable = judgeable_genres(given.labels, genres)
    if not judgeable:
        return None
    if not judgeable <= set(given.labels):
        given = in_common(given)
    known = (given.truth[given.track] >= 0) & np.isfinite(given.probabilities).all(axis=1)
    return given.of(known) if known.any() else None


def chunk_figure(given: Predictions, teacher: Predictions | None) -> float:
    """Return the share of chunks answered as the teacher does, or rightly where there is no teacher.

    Raises
    ------
    UserError
        There is nothing that the answers can be held against.
    """
    if teacher is not None and (found := agreement(given, teacher)) is not None:
        return found.figures()["chunk-level agreement"]
    if (known := judged(given)) is not None:
        return known.figures()["chunk-level accuracy"]
    raise UserError(
        "No recording in the store has a genre or a teacher's answer that this network can be held against."
    )


def judgeable_genres(labels: Sequence[str], genres: Iterable[str | None]) -> set[str]:
    """Return the genres that tell whether an answer with these labels is right."""
    known = {genre for genre in genres if genre is not None}
    if known & set(labels) or not _all_common(labels):
        return known & set(labels)
    return {genre for genre in known if _common(genre)}


def comparable(labels: Sequence[str], others: Sequence[str]) -> bool:
    """Whether answers with these labels can be held against answers with the others."""
    return set(labels) == set(others) or (_all_common(labels) and _all_common(others))


def comparison(labels: Sequence[str]) -> Comparison:
    """Return what answers with these labels, as `agreement` and `judged` return them, are compared by."""
    return "common classes" if tuple(labels) == tuple(COMMON) else "labels"


def in_common(given: Predictions) -> Predictions:
    """Return predictions among the common classes; a class is as likely as its labels together.

    Raises
    ------
    UserError
        A label belongs to none.
    """
    classes = tuple(COMMON)
    belongs = np.zeros((len(given.labels), len(classes)))
    for i, label in enumerate(given.labels):
        name = _common(label)
        if name is None:
            raise UserError(f"Label '{label}' is neither Beatport's nor one of the thirty subgenres.")
        belongs[i, classes.index(name)] = 1
    genres = tuple(_common(genre) for genre in given.genres)
    return replace(given, labels=classes, genres=genres, probabilities=given.probabilities @ belongs)


def _all_common(labels: Sequence[str]) -> bool:
    return all(_common(label) for label in labels)


def _common(label: str | None) -> str | None:
    try:
        return None if label is None else common(label)
    except KeyError:
        return None
