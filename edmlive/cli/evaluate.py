"""``edmlive evaluate``: Table I and its figures for one's own networks."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from edmlive.cli.console import plain_console
from edmlive.cli.options import training_extra
from edmlive.errors import UserError


def evaluate(
    store: Annotated[Path, typer.Argument(help="Features, from `edmlive features`.")],
    models: Annotated[list[Path], typer.Argument(metavar="MODELS...", help="Checkpoints and ONNX files.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="REPORT.html", help="The report; its figures also as REPORT.json.")
    ] = Path("report.html"),
) -> None:
    """Test networks chunk by chunk and song by song, by majority vote.

    On the store that a network was trained on, its test split is taken; on any other, all recordings of its genres.
    """
    with training_extra():
        from edmlive.training.candidates import open_candidate, unseen
        from edmlive.training.predictions import Predictions, predict
        from edmlive.training.report import write_report
        from edmlive.training.store import FeatureStore
    if output.suffix != ".html" or not output.parent.is_dir():
        raise UserError(f"No report can be written to {output}: name a .html file in a folder that exists.")
    opened = FeatureStore.open(store)
    notes = plain_console(stderr=True)
    predictions: dict[str, Predictions] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as progress:
        for path in models:
            candidate = open_candidate(path)
            chunks = unseen(opened, candidate.spec, candidate.training)
            task = progress.add_task(path.name, total=len(chunks))
            name = str(path) if candidate.spec.name in predictions else candidate.spec.name
            predictions[name] = predict(
                candidate.classify,
                candidate.spec.labels,
                chunks,
                advance=partial(progress.advance, task),
            )
    write_report(output, f"{store.name}: {len(opened.tracks)} recordings of {len(opened.labels)} genres", predictions)
    figures = {name: given.figures() for name, given in predictions.items()}
    table = Table("Model", *next(iter(figures.values())), "songs", box=None, header_style="bold")
    for name, values in figures.items():
        table.add_row(name, *(f"{value:.1%}" for value in values.values()), str(len(predictions[name].heard)))
    out = plain_console()
    out.print(table)
    out.print(f"{output} has the figures.")
