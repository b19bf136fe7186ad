"""MIDI: the bytes a reading becomes, and the pace of the clock."""

import time
from pathlib import Path

import mido
import pytest
import rtmidi

from edmlive.errors import SinkError
from edmlive.realtime.reading import State
from edmlive.sinks.midi import MidiOutput
from edmlive.sinks.midi_clock import MidiClock
from tests.realtime.readings import LABELS, reading, unsure, waiting
from tests.sinks.test_midi_map import MAP


class Wire:
    """A port whose far end is MIDI's byte stream, read by a parser that knows nothing of the sender."""

    name = "wire"

    def __init__(self) -> None:
        self._parser = mido.Parser()
        self.opened: list[str] = []
        self.closed = False

    def open(self, name: str) -> "Wire":
        self.opened.append(name)
        return self

    def send(self, message: mido.Message) -> None:
        assert not self.closed
        self._parser.feed(message.bytes())

    def close(self) -> None:
        self.closed = True

    def received(self) -> list[str]:
        return [str(message).removesuffix(" time=0") for message in self._parser]


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire()
    monkeypatch.setattr(mido, "get_output_names", lambda: ["wire"])
    monkeypatch.setattr(mido, "open_output", wire.open)
    return wire


def test_families_have_messages_of_their_own(wire: Wire, tmp_path: Path) -> None:
    text = "clock = false\n[controllers]\nfamily_confidence = 22\n[families]\nClub = { note = 60 }\n"
    (tmp_path / "map.toml").write_text(text)
    sink = MidiOutput("wire", LABELS, tmp_path / "map.toml", ("Club", "Bass"))
    confidence = f"control_change channel=0 control=22 value={round(127 * 0.75)}"
    sink.write(unsure())
    assert wire.received() == [confidence, "note_on channel=0 note=60 velocity=127"]
    sink.write(unsure(genre="House"))
    assert wire.received() == [confidence]
    sink.write(waiting(state=State.UNKNOWN))
    assert wire.received() == ["control_change channel=0 control=22 value=0", "note_off channel=0 note=60 velocity=64"]
    sink.close()


def test_genres_are_sent_when_they_change_and_figures_always(wire: Wire, tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(MAP)
    sink = MidiOutput("wire", LABELS, tmp_path / "map.toml")
    confidence = f"control_change channel=9 control=30 value={round(127 * 6 / 21)}"
    nothing = "control_change channel=9 control=30 value=0"
    for heard, expected in [
        (reading(genre="Techno"), [confidence, "program_change channel=9 program=5"]),
        (reading(genre="Techno"), [confidence]),
        (reading(genre="House"), [confidence, "note_on channel=1 note=36 velocity=127"]),
        (
            reading(genre="Drum & Bass"),
            [
                confidence,
                "note_off channel=1 note=36 velocity=64",
                "program_change channel=9 program=7",
                "note_on channel=9 note=40 velocity=127",
            ],
        ),
        (waiting(state=State.SILENCE), [nothing, "note_off channel=9 note=40 velocity=64"]),
        (reading(genre="Trance"), [confidence]),  # not in the map
        (reading(genre="House"), [confidence, "note_on channel=1 note=36 velocity=127"]),
    ]:
        sink.write(heard)
        assert wire.received() == expected
    sink.close()
    assert wire.received() == [
        "note_off channel=1 note=36 velocity=64",
        "control_change channel=1 control=123 value=0",
        "control_change channel=9 control=123 value=0",
    ]
    assert wire.closed


@pytest.mark.parametrize(("level", "value"), [(-120.0, 0), (-60.0, 0), (-30.0, 64), (0.0, 127), (3.0, 127)])
def test_level_is_a_controller(wire: Wire, level: float, value: int) -> None:
    sink = MidiOutput("wire", LABELS)
    sink.write(reading(level_dbfs=level, bpm=None))
    assert f"control_change channel=0 control=21 value={value}" in wire.received()
    sink.close()


def test_clock_starts_with_the_tempo_and_stops_with_it(wire: Wire) -> None:
    sink = MidiOutput("wire", LABELS)

    def clock_messages(bpm: float | None) -> list[str]:
        sink.write(reading(bpm=bpm))
        time.sleep(0.3)
        return [message for message in wire.received() if message in ("start", "stop", "clock")]

    assert clock_messages(None) == []
    first = clock_messages(120.0)
    assert first[0] == "start"
    assert set(first[1:]) == {"clock"}
    assert set(clock_messages(128.0)) == {"clock"}
    lost = clock_messages(None)
    assert [message for message in lost if message != "clock"] == ["stop"]
    assert lost[-1] == "stop"
    assert clock_messages(128.0)[0] == "start"
    sink.close()
    assert "stop" in wire.received()


def test_port_that_fails_is_an_error(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = MidiOutput("wire", LABELS)

    def fail(message: mido.Message) -> None:
        raise rtmidi.SystemError("device gone")

    monkeypatch.setattr(wire, "send", fail)
    with pytest.raises(SinkError, match=r"device gone"):
        sink.write(reading())


def test_clock_that_fails_keeps_its_error() -> None:
    def fail(message: mido.Message) -> None:
        raise rtmidi.SystemError("device gone")

    clock = MidiClock(fail)
    clock.follow(120.0)
    time.sleep(0.3)
    clock.close()
    assert str(clock.failure) == "device gone"


@pytest.mark.parametrize(
    ("ports", "wanted", "found"),
    [
        (["APC40:0", "APC40"], "APC40", "APC40"),
        (["Launchpad Mini 24:0", "QLC+ 130:0"], "launchpad", "Launchpad Mini 24:0"),
    ],
)
def test_port_is_found_by_name_or_part_of_it(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, ports: list[str], wanted: str, found: str
) -> None:
    monkeypatch.setattr(mido, "get_output_names", lambda: ports)
    MidiOutput(wanted, LABELS).close()
    assert wire.opened == [found]


@pytest.mark.parametrize(
    ("ports", "wanted", "reason"),
    [
        ([], "desk", "There is no MIDI output port"),
        (["APC40"], "desk", "'desk': choose from 'APC40'"),
        (["Desk 1", "Desk 2"], "desk", "'desk' matches 'Desk 1', 'Desk 2'"),
    ],
)
def test_port_that_is_missing_or_ambiguous_is_an_error(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, ports: list[str], wanted: str, reason: str
) -> None:
    monkeypatch.setattr(mido, "get_output_names", lambda: ports)
    with pytest.raises(SinkError, match=reason):
        MidiOutput(wanted, LABELS)
    assert wire.opened == []


@pytest.mark.parametrize("backend", ["mido.backends.rtmidi/JACKS", "mido.backends.none", "json"])
def test_backend_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    monkeypatch.setenv("MIDO_BACKEND", backend)
    chosen = mido.Backend(backend)
    monkeypatch.setattr(mido, "get_output_names", chosen.get_output_names)
    monkeypatch.setattr(mido, "open_output", chosen.open_output)
    with pytest.raises(SinkError, match=f"MIDO_BACKEND={backend} names no MIDI system"):
        MidiOutput("virtual", LABELS)
