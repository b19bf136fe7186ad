"""``edmlive features``: what networks learn from, computed once."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edmlive.cli.console import plain_console
from edmlive.cli.options import training_extra


def features(
    corpus: Annotated[
        Path,
        typer.Argument(
            help="A folder with a folder of audio for each genre, or a .csv, .json or .jsonl manifest with path, "
            "genre and, if known, artist."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="STORE", help="The folder to fill.")],
    window: Annotated[
        Literal["hamming", "hann"], typer.Option(help="Hamming in the paper, Hann in its authors' released code.")
    ] = "hamming",
    workers: Annotated[int, typer.Option(min=1, help="Processes. Default: one for each core.")] = os.cpu_count() or 1,
) -> None:
    """Compute features of recordings for `train network` and `evaluate`, with the kernels that also listen live.

    Recordings that cannot be decoded are listed and left out. When interrupted, run it again: it goes on from there.
    """
    with training_extra():
        from edmlive.training.corpus import read_corpus
        from edmlive.training.features import compute_features
    notes = plain_console(stderr=True)
    recordings = read_corpus(corpus)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as progress:
        task = progress.add_task("features", total=len(recordings))
        store = compute_features(
            recordings, output, window=window, workers=workers, advance=lambda: progress.advance(task)
        )
    for reason in store.skipped.values():
        notes.print(f"edmlive: skipped: {reason}")
    hours = sum(track.frames for track in store.tracks) * 512 / 22_050 / 3_600
    plain_console().print(
        f"{output}: {len(store.tracks)} recordings of {len(store.labels)} genres, {hours:.1f} hours; "
        f"{len(store.skipped)} skipped."
    )
