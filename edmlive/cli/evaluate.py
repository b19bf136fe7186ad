"""``edmlive evaluate``: Table I and its figures for one's own networks."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from edmlive.cli.common import plain_console, training_extra
from edmlive.errors import UserError


def evaluate(
    store: Annotated[Path, typer.Argument(help="Features, from `edmlive features`.")],
    models: Annotated[list[Path], typer.Argument(metavar="MODELS...", help="Checkpoints and ONNX files.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="REPORT.html", help="The report; its figures also as REPORT.json.")
    ] = Path("report.html"),
) -> None:
    """Test networks chunk by chunk and song by song, by majority vote.

    A network is not tested on recordings that it was trained on, nor on others by their artists: of the store that it
    was trained on, the test split remains, and what was added since; of any other, all recordings of its genres.
    Networks that differ in their seed only are one row, with mean and standard deviation. If the store has a teacher,
    networks are also compared with it, on recordings without a genre too. Labels other than the store's or the
    teacher's are compared by the classes of music that both belong to.
    """
    with training_extra():
        from edmlive.training import evaluate
    if output.suffix != ".html" or not output.parent.is_dir():
        raise UserError(f"No report can be written to {output}: name a .html file in a folder that exists.")
    notes = plain_console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}

        def advance(model: str, done: int, total: int) -> None:
            if model not in tasks:
                tasks[model] = progress.add_task(model)
            progress.update(tasks[model], completed=done, total=total)

        evaluation = evaluate(store, models, advance=advance)
    out = plain_console()
    for title, (head, *rows), note in evaluation.tables():
        shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
        shown.add_column(head[0], overflow="fold")
        for name in head[1:]:
            shown.add_column(name, justify="right", no_wrap=True)
        for row in rows:
            shown.add_row(*row)
        out.print(title, style="bold")
        out.print(shown)
        out.print(note)
        out.print()
    out.print(evaluation.tests())
    evaluation.write(output)
    out.print(f"{output} has the figures, {output.with_suffix('.json')} the numbers.")
