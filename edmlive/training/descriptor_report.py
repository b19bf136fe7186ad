"""The cross-validation of a model over descriptors as a table, as JSON, and as one HTML page."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from edmlive.training.cross_validation import CrossValidation
from edmlive.training.figures import confusion_matrix
from edmlive.training.page import section, table, write_page

LEAST_CONFUSION = 0.1
"""Smallest share of a genre's tracks for which an arrow is drawn."""
_MOST_IMPORTANT = 20


@dataclass(frozen=True)
class DescriptorReport:
    """What is reported of one model.

    Parameters
    ----------
    plain
        Cross-validation in shuffled folds.
    apart
        The same with each artist's tracks in one fold; ``None`` if no artists are known.
    importances
        Importance of each descriptor, as shares, largest first; empty if the model has none.
    """

    plain: CrossValidation
    apart: CrossValidation | None
    importances: Mapping[str, float]

    def figures(self) -> dict[str, float]:
        """Return the figures, by name; all are shares, 0..1."""
        return {name: value for name, (value, _) in self._figures().items()}

    def rows(self) -> list[tuple[str, str]]:
        """Return a table of the figures with their standard deviations between folds, the head first."""
        return [("Figure", "Share")] + [
            (name, f"{value:.1%}" if deviation is None else f"{100 * value:.1f} ± {100 * deviation:.1f}%")
            for name, (value, deviation) in self._figures().items()
        ]

    def write(self, path: Path, title: str, facts: Mapping[str, object]) -> None:
        """Write PATH.html, and PATH.json with further facts beside it; `UserError` if they cannot be written."""
        facts = {
            **facts,
            "figures": self.figures(),
            "deviations": {
                name: deviation for name, (_, deviation) in self._figures().items() if deviation is not None
            },
            "importances": dict(self.importances),
            "recall": self.plain.recall(),
            "confusions": self.plain.confusions(),
        }
        parts = [table(self.rows())]
        if self.importances:
            parts.append(section("Most important descriptors", importance_bars(self.importances)))
        mistaken = f"Which subgenre is mistaken for which, from {LEAST_CONFUSION:.0%} of its tracks"
        parts.append(section(mistaken, confusion_graph(self.plain, LEAST_CONFUSION)))
        parts.append(section("Confusions", confusion_matrix(self.plain)))
        write_page(path, title, parts, facts)

    def _figures(self) -> dict[str, tuple[float, float | None]]:
        """Return figures with their deviations, by name."""
        named: dict[str, tuple[float, float | None]] = {}
        for result, ending in ((self.plain, ""), (self.apart, ", artists apart")):
            if result is not None:
                folds, deviations = int(result.fold.max()) + 1, result.deviations()
                for name, value in result.figures().items():
                    if result is self.apart and name.endswith(" s"):
                        continue  # look-back by look-back once is enough
                    named[f"{folds}-fold {name}{ending}"] = value, deviations.get(name)
        return named


def importance_bars(importances: Mapping[str, float]) -> Figure:
    """Draw the importance of the most important descriptors as bars, the largest on top."""
    first = list(importances.items())[:_MOST_IMPORTANT]
    figure = Figure(figsize=(7, 1 + 0.22 * len(first)), layout="constrained")
    axes = figure.subplots()
    axes.barh([name for name, _ in first], [100 * share for _, share in first])
    axes.invert_yaxis()
    axes.set_xlabel("share of the decrease in impurity, %")
    return figure


def confusion_graph(result: CrossValidation, least: float) -> Figure:
    """Draw an arrow from each subgenre to each one that at least this share of its tracks, 0..1, was classified as."""
    counts = result.confusion()
    shares = counts / counts.sum(axis=1, keepdims=True)
    angles = 2 * np.pi * np.arange(len(counts)) / len(counts)
    places = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    figure = Figure(figsize=(9, 9), layout="constrained")
    axes = figure.subplots()
    for (x, y), degrees, label in zip(1.05 * places, np.degrees(angles), result.labels, strict=True):
        left = 90 < degrees < 270
        axes.text(
            x,
            y,
            label,
            fontsize=8,
            ha="right" if left else "left",
            va="center",
            rotation=degrees + 180 if left else degrees,
            rotation_mode="anchor",
        )
    for i, j in np.argwhere(shares >= least):
        if i != j:
            arrow = {"arrowstyle": "-|>", "connectionstyle": "arc3,rad=0.15", "linewidth": 15 * shares[i, j]}
            axes.annotate("", places[j], places[i], arrowprops={**arrow, "color": "steelblue", "alpha": 0.7})
    axes.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal")
    axes.axis("off")
    return figure
