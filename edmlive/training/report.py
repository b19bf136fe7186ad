"""An evaluation as tables, as JSON, and as one self-contained HTML page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from edmlive.taxonomy import COMMON
from edmlive.training.agreement import Agreement, Comparison, comparison
from edmlive.training.figures import confusion_matrix, recall_bars, reliability
from edmlive.training.page import section, table, write_page
from edmlive.training.predictions import Predictions, pooled
from edmlive.util.page import Section

Scored = TypeVar("Scored", Predictions, Agreement)
Rows = Mapping[str, Mapping[str, Scored]]
"""By row of a table, then by network: networks that differ in their seed only share a row."""

_ACCURACY = {
    "chunk-level accuracy": "chunk-level",
    "song-level accuracy": "song-level",
    "song-level top-3": "top-3",
    "chunk-level calibration error": "ECE",
}
_AGREEMENT = {
    "chunk-level agreement": "chunk-\nlevel",
    "chunk-level in teacher's top-3": "in its\ntop-3",
    "song-level agreement": "song-\nlevel",
    "song-level in teacher's top-3": "in its\ntop-3",
    "song-level top-3 overlap": "top-3s\nmeet",
}
_ACCURACY_NOTE = "Top-3: of songs. ECE: expected calibration error of chunks."
_AGREEMENT_NOTE = (
    "How often the first label is the teacher's first, or one of its first three. Labels shared by the two top-3s: 0 "
    "to 3."
)
_SEEDS_NOTE = " ±: standard deviation between networks that differ in their seed only."
_COMMON_CLASSES = (
    f"Common classes: the {len(COMMON)} classes of music to which the paper's subgenres and Beatport's labels belong, "
    "used where the two sides have different labels. The probability of a class is the sum over its labels."
)


class Table(NamedTuple):
    """A table of an evaluation.

    Parameters
    ----------
    title
        What it shows.
    rows
        Its cells, the head first.
    note
        How to read it.
    """

    title: str
    rows: list[tuple[str, ...]]
    note: str


@dataclass(frozen=True)
class Evaluation:
    """Networks evaluated on a feature store.

    Parameters
    ----------
    title
        The store, its recordings and genres.
    predictions
        Predictions for recordings of known genre.
    agreements
        The networks compared with the store's teacher; empty if there is none.
    teacher
        Name of the teacher; empty if there is none.
    tested_on
        By network, which of the recordings it was tested on.
    """

    title: str
    predictions: Rows[Predictions]
    agreements: Rows[Agreement]
    teacher: str
    tested_on: Mapping[str, str]

    def tables(self) -> Iterator[Table]:
        """Yield the tables of accuracy (Table I) and of agreement with the teacher, one for each kind of comparison."""
        for compared, rows in _by_comparison(self.predictions).items():
            yield Table(f"Accuracy{_by(compared)}, %", _accuracy_rows(rows), _ACCURACY_NOTE + _seeds_note(rows))
        for compared, agreeing in _by_comparison(self.agreements).items():
            title = f"Agreement with {self.teacher}{_by(compared)}, %"
            yield Table(title, _agreement_rows(agreeing), _AGREEMENT_NOTE + _seeds_note(agreeing))

    def tests(self) -> str:
        """Say in a sentence or more which networks were tested on what."""
        return " ".join(
            f"Tested on {part}: {', '.join(name for name, its in self.tested_on.items() if its == part)}."
            for part in dict.fromkeys(self.tested_on.values())
        )

    def write(self, path: Path) -> None:
        """Write an HTML page, and the same as JSON beside it.

        The JSON has ``data`` (the title), ``teacher`` (its name, or null) and, by network, ``tested on``, ``models``
        (scored by genre) and ``agreement`` (with the teacher). The latter two give ``figures`` (shares, 0..1), what
        labels were ``compared by``, numbers of ``tracks`` and ``chunks``, and the labels predicted for each of the
        ``songs``; ``models`` also ``labels``, ``recall`` (by label, null without songs) and ``confusion`` (counts of
        songs: a row for each true label, a column for each predicted one). ``seeds`` has, for both, by name of a row,
        the ``networks`` that differ in their seed only, with ``mean`` and ``deviation`` (of a sample) of their figures.

        Parameters
        ----------
        path
            The page, a .html file.

        Raises
        ------
        UserError
            The files cannot be written; earlier ones stay as they are.
        """
        predictions, agreements = self.predictions, self.agreements
        facts = {
            "data": self.title,
            "models": {name: _accuracy_facts(given) for row in predictions.values() for name, given in row.items()},
            "tested on": dict(self.tested_on),
            "teacher": self.teacher or None,
            "agreement": {name: _agreement_facts(given) for row in agreements.values() for name, given in row.items()},
            "seeds": {"models": _seed_facts(predictions), "agreement": _seed_facts(agreements)},
        }
        write_page(path, self.title, _parts(self), facts)


def _accuracy_rows(rows: Mapping[str, Sequence[Predictions]]) -> list[tuple[str, ...]]:
    head = ("model", *_ACCURACY.values(), "songs")
    return [head] + [
        (name, *_percentages(networks, _ACCURACY, " "), str(len(networks[0].songs))) for name, networks in rows.items()
    ]


def _agreement_rows(rows: Mapping[str, Sequence[Agreement]]) -> list[tuple[str, ...]]:
    cells: list[tuple[str, ...]] = [("model", *_AGREEMENT.values(), "labels\nshared", "songs")]
    for name, networks in rows.items():
        shared = _mean([float(given.overlaps().mean()) for given in networks], ".2f", "\n")
        songs = str(len(networks[0].student.songs))
        cells.append((name, *_percentages(networks, _AGREEMENT, "\n"), shared, songs))
    return cells


def _percentages(
    networks: Sequence[Predictions] | Sequence[Agreement], figures: Mapping[str, str], separator: str
) -> list[str]:
    measured = [given.figures() for given in networks]
    return [_mean([100 * given[figure] for given in measured], ".1f", separator) for figure in figures]


def _mean(values: Sequence[float], form: str, separator: str) -> str:
    """Format a mean and, of several values, their standard deviation."""
    return f"{mean(values):{form}}" + (f"{separator}± {stdev(values):{form}}" if len(values) > 1 else "")


def _by(compared: Comparison) -> str:
    return "" if compared == "labels" else f" by {compared}"


def _seeds_note(rows: Mapping[str, Sequence[object]]) -> str:
    return _SEEDS_NOTE if any(len(networks) > 1 for networks in rows.values()) else ""


def _by_comparison(rows: Rows[Scored]) -> dict[Comparison, dict[str, list[Scored]]]:
    grouped: dict[Comparison, dict[str, list[Scored]]] = {}
    for name, networks in rows.items():
        compared = comparison(next(iter(networks.values())).labels)
        grouped.setdefault(compared, {})[name] = list(networks.values())
    return grouped


def _parts(evaluation: Evaluation) -> Iterator[Section]:
    yield Section(note=evaluation.tests())
    for title, rows, note in evaluation.tables():
        yield table(rows, title, note)
    by_comparison = _by_comparison(evaluation.predictions)
    if "common classes" in by_comparison | _by_comparison(evaluation.agreements):
        yield Section(note=_COMMON_CLASSES)
    pools = {
        compared: {name: pooled(networks) for name, networks in rows.items()}
        for compared, rows in by_comparison.items()
    }
    for compared, pool in pools.items():
        kind = "subgenre" if compared == "labels" else "common class"
        caption = "Share of songs whose majority vote is right, as the paper's Figure 4."
        yield section(f"Accuracy by {kind}", recall_bars(pool), caption)
    every = {name: given for pool in pools.values() for name, given in pool.items()}
    if every:
        caption = "Reliability diagram: the accuracy of chunks at each confidence of a network."
        yield section("Calibration", reliability(every), caption)
    for name, given in every.items():
        caption = "Songs by true label (row) and by majority vote of their chunks (column), as the paper's Figure 5."
        yield section(f"Confusion matrix of {name}", confusion_matrix(given), caption)


def _accuracy_facts(given: Predictions) -> dict[str, object]:
    return {
        "figures": given.figures(),
        "compared by": comparison(given.labels),
        "tracks": len(given.songs),
        "chunks": len(given.track),
        "labels": given.labels,
        "recall": given.recall(),
        "confusion": given.confusion().tolist(),
        "songs": {given.names[k]: given.labels[row[0]] for k, row in zip(given.songs, given.ranking, strict=True)},
    }


def _agreement_facts(given: Agreement) -> dict[str, object]:
    student, teacher = given.student, given.teacher
    return {
        "figures": given.figures(),
        "mean top-3 overlap": float(given.overlaps().mean()),
        "compared by": comparison(given.labels),
        "tracks": len(student.songs),
        "chunks": len(student.track),
        "songs": {
            student.names[k]: {"model": _top_3(student, ours), "teacher": _top_3(teacher, theirs)}
            for k, ours, theirs in zip(student.songs, student.ranking, teacher.ranking, strict=True)
        },
    }


def _seed_facts(rows: Rows[Scored]) -> dict[str, object]:
    facts: dict[str, object] = {}
    for name, networks in rows.items():
        if len(networks) > 1:
            figures = [given.figures() for given in networks.values()]
            by_name = {figure: [f[figure] for f in figures] for figure in figures[0]}
            facts[name] = {
                "networks": list(networks),
                "mean": {figure: mean(values) for figure, values in by_name.items()},
                "deviation": {figure: stdev(values) for figure, values in by_name.items()},
            }
    return facts


def _top_3(given: Predictions, ranking: NDArray[np.int64]) -> list[str]:
    return [given.labels[i] for i in ranking[:3]]
