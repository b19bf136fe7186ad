"""``edmlive train`` as a function, for models over descriptors: from a table of tracks to a model and its report."""

import datetime
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path

import onnx

from edmlive.errors import UserError
from edmlive.export.descriptors import descriptor_graph, write_verified
from edmlive.features.windows import LIVE_DESCRIPTORS
from edmlive.models.descriptors import WHOLE_SECONDS, DescriptorNetwork
from edmlive.models.inputs import DescriptorModel, require_model_name
from edmlive.spec import ModelSpec, Provenance
from edmlive.training import descriptors
from edmlive.training.baselines import trees
from edmlive.training.baselines.trees_graph import ensemble_graph
from edmlive.training.cross_validation import cross_validate
from edmlive.training.datasets import Tracks, poolable, read_tracks, require_tracks_per_genre
from edmlive.training.descriptor_report import DescriptorReport
from edmlive.training.real_music import RealMusic, read_real_music
from edmlive.training.transplants import Transplants

Fit = Callable[[RealMusic | None, Tracks], DescriptorNetwork | trees.TreeEnsemble]


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
    real: Path | None = None,
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
    real
        Descriptors of real music in a booth (see `edmlive.training.real_music`), for ``descriptors`` only: the model
        then takes handled music and any look-back, and tells what is no electronic music.
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
    require_model_name(output.stem)
    tracks, pooled, heard, fit = _recipe(dataset, model, pool, real, seed)
    require_tracks_per_genre(tracks, folds)
    trained_on, tested_on = (None, None) if heard is None else heard.halves(seed)

    steps, total = count(1), (2 if tracks.artists_known else 1) * folds + 1

    def step() -> None:
        advance(next(steps), total)

    validate = partial(
        cross_validate,
        tracks,
        partial(fit, trained_on),
        folds=folds,
        seed=seed,
        transplants=None if tested_on is None else Transplants(tested_on, descriptors.features_of(tracks)),
        advance=step,
    )
    plain = validate()
    apart = validate(artists_apart=True) if tracks.artists_known else None
    trained = fit(heard, tracks)
    temperature = plain.temperature()
    trained.temperature = temperature.whole
    if isinstance(trained, DescriptorNetwork):
        trained.temperature_slope = temperature.slope
    step()

    report = DescriptorReport(plain, apart, _importances(trained, tracks.names))
    provenance = Provenance(
        data=", ".join(_fingerprint(path) for path in (dataset, pool, real) if path),
        date=datetime.date.today().isoformat(),
        licence=licence,
        measured=report.figures(),
        measured_on=f"{len(tracks)} tracks of {dataset.name}",
    )
    spec = replace(
        descriptors.describe(output.stem, plain.labels, provenance, tracks.names),
        unknown=isinstance(trained, DescriptorNetwork) and trained.unknown is not None,
        set_probability=plain.set_probability(),
    )
    difference, disagreements = write_verified(output, _graph(trained, spec), trained, tracks.values)
    page = output.with_suffix(".html")
    facts = {
        "model": spec.name,
        "kind": model,
        "tracks": len(tracks),
        "pooled tracks": pooled,
        "temperature": temperature.whole,
        "slope of the temperature": temperature.slope,
        "graph": {"largest difference": difference, "other answers": disagreements},
    }
    report.write(page, f"{spec.name}: {model} on {provenance.measured_on}", facts)
    return TrainedDescriptors(output, page, spec, report, len(tracks), pooled, difference, disagreements)


def _recipe(
    dataset: Path, model: DescriptorModel, pool: Path | None, real: Path | None, seed: int
) -> tuple[Tracks, int, RealMusic | None, Fit]:
    """Return the tracks to train on, the number of pooled ones, real music, and how to train on it and the tracks."""
    if model != "descriptors":
        if pool is not None:
            raise UserError(f"No tracks can be pooled for {model}, which needs every descriptor.")
        if real is not None:
            raise UserError(f"No handlings can be transplanted for {model}: real music is for --model descriptors.")
        tracks = read_tracks(dataset, LIVE_DESCRIPTORS, partial=True).described()
        return tracks, 0, None, lambda _, some: trees.fit(model, some, seed=seed)
    tracks = read_tracks(dataset, descriptors.DESCRIPTORS)
    more = poolable(read_tracks(pool, descriptors.DESCRIPTORS, partial=True), tracks) if pool else None
    if real is not None:
        tracks = tracks.looking_back(WHOLE_SECONDS)
        more = None if more is None else more.looking_back(WHOLE_SECONDS)
    heard = None if real is None else read_real_music(real, tracks.names)

    def fit(real: RealMusic | None, some: Tracks) -> DescriptorNetwork:
        return descriptors.fit(some, more, real, seed=seed)

    return tracks, 0 if more is None else len(more), heard, fit


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
