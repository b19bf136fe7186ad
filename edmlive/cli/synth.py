"""``edmlive synth``: rendered music with known truth."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edmlive.cli.common import TrackOrCommand, end_in_order, plain_console, starting
from edmlive.errors import UserError
from edmlive.synth import Preset
from edmlive.taxonomy import SUBGENRES
from edmlive.util.timecode import clock

SeedOption = Annotated[int, typer.Option(min=0, help="The same seed gives the same music.")]
PresetOption = Annotated[
    Preset, typer.Option(help="mastered: like released tracks. rough-mix: other voices, another studio's sound.")
]


synth = typer.Typer(cls=TrackOrCommand, no_args_is_help=True, subcommand_metavar="GENRE -o FILE | COMMAND ...")


@synth.callback()
def _commands() -> None:
    """Render music of a subgenre, with known truth.

    `edmlive synth GENRE -o FILE` writes a track; GENRE is one of those that `edmlive synth genres` lists.
    """


@synth.command()
def track(
    genre: Annotated[str, typer.Argument(metavar="GENRE", help="One of 'edmlive synth genres'.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="A new file: .wav, .flac, .mp3, .ogg, .opus, .m4a ..."),
    ],
    seconds: Annotated[float, typer.Option(help="Length.")] = 120.0,
    seed: SeedOption = 0,
    bpm: Annotated[float | None, typer.Option(help="Tempo. Default: a usual one for the genre.")] = None,
    preset: PresetOption = "mastered",
) -> None:
    """Render a track. The word "track" may be left out."""
    with starting(plain_console(stderr=True), "rendering (the very first time: a minute, to compile)"):
        from edmlive.synth.files import new_audio_file
        from edmlive.synth.render import render

        with new_audio_file(output) as write:
            rendering = render(genre, seconds, seed, bpm, preset)
            write(rendering.samples)
    truth = rendering.truth
    plain_console().print(
        f"{output}: {genre}, {truth.bpm:g} BPM, {truth.key} {truth.scale}, {clock(seconds)}, seed {seed}."
    )


@synth.command()
def corpus(
    folder: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder, or a corpus to continue.")],
    per_genre: Annotated[int, typer.Option(min=1, max=9999, help="Tracks of each genre.")],
    seconds: Annotated[float, typer.Option(help="Length of each track.")],
    seed: SeedOption = 0,
    preset: PresetOption = "mastered",
    jobs: Annotated[
        int | None, typer.Option(min=1, max=256, help="Tracks rendered in parallel. Default: one for each core.")
    ] = None,
) -> None:
    """Render a labelled corpus: OUT/GENRE/GENRE-0001.flac ... and OUT/manifest.jsonl.

    Each line of the manifest has a track's path, genre, tempo, key, seed, length and sections. Run the same command
    again to continue an interrupted corpus, or with a larger --per-genre to extend it.
    """
    notes = plain_console(stderr=True)
    with starting(notes, "starting"):
        from edmlive.synth.corpus import Corpus, tracks

        wanted = tracks(per_genre, seconds, seed, preset)
        stored = Corpus(folder)
        missing = stored.missing(wanted)
    end_in_order()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as progress:
            task = progress.add_task("rendering", total=len(wanted), completed=len(wanted) - len(missing))
            for entry in stored.render(missing, jobs or os.cpu_count() or 1):
                progress.update(task, description=entry["path"], advance=1)
    except KeyboardInterrupt:
        left = len(stored.missing(wanted))
        raise UserError(
            f"Stopped with {len(wanted) - left} of {len(wanted)} tracks: run the same command again to continue."
        ) from None
    plain_console().print(f"{folder}: {len(wanted)} tracks of {clock(seconds)}, {len(missing)} of them new.")


@synth.command()
def genres() -> None:
    """List the genres and their usual tempos."""
    from edmlive.synth.recipe import recipe

    out = plain_console()
    for genre in SUBGENRES:
        slow, *_, fast = recipe(genre).tempo
        out.print(f"{genre:28} {slow:5.1f} ... {fast:5.1f} BPM")
