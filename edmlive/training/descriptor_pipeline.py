"""``edmlive train`` as a function, for models over descriptors: from a table of tracks to a model and its report."""

import datetime
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import onnx

from edmlive.errors import UserError
from edmlive.export.descriptors import descriptor_graph, write_verified
from edmlive.features.windows import LIVE_DESCRIPTORS
from edmlive.models.descriptors import DescriptorNetwork
from edmlive.models.inputs import DescriptorModel
from edmlive.spec import ModelSpec, Provenance
from edmlive.training import descriptors
from edmlive.training.baselines import trees
from edmlive.training.baselines.trees_graph import ensemble_graph
from edmlive.training.cross_validation import best_temperature, cross_validate
from edmlive.training.datasets import Tracks, poolable, read_tracks, require_tracks_per_genre
from edmlive.training.descriptor_report import DescriptorReport

Fit = Callable[[Tracks], DescriptorNetwork | trees.TreeEnsemble]


@dataclass(frozen=True)
class TrainedDescriptors:
    """A model over descriptors that was trained and written.

    Parameters
    ----------
    path, page
        The model, and its report in HTML; the report's figures are in a JSON file of the same name.
    spec
        The model's spec, with what was measured.
    report
        The cross-validation.
    tracks, pooled
        Number of tracks of the dataset and of the pool that it was trained on.
    difference
        Largest difference between the probabilities of the written graph and those of the trained model.
    disagreements
        Tracks of the dataset for which the two name different genres.
    """

    path: Path
    page: Path
    spec: ModelSpec
    report: DescriptorReport
    tracks: int
    pooled: int
    difference: float
    disagreements: int


def train_descriptors(
    dataset: Path,
    output: Path,
    *,
    model: DescriptorModel = "descriptors",
    pool: Path | None = None,
    folds: int = 10,
    seed: int = 0,
    licence: str = "",
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> TrainedDescriptors:
    """Cross-validate, train, calibrate, export and report a model over descriptors.

    Parameters
    ----------
    dataset
        CSV table with a column for each descriptor, the genre in ``genre`` and the artist, if known, in ``artist``.
    output
        The ONNX file to write; the report beside it is of the same name.
    model
        ``descriptors``, the recipe of the shipped model, or an ensemble of decision trees.
    pool
        Another such table to train on as well, for ``descriptors`` only; descriptors may be missing there.
    folds
        Folds of the cross-validation, 2 or more.
    seed
        Of the folds, the initial weights and the order of the tracks.
    licence
        SPDX identifier of the model's licence.
    advance
        Called after each training with the number of those done and of all.

    Raises
    ------
    UserError
        A table cannot be read or trained on, or the model cannot be written; before any training, as far as possible.

    Examples
    --------
    >>> from edmlive.training import train_descriptors
    >>> train_descriptors(Path("tracks.csv"), Path("mine.onnx")).report.figures()["10-fold top-1"]  # doctest: +SKIP
    0.568
    """
    if output.suffix != ".onnx" or output.is_dir() or not os.access(output.parent, os.W_OK):
        raise UserError(f"No model can be written to {output}: name a .onnx file in a folder that can be written to.")
    tracks, pooled, fit = _recipe(dataset, model, pool, seed)
    require_tracks_per_genre(tracks, folds)

    steps, total = count(1), (2 if tracks.artists_known else 1) * folds + 1

    def step() -> None:
        advance(next(steps), total)

    validate = partial(cross_validate, tracks, fit, folds=folds, seed=seed, advance=step)
    plain = validate()
    apart = validate(artists_apart=True) if tracks.artists_known else None
    trained = fit(tracks)
    trained.temperature = best_temperature(plain.raw, plain.truth)
    step()

    report = DescriptorReport(plain, apart, _importances(trained, tracks.names))
    provenance = Provenance(
        data=", ".join(_fingerprint(path) for path in (dataset, pool) if path),
        date=datetime.date.today().isoformat(),
        licence=licence,
        measured=report.figures(),
        measured_on=f"{len(tracks)} tracks of {dataset.name}",
    )
    spec = descriptors.describe(output.stem, plain.labels, provenance, tracks.names)
    difference, disagreements = write_verified(output, _graph(trained, spec), trained, tracks.values)
    page = output.with_suffix(".html")
    facts = {
        "model": spec.name,
        "kind": model,
        "tracks": len(tracks),
        "pooled tracks": pooled,
        "temperature": trained.temperature,
        "graph": {"largest difference": difference, "other answers": disagreements},
    }
    report.write(page, f"{spec.name}: {model} on {provenance.measured_on}", facts)
    return TrainedDescriptors(output, page, spec, report, len(tracks), pooled, difference, disagreements)


def _recipe(dataset: Path, model: DescriptorModel, pool: Path | None, seed: int) -> tuple[Tracks, int, Fit]:
    """Return the tracks to train on, the number of pooled ones, and how to train."""
    if model != "descriptors":
        if pool is not None:
            raise UserError(f"No tracks can be pooled for {model}, which needs every descriptor.")
        tracks = read_tracks(dataset, LIVE_DESCRIPTORS, partial=True).described()
        return tracks, 0, partial(trees.fit, model, seed=seed)
    tracks = read_tracks(dataset, descriptors.DESCRIPTORS)
    more = poolable(read_tracks(pool, descriptors.DESCRIPTORS, partial=True), tracks) if pool else None
    return tracks, 0 if more is None else len(more), partial(descriptors.fit, pool=more, seed=seed)


def _importances(trained: DescriptorNetwork | trees.TreeEnsemble, names: tuple[str, ...]) -> dict[str, float]:
    """Return the share of each descriptor, largest first; empty for a network."""
    if isinstance(trained, DescriptorNetwork):
        return {}
    shares = dict(zip(names, trained.importances().tolist(), strict=True))
    return dict(sorted(shares.items(), key=lambda share: -share[1]))


def _graph(trained: DescriptorNetwork | trees.TreeEnsemble, spec: ModelSpec) -> onnx.ModelProto:
    if isinstance(trained, DescriptorNetwork):
        return descriptor_graph(trained, spec)
    return ensemble_graph(trained, spec)


def _fingerprint(path: Path) -> str:
    return f"{path.name} (sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:8]})"
