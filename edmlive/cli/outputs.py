"""Turns the options of `listen` into sinks."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

from edmlive.cli.common import extra
from edmlive.errors import UserError
from edmlive.sinks.web import DEFAULT_ADDRESS

if TYPE_CHECKING:
    from edmlive.realtime.classifier import Classifier
    from edmlive.realtime.names import Names
    from edmlive.sinks import Sink

PANEL = "Outputs"


class WithWeb(TyperCommand):
    """A command whose option ``--web`` needs no value: without one it means `DEFAULT_ADDRESS`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a lone ``--web`` its address."""
        args = [
            f"--web={DEFAULT_ADDRESS}" if word == "--web" and after.startswith("-") else word
            for word, after in zip_longest(args, args[1:], fillvalue="-")
        ]
        return super().parse_args(ctx, args)


def open_sinks(
    classifier: "Classifier",
    names: "Names",
    *,
    json: Sequence[str],
    osc: Sequence[str],
    midi: Sequence[str],
    midi_map: Path | None,
    mqtt: Sequence[str],
    web: str | None,
    notify: Callable[[str], None],
) -> "list[Sink]":
    """Open the sinks asked for; if one cannot be opened, none stays open.

    Raises
    ------
    UserError
        One cannot be opened, or its extra is not installed.
    """
    if midi_map is not None and not midi:
        raise typer.BadParameter("--midi-map goes with --midi")

    def sinks() -> "Iterator[Sink]":
        if json:
            from edmlive.sinks.jsonl import JsonLines

            yield from map(JsonLines, dict.fromkeys(json))
        if osc:
            with extra("osc", "OSC"):
                from edmlive.sinks.osc import OscSender
            yield from map(OscSender, dict.fromkeys(osc))
        if midi:
            _require_rtmidi()
            with extra("midi", "MIDI"):
                from edmlive.sinks.midi import MidiOutput
            yield from (
                MidiOutput(port, names.all_genres, midi_map, names.all_families) for port in dict.fromkeys(midi)
            )
        if mqtt:
            with extra("mqtt", "MQTT"):
                from edmlive.sinks.mqtt import MqttPublisher
            yield from map(MqttPublisher, dict.fromkeys(mqtt))
        if web is not None:
            with extra("web", "The web page"):
                from edmlive.sinks.web.server import WebSink
            page = WebSink(web, classifier.provider)
            yield page
            notify(f"The page is at {page.url}")

    opened: list[Sink] = []
    with ExitStack() as on_failure:
        for sink in sinks():
            on_failure.callback(sink.close)
            opened.append(sink)
        on_failure.pop_all()
    return opened


def _require_rtmidi() -> None:
    if find_spec("rtmidi") is None and sys.version_info >= (3, 13):
        raise UserError(
            "MIDI needs the package 'python-rtmidi', which is not available ready-made for Python 3.13 and later: use "
            "Python 3.12, or install a C++ compiler and libasound2-dev (apt) and then run 'pip install python-rtmidi'."
        )
