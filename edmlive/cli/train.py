"""``edmlive train``: models from one's own data."""

import datetime
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from edmlive.cli.console import plain_console
from edmlive.cli.options import ProviderChoice, training_extra
from edmlive.errors import UserError
from edmlive.models.inputs import Architecture
from edmlive.spec import Provenance

train = typer.Typer(help="Train models on your own data.", no_args_is_help=True)


@train.callback()
def _commands() -> None:
    """Train models on your own data."""


@train.command()
def descriptors(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET.csv", help="Tracks with descriptors and genres.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL.onnx", help="The model to write.")],
    pool: Annotated[
        Path | None, typer.Option(metavar="OTHER.csv", help="More tracks to learn from, of the genres it shares.")
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Folds of the cross-validation.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same model.")] = 0,
    licence: Annotated[str, typer.Option(metavar="SPDX", help="Licence of the model, kept in it.")] = "",
) -> None:
    """Train, cross-validate, calibrate and export a model over descriptors.

    DATASET.csv has a column for each descriptor, a column `genre`, and a column `artist` if known. The shipped model
    was trained on `bandcamp_librarian/dataset-model-predictor/beatport_2021jan.csv` (sha256 2140e25c...), which is in
    the wheel of the PyPI package bandcamp-librarian 0.2.2.

    OTHER.csv may lack descriptors, and have `class` for `genre`, as has `Examples/beatsdataset.csv` in the GitHub
    repository Caparrini/pyGenreClf.

    A report is written beside the model: MODEL.json.
    """
    with training_extra():
        from edmlive.export.descriptors import export_network
        from edmlive.training.datasets import poolable, read_tracks, require_tracks_per_genre
        from edmlive.training.descriptors import DESCRIPTORS, cross_validate, describe, fit
        from edmlive.training.evaluation import best_temperature
    if output.suffix != ".onnx" or output.is_dir() or not os.access(output.parent, os.W_OK):
        raise UserError(f"No model can be written to {output}: name a .onnx file in a folder that can be written to.")

    tracks = read_tracks(dataset, DESCRIPTORS)
    require_tracks_per_genre(tracks, folds)
    more = poolable(read_tracks(pool, DESCRIPTORS, partial=True), tracks) if pool else None
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("training", total=2 * folds + 1)

        def validate(artists_apart: bool) -> Any:
            return cross_validate(
                tracks,
                more,
                folds=folds,
                seed=seed,
                artists_apart=artists_apart,
                advance=lambda: progress.advance(task),
            )

        plain, apart = validate(False), validate(True)
        network = replace(fit(tracks, more, seed=seed), temperature=best_temperature(plain.raw, plain.truth))

    figures = {f"{folds}-fold {name}": value for name, value in plain.figures().items()}
    figures |= {f"{folds}-fold {name}, artists apart": value for name, value in apart.figures().items()}
    provenance = Provenance(
        data=", ".join(_fingerprint(path) for path in (dataset, pool) if path),
        date=datetime.date.today().isoformat(),
        licence=licence,
        measured=figures,
        measured_on=f"{len(tracks)} tracks of {dataset.name}",
    )
    spec = describe(output.stem, plain.labels, provenance)
    difference, disagreements = export_network(output, network, spec, tracks.values)
    report = {
        "model": spec.name,
        "tracks": len(tracks),
        "pooled tracks": 0 if more is None else len(more),
        "figures": figures,
        "recall": plain.recall(),
        "confusions": plain.confusions(),
        "temperature": network.temperature,
        "graph": {"largest difference": difference, "other answers": disagreements},
    }
    output.with_suffix(".json").write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    console = Console(highlight=False, soft_wrap=True)
    console.print(_table(figures))
    console.print(
        f"{output}: learnt from {report['tracks']} tracks and {report['pooled tracks']} pooled ones. On the former its "
        f"probabilities are within {difference:.1g} of training's, and {disagreements} answers differ."
    )


def _table(figures: dict[str, float]) -> Table:
    table = Table("Figure", "Share", box=None, header_style="bold")
    for name, value in figures.items():
        table.add_row(name, f"{value:.1%}")
    return table


def _fingerprint(path: Path) -> str:
    return f"{path.name} (sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:8]})"


@train.command()
def network(
    store: Annotated[Path, typer.Argument(help="Features, from `edmlive features`.")],
    model: Annotated[Architecture, typer.Option(help="Which network.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="RUN", help="Folder for checkpoints and logs.")],
    recipe: Annotated[
        Literal["paper", "modern"], typer.Option(help="The paper's settings, or modern ones.")
    ] = "modern",
    width: Annotated[int, typer.Option(min=1, help="Channels of the first block; 128 is the paper's.")] = 128,
    seed: Annotated[int, typer.Option(min=0, help="Of the split, the first weights and the order.")] = 0,
    span: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="START END", help="Look at these seconds of each track only, such as 15 45."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the training split, instead of the recipe's.")
    ] = None,
    batch: Annotated[int | None, typer.Option(min=2, help="Chunks in a step, instead of the recipe's.")] = None,
    device: Annotated[ProviderChoice, typer.Option(help="Where to train.")] = ProviderChoice.auto,
    precision: Annotated[
        Literal["32-true", "16-mixed", "bf16-mixed"], typer.Option(help="Arithmetic; the mixed ones are for GPUs.")
    ] = "32-true",
    workers: Annotated[int, typer.Option(min=0, help="Processes that prepare batches, such as one for each core.")] = 0,
) -> None:
    """Train one of the paper's networks; run it again to go on after an interruption.

    Tracks are split 8 : 1 : 1 in every genre, artists kept together. RUN/model.safetensors is the epoch of least
    validation loss, measured on the test split; RUN/logs has the learning curves. On several GPUs, start it with
    `torchrun`.
    """
    with training_extra():
        from lightning.pytorch.callbacks import RichProgressBar

        from edmlive.training import experiment as experiments
        from edmlive.training.chunks import WHOLE, Span
        from edmlive.training.predictions import predict
        from edmlive.training.recipes import RECIPES
        from edmlive.training.store import FeatureStore

    chosen = RECIPES[recipe]
    chosen = replace(chosen, epochs=epochs or chosen.epochs, batch=batch or chosen.batch)
    opened = FeatureStore.open(store)
    experiment = experiments.Experiment(opened, model, width, chosen, Span(*span) if span else WHOLE, seed)
    notes = plain_console(stderr=True)
    bars = [RichProgressBar()] if notes.is_terminal else []
    checkpoint = experiments.train(
        experiment, output, device=device.value, precision=precision, workers=workers, callbacks=bars
    )
    if os.environ.get("RANK", "0") != "0":
        return  # of the processes of a torchrun the first one reports
    tested = predict(checkpoint.probabilities, checkpoint.spec.labels, experiment.chunks("test"))
    figures = tested.figures()
    checkpoint = experiments.with_figures(checkpoint, figures, f"{len(tested.heard)} test tracks of {store.name}")
    checkpoint.save(output / experiments.CHECKPOINT)
    console = plain_console()
    console.print(_table(figures))
    console.print(f"{output / experiments.CHECKPOINT}: {model}, width {width}, {experiment.spec('').provenance.data}.")
