"""``edmlive evaluate``: Table I and its figures for one's own networks."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
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

    A network is not tested on recordings that it saw in training, nor on others by their artists: of the store that it
    was trained on, the test split remains, and what was added since; of any other, all recordings of its genres.
    Networks that differ in their seed only are one row, with mean and standard deviation. Where the store has a
    teacher, networks are also held against it, on recordings without a genre too. Other labels than the store's or the
    teacher's are compared by the classes of music that both fall into.
    """
    with training_extra():
        from edmlive.training.agreement import agreement, judged, taught
        from edmlive.training.candidates import Candidate, chunks_for, open_candidate, tested_on
        from edmlive.training.chunks import Chunks
        from edmlive.training.predictions import Predictions, predict
        from edmlive.training.report import tables, tests_told, write_report
        from edmlive.training.seeds import by_seed, in_rows
        from edmlive.training.store import FeatureStore, StoredTrack
    if output.suffix != ".html" or not output.parent.is_dir():
        raise UserError(f"No report can be written to {output}: name a .html file in a folder that exists.")
    opened = FeatureStore.open(store)
    candidates: dict[str, Candidate] = {}
    for path in models:
        candidate = open_candidate(path)
        candidates[str(path) if candidate.spec.name in candidates else candidate.spec.name] = candidate
    tests = {name: chunks_for(opened, spec, training) for name, (_, spec, training) in candidates.items()}
    answers: dict[str, Predictions] = {}
    notes = plain_console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as progress:
        for name, chunks in tests.items():
            task = progress.add_task(name, total=len(chunks))
            labels, advance = candidates[name].spec.labels, partial(progress.advance, task)
            answers[name] = predict(candidates[name].classify, labels, chunks, advance=advance)
    rows, teacher = by_seed(candidates), opened.teacher
    compared = {}
    if teacher is not None:
        compared = {name: agreement(given, taught(tests[name], teacher.labels)) for name, given in answers.items()}
        heard: dict[str, StoredTrack] = {track.name: track for chunks in tests.values() for track in chunks.tracks}
        whole = Chunks(opened, tuple(heard.values()), teacher.labels, (), "power")
        its_name = f"{teacher.name} (teacher)"
        answers[its_name], rows[its_name] = taught(whole, teacher.labels), (its_name,)
    predictions = in_rows(rows, {name: judged(given) for name, given in answers.items()})
    agreements = in_rows(rows, compared)
    out = plain_console()
    told = teacher.name if teacher is not None else ""
    for title, (head, *cells), note in tables(predictions, agreements, told):
        shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
        shown.add_column(head[0], overflow="fold")
        for name in head[1:]:
            shown.add_column(name, justify="right", no_wrap=True)
        for row in cells:
            shown.add_row(*row)
        out.print(title, style="bold")
        out.print(shown)
        out.print(f"{note}\n")
    genres = f" of {len(opened.labels)} genres" if opened.labels else ""
    title = f"{store.resolve().name}: {len(opened.tracks)} recordings{genres}"
    tested = {name: tested_on(opened, candidate.training) for name, candidate in candidates.items()}
    out.print(tests_told(tested))
    write_report(output, title, predictions, agreements, told, tested)
    out.print(f"{output} has the figures, {output.with_suffix('.json')} the numbers.")
