"""``edmlive train`` for models over descriptors."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from edmlive.cli.common import plain_console, training_extra
from edmlive.models.inputs import DescriptorModel, require_model_name


def train_descriptors(
    dataset: Path,
    model: DescriptorModel,
    output: Path,
    *,
    pool: Path | None,
    real: Path | None,
    folds: int,
    seed: int,
    licence: str,
) -> None:
    """Call `edmlive.training.train_descriptors`; the options are those of `edmlive.cli.train.train`."""
    from edmlive.training.datasets import read_tracks, require_tracks_per_genre

    # What takes no time to find out is said before the slow imports.
    require_model_name(output.stem)
    require_tracks_per_genre(read_tracks(dataset, (), partial=True), folds)
    with training_extra():
        from edmlive.training import train_descriptors as train
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    notes = Console(stderr=True)
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as progress:
        task = progress.add_task("training", total=None)
        trained = train(
            dataset,
            output,
            model=model,
            pool=pool,
            real=real,
            folds=folds,
            seed=seed,
            licence=licence,
            advance=lambda done, total: progress.update(task, completed=done, total=total),
        )
    console = plain_console()
    head, *rows = trained.report.rows()
    table = Table(*head, box=None, header_style="bold")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print(
        f"{output}: trained on {trained.tracks} tracks and {trained.pooled} pooled ones. On the former its "
        f"probabilities are within {trained.difference:.1g} of training's, and {trained.disagreements} answers differ. "
        f"{trained.page} has the figures."
    )
