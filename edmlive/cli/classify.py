"""``edmlive classify``: one line for each track."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edmlive.cli.common import LabelsOption, ModelOption, ProviderChoice, ProviderOption, plain_console, starting
from edmlive.errors import SourceError
from edmlive.util.audio_files import is_file, is_folder, reason, scan_folder
from edmlive.util.playlists import is_playlist, is_url, read_playlist
from edmlive.util.printable import printable, spreadsheet_text
from edmlive.util.timecode import clock

if TYPE_CHECKING:
    from edmlive.realtime.reading import Track

CSV_HEADER = (
    "path",
    "genre",
    "confidence",
    "second",
    "third",
    "bpm",
    "seconds",
    "state",
    "model",
    "fault",
    "family",
    "family_confidence",
)


def classify(
    paths: Annotated[list[str], typer.Argument(metavar="PATHS...", help="Audio files, folders, playlists, or URLs.")],
    model: ModelOption = None,
    provider: ProviderOption = ProviderChoice.auto,
    labels: LabelsOption = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    csv_: Annotated[bool, typer.Option("--csv", help="Comma-separated values with a header.")] = False,
) -> None:
    """Name the subgenre and the tempo of whole tracks, by a majority vote over each.

    Of a playlist or cue sheet, the local files that it lists are classified. What cannot be read or decoded is named on
    standard error and skipped; the exit code is then 1.
    """
    if json and csv_:
        raise typer.BadParameter("give --json or --csv, not both")
    notes = plain_console(stderr=True)
    tracks, problems = _gather(paths, notes.print)
    for problem in problems:
        notes.print(f"edmlive: {problem}")
    if not tracks:
        raise typer.Exit(1)
    with starting(notes):
        from edmlive.realtime.classifier import DEFAULT_MODEL, Classifier
        from edmlive.realtime.engine import classify as classify_track
        from edmlive.realtime.names import names_of
        from edmlive.realtime.providers import silence_default_logger
        from edmlive.sinks.jsonl import STANDARD_OUTPUT, LineFile

        silence_default_logger()
        classifier = Classifier(model or DEFAULT_MODEL, provider.value)
        names = names_of(classifier.spec, labels)
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
    failed = len(problems)
    with bar:
        task = bar.add_task("", total=len(tracks))
        for path in tracks:
            bar.update(task, description=printable(Path(path).name)[:40])
            try:
                track = classify_track(path, classifier, labels=names)
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


def _gather(paths: list[str], note: Callable[[str], None]) -> tuple[list[str], list[str]]:
    """Return what to classify, and a sentence for each thing that cannot be read; note what is left out of folders."""
    tracks: list[str] = []
    problems: list[str] = []
    for path in paths:
        if is_url(path):
            tracks.append(path)
        elif is_folder(path):
            _gather_folder(Path(path), tracks, problems, note)
        elif is_playlist(Path(path)) and is_file(path):
            _gather_playlist(Path(path), tracks, problems)
        else:
            tracks.append(path)
    return tracks, problems


def _gather_folder(folder: Path, tracks: list[str], problems: list[str], note: Callable[[str], None]) -> None:
    found = scan_folder(folder)
    tracks += map(str, found.files)
    problems += [f"{path} cannot be read ({why})." for path, why in found.denied]
    summary = found.summary()
    if not found.files and not found.denied:
        problems.append(f"The folder {folder} holds no audio files{f' (left out: {summary})' if summary else ''}.")
    elif summary:
        note(f"edmlive: left out of {folder}: {summary}.")


def _gather_playlist(playlist: Path, tracks: list[str], problems: list[str]) -> None:
    try:
        entries = read_playlist(playlist)
    except OSError as error:
        problems.append(f"The playlist {playlist} cannot be read ({reason(error)}).")
        return
    if entries is None:
        tracks.append(str(playlist))  # one stream in segments, which FFmpeg joins
        return
    if not entries:
        problems.append(f"The playlist {playlist} lists no files.")
    for entry in entries:
        if is_url(entry):
            problems.append(f"{entry} in {playlist} was not opened: give a URL on the command line if you trust it.")
        elif is_file(entry):
            tracks.append(entry)
        else:
            problems.append(f"{entry}, listed in {playlist}, is not a file.")


def _line(track: "Track") -> str:
    named = [f"{c.genre} {c.confidence:.0%}" for c in track.top[:3]]
    if track.answer != track.genre and named:
        named[0] = f"{track.family} {track.family_confidence:.0%}, perhaps {named[0]}"
    top = ", ".join(named) or track.answer
    tempo = "  -  " if track.bpm is None else f"{track.bpm:5.1f}"
    unsure = "  (unsure)" if track.state == "unsure" else ""
    return printable(f"{track.path}  {top}  {tempo} BPM  {clock(track.seconds)}{unsure}")


def _csv_row(track: "Track") -> tuple[object, ...]:
    second, third = [*(c.genre for c in track.top[1:3]), "", ""][:2]
    return (
        spreadsheet_text(track.path),
        spreadsheet_text(track.genre or ""),
        _share(track.confidence),
        spreadsheet_text(second),
        spreadsheet_text(third),
        track.bpm,
        track.seconds,
        track.state,
        spreadsheet_text(track.model),
        spreadsheet_text(track.fault or ""),
        spreadsheet_text(track.family or ""),
        _share(track.family_confidence),
    )


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
