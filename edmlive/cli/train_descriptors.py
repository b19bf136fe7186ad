"""``edmlive train`` for models over descriptors."""

import datetime
import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from edmlive.cli.common import plain_console, training_extra
from edmlive.errors import UserError
from edmlive.models.inputs import DescriptorModel
from edmlive.spec import Provenance


def train_descriptors(
    dataset: Path, model: DescriptorModel, output: Path, *, pool: Path | None, folds: int, seed: int, licence: str
) -> None:
    """Cross-validate, train, calibrate, export and report; the options are those of `edmlive.cli.train.train`."""
    with training_extra():
        from edmlive.export.descriptors import network_graph, write_verified
        from edmlive.export.ensembles import ensemble_graph
        from edmlive.features.windows import LIVE_DESCRIPTORS
        from edmlive.models.descriptors import DescriptorNetwork
        from edmlive.models.trees import TreeEnsemble
        from edmlive.training import descriptors, ensembles
        from edmlive.training.cross_validation import best_temperature, cross_validate
        from edmlive.training.datasets import Tracks, poolable, read_tracks, require_tracks_per_genre
        from edmlive.training.descriptor_report import DescriptorReport
    if output.suffix != ".onnx" or output.is_dir() or not os.access(output.parent, os.W_OK):
        raise UserError(f"No model can be written to {output}: name a .onnx file in a folder that can be written to.")

    more: Tracks | None = None
    fit: Callable[[Tracks], DescriptorNetwork | TreeEnsemble]
    if model == "descriptors":
        tracks = read_tracks(dataset, descriptors.DESCRIPTORS)
        if pool:
            more = poolable(read_tracks(pool, descriptors.DESCRIPTORS, partial=True), tracks)
        fit = partial(descriptors.fit, pool=more, seed=seed)
    else:
        tracks = read_tracks(dataset, LIVE_DESCRIPTORS, partial=True).described()
        fit = partial(ensembles.fit, model, seed=seed)
    require_tracks_per_genre(tracks, folds)

    rounds = 2 if tracks.artists_known else 1
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("training", total=rounds * folds + 1)
        validate = partial(cross_validate, tracks, fit, folds=folds, seed=seed, advance=partial(progress.advance, task))
        plain = validate()
        apart = validate(artists_apart=True) if tracks.artists_known else None
        trained = replace(fit(tracks), temperature=best_temperature(plain.raw, plain.truth))

    importances: dict[str, float] = {}
    if isinstance(trained, TreeEnsemble):
        importances = dict(sorted(zip(tracks.names, trained.importances().tolist(), strict=True), key=lambda i: -i[1]))
    report = DescriptorReport(plain, apart, importances)
    provenance = Provenance(
        data=", ".join(_fingerprint(path) for path in (dataset, pool) if path),
        date=datetime.date.today().isoformat(),
        licence=licence,
        measured=report.figures(),
        measured_on=f"{len(tracks)} tracks of {dataset.name}",
    )
    spec = descriptors.describe(output.stem, plain.labels, provenance, tracks.names)
    graph = ensemble_graph(trained, spec) if isinstance(trained, TreeEnsemble) else network_graph(trained, spec)
    difference, disagreements = write_verified(output, graph, trained, tracks.values)
    facts = {
        "model": spec.name,
        "kind": model,
        "tracks": len(tracks),
        "pooled tracks": 0 if more is None else len(more),
        "temperature": trained.temperature,
        "graph": {"largest difference": difference, "other answers": disagreements},
    }
    page = output.with_suffix(".html")
    report.write(page, f"{spec.name}: {model} on {provenance.measured_on}", facts)
    console = plain_console()
    head, *rows = report.rows()
    table = Table(*head, box=None, header_style="bold")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print(
        f"{output}: learnt from {facts['tracks']} tracks and {facts['pooled tracks']} pooled ones. On the former its "
        f"probabilities are within {difference:.1g} of training's, and {disagreements} answers differ. {page} has the "
        "figures."
    )


def _fingerprint(path: Path) -> str:
    return f"{path.name} (sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:8]})"
