"""An evaluation as tables, as JSON, and as one HTML page that needs nothing else."""

from collections.abc import Iterator, Mapping, Sequence
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

Examined = TypeVar("Examined", Predictions, Agreement)
Rows = Mapping[str, Mapping[str, Examined]]
"""By row of a table, then by network: those that differ in their seed only share a row."""

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
_COMMON_CLASSES = (
    f"Common classes: the {len(COMMON)} classes of music into which the paper's subgenres and Beatport's labels fall "
    "whole, because the two sides have other labels. A class is as likely as its labels together."
)


class Table(NamedTuple):
    """A table to be shown.

    Parameters
    ----------
    title
        What it is about.
    rows
        Its cells, the head first.
    note
        How to read it.
    """

    title: str
    rows: list[tuple[str, ...]]
    note: str


def write_report(
    path: Path,
    title: str,
    predictions: Rows[Predictions],
    agreements: Rows[Agreement],
    teacher: str,
    tested_on: Mapping[str, str],
) -> None:
    """Write PATH.html and PATH.json beside it.

    The JSON has ``data`` (the title), ``teacher`` (its name, or null) and, by network, what it was ``tested on``,
    ``models`` (judged by genre) and ``agreement`` (held against the teacher). The latter two give ``figures`` (shares,
    0..1), what labels were ``compared by``, numbers of ``tracks`` and ``chunks``, and what each of the ``songs`` was
    called; ``models`` also ``labels``, ``recall`` (share of each label's songs, null without any) and ``confusion``
    (counts of songs: a row for each true label, a column for each predicted one). ``seeds`` has, for both, by the name
    of a row, the ``networks`` that differ in their seed only, with ``mean`` and ``deviation`` (of a sample) of their
    figures.

    Parameters
    ----------
    path
        The HTML file.
    title
        What was evaluated on.
    predictions
        Of recordings whose genre is known.
    agreements
        With the teacher.
    teacher
        Its name; empty where there is none.
    tested_on
        By network, the part of the recordings.

    Raises
    ------
    UserError
        They cannot be written.
    """
    facts = {
        "data": title,
        "models": {name: _accuracy_facts(given) for row in predictions.values() for name, given in row.items()},
        "tested on": dict(tested_on),
        "teacher": teacher or None,
        "agreement": {name: _agreement_facts(given) for row in agreements.values() for name, given in row.items()},
        "seeds": {"models": _seed_facts(predictions), "agreement": _seed_facts(agreements)},
    }
    parts = (Section(note=tests_told(tested_on)), *_parts(predictions, agreements, teacher))
    write_page(path, title, parts, facts)


def tests_told(tested_on: Mapping[str, str]) -> str:
    """Say which networks were tested on what."""
    return " ".join(
        f"Tested on {part}: {', '.join(name for name, its in tested_on.items() if its == part)}."
        for part in dict.fromkeys(tested_on.values())
    )


def tables(predictions: Rows[Predictions], agreements: Rows[Agreement], teacher: str) -> Iterator[Table]:
    """Yield the tables of accuracy (Table I) and of agreement with the teacher, one for each kind of comparison."""
    for compared, judged in _by_comparison(predictions).items():
        rows = [("model", *_ACCURACY.values(), "songs")]
        for name, networks in judged.items():
            figures = [given.figures() for given in networks]
            shares = (_percent([f[figure] for f in figures], " ") for figure in _ACCURACY)
            rows.append((name, *shares, str(len(networks[0].heard))))
        note = "Top-3: of songs. ECE: expected calibration error of chunks." + _said(judged)
        yield Table(f"Accuracy{_by(compared)}, %", rows, note)
    for compared, agreeing in _by_comparison(agreements).items():
        rows = [("model", *_AGREEMENT.values(), "labels\nshared", "songs")]
        for name, held in agreeing.items():
            figures = [given.figures() for given in held]
            shares = (_percent([f[figure] for f in figures], "\n") for figure in _AGREEMENT)
            overlap = _mean([mean(given.overlaps()) for given in held], ".2f", "\n")
            rows.append((name, *shares, overlap, str(len(held[0].student.heard))))
        note = "The likeliest label is the teacher's, or one of its three. Labels shared by the two top-3s: 0 to 3."
        yield Table(f"Agreement with {teacher}{_by(compared)}, %", rows, note + _said(agreeing))


def _parts(predictions: Rows[Predictions], agreements: Rows[Agreement], teacher: str) -> Iterator[Section]:
    for title, rows, note in tables(predictions, agreements, teacher):
        yield table(rows, title, note)
    if "common classes" in _by_comparison(predictions) | _by_comparison(agreements):
        yield Section(note=_COMMON_CLASSES)
    judged = {
        compared: {name: pooled(networks) for name, networks in rows.items()}
        for compared, rows in _by_comparison(predictions).items()
    }
    for compared, pools in judged.items():
        caption = "Share of the songs whose majority is right, as the paper's Figure 4."
        kind = "subgenre" if compared == "labels" else "common class"
        yield section(f"Accuracy by {kind}", recall_bars(pools), caption)
    pools = {name: pool for pools in judged.values() for name, pool in pools.items()}
    if pools:
        caption = "Reliability diagram: how many chunks are right of those about which a network is as sure as this."
        yield section("Calibration", reliability(pools), caption)
    for name, pool in pools.items():
        caption = (
            "Songs by what they are (row) and what the majority of their chunks called them, as the paper's Figure 5."
        )
        yield section(f"Confusion matrix of {name}", confusion_matrix(pool), caption)


def _by_comparison(rows: Rows[Examined]) -> dict[Comparison, dict[str, list[Examined]]]:
    found: dict[Comparison, dict[str, list[Examined]]] = {}
    for name, networks in rows.items():
        compared = comparison(next(iter(networks.values())).labels)
        found.setdefault(compared, {})[name] = list(networks.values())
    return found


def _by(compared: Comparison) -> str:
    return "" if compared == "labels" else f" by {compared}"


def _percent(shares: Sequence[float], separator: str) -> str:
    return _mean([100 * share for share in shares], ".1f", separator)


def _mean(values: Sequence[float], form: str, separator: str) -> str:
    """Return a mean and, of several values, their deviation."""
    return f"{mean(values):{form}}" + (f"{separator}± {stdev(values):{form}}" if len(values) > 1 else "")


def _said(rows: Mapping[str, Sequence[object]]) -> str:
    several = any(len(networks) > 1 for networks in rows.values())
    return " ±: standard deviation between networks that differ in their seed only." if several else ""


def _accuracy_facts(given: Predictions) -> dict[str, object]:
    return {
        "figures": given.figures(),
        "compared by": comparison(given.labels),
        "tracks": len(given.heard),
        "chunks": len(given.track),
        "labels": given.labels,
        "recall": given.recall(),
        "confusion": given.confusion().tolist(),
        "songs": {given.names[k]: given.labels[row[0]] for k, row in zip(given.heard, given.ranking, strict=True)},
    }


def _agreement_facts(given: Agreement) -> dict[str, object]:
    student, teacher = given.student, given.teacher
    return {
        "figures": given.figures(),
        "mean top-3 overlap": mean(given.overlaps()),
        "compared by": comparison(given.labels),
        "tracks": len(student.heard),
        "chunks": len(student.track),
        "songs": {
            student.names[k]: {"model": _three(student, ours), "teacher": _three(teacher, theirs)}
            for k, ours, theirs in zip(student.heard, student.ranking, teacher.ranking, strict=True)
        },
    }


def _seed_facts(rows: Rows[Examined]) -> dict[str, object]:
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


def _three(given: Predictions, ranking: NDArray[np.int64]) -> list[str]:
    return [given.labels[i] for i in ranking[:3]]
