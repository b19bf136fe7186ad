"""Turns the options of `listen` into sinks."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

from edmlive.cli.common import extra
from edmlive.sinks.web import DEFAULT_ADDRESS

if TYPE_CHECKING:
    from edmlive.realtime.classifier import Classifier
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
    *,
    json: str | None,
    osc: str | None,
    midi: str | None,
    midi_map: Path | None,
    mqtt: str | None,
    web: str | None,
    notify: Callable[[str], None],
) -> "list[Sink]":
    """Open the sinks asked for; if one cannot be opened, none stays open.

    Raises
    ------
    UserError
        One cannot be opened, or its extra is not installed.
    """
    if midi_map is not None and midi is None:
        raise typer.BadParameter("--midi-map goes with --midi")

    def sinks() -> "Iterator[Sink]":
        if json is not None:
            from edmlive.sinks.jsonl import JsonLines

            yield JsonLines(json)
        if osc is not None:
            with extra("osc", "OSC"):
                from edmlive.sinks.osc import OscSender
            yield OscSender(osc)
        if midi is not None:
            with extra("midi", "MIDI"):  # mido imports its backend only when a port is opened
                from edmlive.sinks.midi import MidiOutput

                output = MidiOutput(midi, classifier.spec.labels, midi_map)
            yield output
        if mqtt is not None:
            with extra("mqtt", "MQTT"):
                from edmlive.sinks.mqtt import MqttPublisher
            yield MqttPublisher(mqtt)
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
