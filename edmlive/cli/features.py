"""``edmlive features``: the features that networks are trained on, computed once."""

import os
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edmlive.cli.common import plain_console, training_extra
from edmlive.util.audio_files import scan_folder


def features(
    corpus: Annotated[
        Path,
        typer.Argument(
            help="A folder with a folder of audio for each genre, a folder of audio, or a .csv, .json or .jsonl "
            "manifest with path and, if known, genre and artist."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="STORE", help="The folder to fill.")],
    window: Annotated[
        Literal["hamming", "hann"], typer.Option(help="Hamming in the paper, Hann in its authors' released code.")
    ] = "hamming",
    teacher: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="Also store this model's answers, chunk by chunk: a name from 'edmlive models' or an ONNX file. "
            "What is stored already is not computed again.",
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes. Default: one for each core.")] = os.cpu_count() or 1,
) -> None:
    """Compute features of recordings for `train` and `evaluate`, with the kernels of live use.

    Recordings that cannot be decoded are listed and skipped, and so are further copies of a recording, which is known
    by its audio whatever its name, date and tags. If interrupted, run it again: it resumes from there.
    """
    with training_extra():
        from edmlive.training import compute_features
        from edmlive.training.corpus import read_corpus
        from edmlive.training.features import COPY_OF
        from edmlive.training.split import LEAST_OF_A_GENRE
    notes = plain_console(stderr=True)
    recordings = read_corpus(corpus)
    if corpus.is_dir() and (left_out := scan_folder(corpus).summary()):
        notes.print(f"edmlive: left out of {corpus}: {left_out}.")
    counts = Counter(recording.genre for recording in recordings if recording.genre is not None)
    for genre, count in counts.items():
        if count < LEAST_OF_A_GENRE:
            number = "one recording" if count == 1 else f"{count} recordings"
            notes.print(f"edmlive: genre '{genre}' has {number}: to train on it, at least three are needed.")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as progress:
        task = progress.add_task("features", total=None)

        def advance(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        store = compute_features(recordings, output, window=window, teacher=teacher, workers=workers, advance=advance)
    for reason in store.skipped.values():
        notes.print(f"edmlive: skipped: {reason}")
    hours = sum(track.frames for track in store.tracks) * 512 / 22_050 / 3_600
    unlabelled = sum(track.genre is None for track in store.tracks)
    without = f", {unlabelled} of them without a genre" if unlabelled else ""
    answered = f" With the answers of {store.teacher.name}." if store.teacher else ""
    count = sum(COPY_OF in reason for reason in store.skipped.values())
    copies = f", of which {count} copies of others" if count else ""
    plain_console().print(
        f"{output}: {len(store.tracks)} recordings of {len(store.labels)} genres{without}, {hours:.1f} hours; "
        f"{len(store.skipped)} skipped{copies}.{answered}"
    )
