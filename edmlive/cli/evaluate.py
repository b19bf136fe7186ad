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
    Where the store has a teacher, networks are also held against it, on recordings without a genre too. Other labels
    than the store's or the teacher's are compared by the classes of music that both fall into.
    """
    with training_extra():
        from edmlive.training.agreement import Agreement, agreement, judged, taught
        from edmlive.training.candidates import open_candidate, unseen
        from edmlive.training.chunks import Chunks
        from edmlive.training.predictions import Predictions, predict
        from edmlive.training.report import accuracy_rows, agreement_rows, write_report
        from edmlive.training.store import FeatureStore, StoredTrack
    if output.suffix != ".html" or not output.parent.is_dir():
        raise UserError(f"No report can be written to {output}: name a .html file in a folder that exists.")
    opened = FeatureStore.open(store)
    notes = plain_console(stderr=True)
    teacher = opened.teacher
    answers: dict[str, Predictions] = {}
    agreements: dict[str, Agreement] = {}
    heard: dict[str, StoredTrack] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as progress:
        for path in models:
            candidate = open_candidate(path)
            chunks = unseen(opened, candidate.spec, candidate.training)
            task = progress.add_task(path.name, total=len(chunks))
            name = str(path) if candidate.spec.name in answers else candidate.spec.name
            answers[name] = predict(
                candidate.classify,
                candidate.spec.labels,
                chunks,
                advance=partial(progress.advance, task),
            )
            if teacher is not None:
                heard |= {track.name: track for track in chunks.tracks}
                compared = agreement(answers[name], taught(chunks, teacher.labels))
                agreements |= {name: compared} if compared else {}
    if teacher is not None:
        whole = Chunks(opened, tuple(heard.values()), teacher.labels, (), "power")
        answers[f"{teacher.name} (teacher)"] = taught(whole, teacher.labels)
    predictions = {name: known for name, given in answers.items() if (known := judged(given))}
    title = f"{store.name}: {len(opened.tracks)} recordings of {len(opened.labels)} genres"
    write_report(output, title, predictions, agreements, teacher.name if teacher else "")
    out = plain_console()
    for rows in (accuracy_rows(predictions), agreement_rows(agreements)):
        if rows:
            head, *figures = zip(*rows, strict=True)  # a row for each figure: models are fewer
            table = Table(*head, box=None, header_style="bold")
            for figure in figures:
                table.add_row(*figure)
            out.print(table)
    out.print(f"{output} has the figures.")
