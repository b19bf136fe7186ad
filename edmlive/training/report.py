"""An evaluation as JSON and as one HTML page that needs nothing else."""

import html
from collections.abc import Mapping
from pathlib import Path
from statistics import mean

import numpy as np
from numpy.typing import NDArray

from edmlive.synth.labels import COMMON
from edmlive.training.agreement import Agreement, comparison
from edmlive.training.figures import confusion_matrix, recall_bars, reliability
from edmlive.training.page import section, table, write_page
from edmlive.training.predictions import Predictions

_COMMON_CLASSES = (
    f"the {len(COMMON)} classes of music into which the paper's subgenres and Beatport's labels fall whole, because "
    "the two sides have other labels. A class is as likely as its labels together."
)


def write_report(
    path: Path, title: str, predictions: Mapping[str, Predictions], agreements: Mapping[str, Agreement], teacher: str
) -> None:
    """Write PATH.html and PATH.json beside it.

    Parameters
    ----------
    path
        The HTML file.
    title
        What was evaluated on.
    predictions
        By model, of recordings whose genre is known.
    agreements
        By model, with the teacher.
    teacher
        Its name; empty where there is none.

    Raises
    ------
    UserError
        They cannot be written.
    """
    facts = _facts(title, predictions, agreements, teacher)
    write_page(path, title, _parts(predictions, agreements, teacher), facts)


def _facts(
    title: str, predictions: Mapping[str, Predictions], agreements: Mapping[str, Agreement], teacher: str
) -> dict[str, object]:
    models = {
        name: {
            "figures": given.figures(),
            "compared by": comparison(given),
            "tracks": len(given.heard),
            "chunks": len(given.track),
            "labels": given.labels,
            "recall": given.recall(),
            "confusion": given.confusion().tolist(),
            "songs": {given.names[k]: given.labels[row[0]] for k, row in zip(given.heard, given.ranking, strict=True)},
        }
        for name, given in predictions.items()
    }
    agreeing = {
        name: {
            "figures": given.figures(),
            "mean top-3 overlap": mean(given.overlaps()),
            "compared by": comparison(given.student),
            "tracks": len(given.student.heard),
            "chunks": len(given.student.track),
            "songs": {
                given.student.names[k]: {"model": _three(given.student, ours), "teacher": _three(given.teacher, theirs)}
                for k, ours, theirs in zip(
                    given.student.heard, given.student.ranking, given.teacher.ranking, strict=True
                )
            },
        }
        for name, given in agreements.items()
    }
    return {"data": title, "models": models, "teacher": teacher or None, "agreement": agreeing}


def _three(given: Predictions, ranking: NDArray[np.int64]) -> list[str]:
    return [given.labels[i] for i in ranking[:3]]


def accuracy_rows(predictions: Mapping[str, Predictions]) -> list[tuple[str, ...]]:
    """Return the table of accuracies, its head first; empty without predictions."""
    rows: list[tuple[str, ...]] = []
    for name, given in predictions.items():
        figures = given.figures()
        rows = rows or [("model", *figures, "songs", "compared by")]
        shares = (f"{share:.1%}" for share in figures.values())
        rows.append((name, *shares, str(len(given.heard)), comparison(given)))
    return rows


def agreement_rows(agreements: Mapping[str, Agreement]) -> list[tuple[str, ...]]:
    """Return the table of agreement with the teacher, its head first; empty without any."""
    rows: list[tuple[str, ...]] = []
    for name, given in agreements.items():
        figures = given.figures()
        rows = rows or [("model", *figures, "mean top-3 overlap", "songs", "compared by")]
        shares = (f"{share:.1%}" for share in figures.values())
        songs, overlap = str(len(given.student.heard)), f"{mean(given.overlaps()):.2f} of 3"
        rows.append((name, *shares, overlap, songs, comparison(given.student)))
    return rows


def _parts(predictions: Mapping[str, Predictions], agreements: Mapping[str, Agreement], teacher: str) -> list[str]:
    parts = []
    if predictions:
        parts += [
            table(accuracy_rows(predictions)),
            section("Accuracy by subgenre", recall_bars(predictions)),
            section("Calibration of chunks", reliability(predictions)),
        ]
    if agreements:
        parts += [f"<h2>Agreement with {html.escape(teacher)}</h2>", table(agreement_rows(agreements))]
    compared = {comparison(p) for p in (*predictions.values(), *(given.student for given in agreements.values()))}
    if "common classes" in compared:
        parts.append(f"<p>Compared by common classes: {html.escape(_COMMON_CLASSES)}</p>")
    parts += [section(f"Confusions of {name}", confusion_matrix(given)) for name, given in predictions.items()]
    return parts
