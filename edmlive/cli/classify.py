"""``edmlive classify``: one line for each track."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edmlive.cli.common import ModelOption, ProviderChoice, ProviderOption, plain_console
from edmlive.errors import SourceError, UserError
from edmlive.util.audio_files import AUDIO_SUFFIXES, audio_files
from edmlive.util.timecode import clock

if TYPE_CHECKING:
    from edmlive.realtime.reading import Track

CSV_HEADER = ("path", "genre", "confidence", "second", "third", "bpm", "seconds", "state", "model", "fault")


def classify(
    paths: Annotated[list[str], typer.Argument(metavar="PATHS...", help="Audio files, folders of them, or URLs.")],
    model: ModelOption = None,
    provider: ProviderOption = ProviderChoice.auto,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    csv_: Annotated[bool, typer.Option("--csv", help="Comma-separated values with a header.")] = False,
) -> None:
    """Name the subgenre and the tempo of whole tracks, by a majority vote over each.

    Files that cannot be decoded are named on standard error and skipped; the exit code is then 1.
    """
    if json and csv_:
        raise typer.BadParameter("give --json or --csv, not both")
    notes = plain_console(stderr=True)
    tracks = list(_audio_files(paths))
    with notes.status("starting (the very first time: half a minute, to compile)"):
        from edmlive.realtime.classifier import DEFAULT_MODEL, Classifier
        from edmlive.realtime.engine import classify as classify_track
        from edmlive.sinks.jsonl import STANDARD_OUTPUT, LineFile

        classifier = Classifier(model or DEFAULT_MODEL, provider.value)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=notes,
        transient=True,
        redirect_stdout=False,  # answers must not end up on standard error
        disable=not notes.is_terminal,
    )
    lines = LineFile(STANDARD_OUTPUT)
    rows = csv.writer(lines, lineterminator="")
    if csv_:
        rows.writerow(CSV_HEADER)
    failed = 0
    with bar:
        task = bar.add_task("", total=len(tracks))
        for path in tracks:
            bar.update(task, description=Path(path).name[:40])
            try:
                track = classify_track(path, classifier)
            except SourceError as error:
                failed += 1
                notes.print(f"edmlive: {error}")
                continue
            finally:
                bar.advance(task)
            bar.stop()  # the line may go to the same terminal
            if json:
                lines.write(track.to_json())
            elif csv_:
                rows.writerow(_csv_row(track))
            else:
                lines.write(_line(track))
            bar.start()
            if track.fault:
                failed += 1
                notes.print(f"edmlive: {path} is broken: {track.fault}; what could be decoded was classified.")
    if failed:
        raise typer.Exit(1)


def _audio_files(paths: list[str]) -> Iterator[str]:
    for path in paths:
        if not Path(path).is_dir():
            yield path
            continue
        found = audio_files(Path(path))
        if not found:
            raise UserError(f"The folder {path} holds no audio files: looked for {', '.join(AUDIO_SUFFIXES)}.")
        yield from map(str, found)


def _line(track: "Track") -> str:
    top = ", ".join(f"{c.genre} {c.confidence:.0%}" for c in track.top[:3])
    tempo = "  -  " if track.bpm is None else f"{track.bpm:5.1f}"
    unsure = "  (unsure)" if track.state == "unsure" else ""
    return f"{track.path}  {top}  {tempo} BPM  {clock(track.seconds)}{unsure}"


def _csv_row(track: "Track") -> tuple[object, ...]:
    second, third = [*(c.genre for c in track.top[1:3]), "", ""][:2]
    return (
        track.path,
        track.genre,
        f"{track.confidence:.4f}",
        second,
        third,
        track.bpm,
        track.seconds,
        track.state,
        track.model,
        track.fault or "",
    )
