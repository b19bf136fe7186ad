"""``edmlive listen``: name what is playing, while it plays."""

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from edmlive.cli.common import (
    LabelsOption,
    ModelOption,
    ProviderChoice,
    ProviderOption,
    can_redraw,
    end_in_order,
    has_standard_stream,
    plain_console,
    starting,
)
from edmlive.cli.outputs import PANEL, open_sinks
from edmlive.errors import UsageError, UserError
from edmlive.sinks.web import DEFAULT_ADDRESS
from edmlive.util.printable import printable
from edmlive.util.timecode import clock

if TYPE_CHECKING:
    from edmlive.realtime.session import Summary

STANDARD_STREAM = "-"
OnLossOption = Annotated[
    Literal["wait", "exit"],
    typer.Option(help="When device or stream are lost: wait until they are back, or exit."),
]


def listen(
    context: typer.Context,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|INDEX", help="Input device: its name, part of it, or its index. Default: the system's."
        ),
    ] = None,
    channels: Annotated[
        str | None,
        typer.Option(
            metavar="N,N",
            help="Channels to listen to, counted from 1, such as 3,4. With --input - how many are interleaved.",
        ),
    ] = None,
    input_: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="FILE|URL|-|demo",
            help="Listen to a file, a stream, raw PCM or an audio file on standard input, or a set that edmlive "
            "renders itself: demo, or demo:7 for another one.",
        ),
    ] = None,
    model: ModelOption = None,
    provider: ProviderOption = ProviderChoice.auto,
    labels: LabelsOption = None,
    hop: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0.05, max=60, help="Audio between two decisions.")
    ] = None,
    votes: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=10_000, help="Decisions that vote on the answer.")
    ] = None,
    json: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH|-",
            help="Append readings to a file as JSON lines; - is standard output. A name with codes, such as "
            "night-%Y%m%d-%H.jsonl, is a new file when it changes. May be repeated.",
            rich_help_panel=PANEL,
        ),
    ] = None,
    web: Annotated[
        str | None,
        typer.Option(
            metavar="[HOST:PORT]",
            help=f"Serve a page, an API and metrics. By itself: {DEFAULT_ADDRESS}. Any other host needs the token "
            "in EDMLIVE_WEB_TOKEN.",
            rich_help_panel=PANEL,
        ),
    ] = None,
    osc: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST:PORT", help="Send readings as OSC. May be repeated.", rich_help_panel=PANEL),
    ] = None,
    midi: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PORT|virtual",
            help="Send genre, figures and clock to a MIDI port: its name, part of it, or virtual. May be repeated.",
            rich_help_panel=PANEL,
        ),
    ] = None,
    midi_map: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="With --midi: which messages a genre becomes.", rich_help_panel=PANEL),
    ] = None,
    mqtt: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="Publish readings: mqtt[s]://HOST[:PORT][/TOPIC]; credentials from the environment. May be repeated.",
            rich_help_panel=PANEL,
        ),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE.wav", help="Keep what was heard, losslessly.", rich_help_panel=PANEL),
    ] = None,
    on_device_loss: OnLossOption = "wait",
    rate: Annotated[
        int | None, typer.Option(metavar="HZ", help="With --input -: sampling rate. Default: 44100.")
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option("--format", help="With --input -: u8, s16le (default), s24le, s32le, f32le or f64le."),
    ] = None,
) -> None:
    """Name the subgenre and the tempo of what is playing, until it ends or Ctrl-C.

    Without --input it listens to an input device. A file and the demo set, which does not end, are followed at the
    speed of the music on a terminal or where people or machines follow along (--web, --osc, --midi, --mqtt), and as
    fast as they can be read otherwise. Of the demo set the truth is told beside what is heard.
    """
    if _origin(context, "input_") == "COMMANDLINE":  # what a profile says of its own input does not concern this one
        device = None if _origin(context, "device") == "DEFAULT_MAP" else device
        channels = None if _origin(context, "channels") == "DEFAULT_MAP" else channels
    elif _origin(context, "device") == "COMMANDLINE":
        input_ = None
    _keep_what_exists(input_, json or [], record)
    if input_ == STANDARD_STREAM and not has_standard_stream(0):
        raise UserError("Standard input is closed: pipe raw PCM into it.")
    shown = STANDARD_STREAM not in (json or [])
    on_terminal = shown and sys.stdout.isatty()
    sent_on = any((web, osc, midi, mqtt))
    notes = plain_console(stderr=True)
    with starting(notes):
        from edmlive.realtime.classifier import DEFAULT_MODEL, Classifier
        from edmlive.realtime.engine import Engine
        from edmlive.realtime.names import names_of
        from edmlive.realtime.providers import silence_default_logger
        from edmlive.realtime.session import Session
        from edmlive.sinks.sink_thread import SinkThread
        from edmlive.sinks.terminal import TerminalLines, TerminalPanel
        from edmlive.sources import open_source
        from edmlive.sources.recorder import Recorder

        silence_default_logger()
        classifier = Classifier(model or DEFAULT_MODEL, provider.value)
        names = names_of(classifier.spec, labels)
        try:
            source = open_source(
                input_,
                device=device,
                channels=_channel_numbers(channels),
                on_loss=on_device_loss,
                pace=on_terminal or sent_on,
                rate=rate,
                sample_format=format_,
            )
        except UsageError as error:
            raise typer.BadParameter(printable(str(error))) from None
    end_in_order()
    with source:
        engine = Engine(classifier, source.rate, hop, votes, names)
        title = (
            f"{Path(source.name).name}, {source.rate} Hz, {source.channels} ch, "
            f"{classifier.spec.name} on {classifier.provider}"
        )
        sinks = open_sinks(
            classifier,
            names,
            json=json or [],
            osc=osc or [],
            midi=midi or [],
            midi_map=midi_map,
            mqtt=mqtt or [],
            web=web,
            notify=notes.print,
        )
        recorder = Recorder(record, source.rate, source.channels) if record is not None else None
        console = Console()
        if on_terminal and can_redraw(console):
            sinks.append(TerminalPanel(console, title))
        else:
            notes.print(f"Listening to {title}.")
            if shown and has_standard_stream(1):
                sinks.append(TerminalLines())
        outputs = [SinkThread(sink, live=source.live) for sink in sinks]
        session = Session(source, engine, outputs, recorder, lambda sentence: notes.print(f"edmlive: {sentence}"))
        summary = session.run()
    notes.print(_sentence(summary))
    if classifier.provider != "cpu" and classifier.inference.steps:
        from edmlive.diagnostics.latency import describe_steps

        notes.print(describe_steps(classifier.provider, classifier.inference.steps))
    if summary.failures:
        raise typer.Exit(1)


def _origin(context: typer.Context, name: str) -> str:
    """Return where an option's value is from: COMMANDLINE, DEFAULT_MAP (a profile) or DEFAULT."""
    source = context.get_parameter_source(name)
    return source.name if source is not None else ""


def _keep_what_exists(location: str | None, json: list[str], record: Path | None) -> None:
    """Refuse outputs that would destroy the input, each other, or an earlier recording."""
    if record is not None and record.is_file():
        raise UserError(f"{record} exists already: give --record another name, or move it away.")
    named = [name for name in (location, *dict.fromkeys(json), record) if name is not None and name != STANDARD_STREAM]
    files = [Path(name).resolve() for name in named if "://" not in str(name)]
    if len(set(files)) < len(files):
        raise UserError("--input, --json and --record name the same file: give each its own.")


def _channel_numbers(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(
            f"'{printable(text)}' is not a list of channel numbers such as 3,4", param_hint="--channels"
        ) from None


def _sentence(summary: "Summary") -> str:
    """Say in one line what was heard."""
    parts = [f"Heard {clock(summary.seconds)}"]
    total = summary.genres.total()
    if total:
        parts.append(
            ", ".join(f"{genre} {count / total:.0%} of the time" for genre, count in summary.genres.most_common(3))
        )
    if summary.bpm is not None:
        parts.append(f"{summary.bpm:.1f} BPM at the end")
    score = summary.score
    if score.share_right is not None:
        parts.append(f"right {score.share_right:.0%} of the time")
    if score.median_delay is not None:
        shown = f"showed after {score.median_delay:.0f} s" if math.isfinite(score.median_delay) else "did not show"
        parts.append(f"a change of genre {shown} (median of {len(score.delays)})")
    if summary.frames_lost:
        parts.append(f"{summary.frames_lost} frames lost")
    if summary.reconnects:
        parts.append(f"reconnected {summary.reconnects} time{'s' if summary.reconnects > 1 else ''}")
    if summary.dropped:
        parts.append(f"{summary.dropped} readings dropped")
    return "; ".join(parts) + "."
