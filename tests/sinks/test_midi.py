"""MIDI: what a map file may say, the bytes a reading becomes, and the pace of the clock."""

import time
from collections.abc import Callable
from pathlib import Path

import mido
import pytest
import rtmidi
from hypothesis import given
from hypothesis import strategies as st

from edmlive.errors import SinkError, UserError
from edmlive.realtime.reading import State
from edmlive.sinks.midi import MidiOutput
from edmlive.sinks.midi_clock import MidiClock
from edmlive.sinks.midi_map import Controllers, GenreMessages, MidiMap, default_map, read_map
from tests.realtime.readings import LABELS, reading, unsure, waiting

MAP = """
channel = 10
clock = false
controllers = { confidence = 30 }

[genres]
Techno = { program = 5 }
House = { note = 36, channel = 2 }

[genres."Drum & Bass"]
program = 7
note = 40
"""


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


@pytest.fixture
def write_map(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "map.toml"
        path.write_text(text)
        return path

    return write


def test_map_file(write_map: Callable[[str], Path]) -> None:
    assert read_map(write_map(MAP), LABELS) == MidiMap(
        channel=10,
        clock=False,
        controllers=Controllers(confidence=30),
        genres={
            "Techno": GenreMessages(program=5),
            "House": GenreMessages(note=36, channel=2),
            "Drum & Bass": GenreMessages(program=7, note=40),
        },
    )


def test_families_have_messages_of_their_own(wire: Wire, write_map: Callable[[str], Path]) -> None:
    text = "clock = false\n[controllers]\nfamily_confidence = 22\n[families]\nClub = { note = 60 }\n"
    sink = MidiOutput("wire", LABELS, write_map(text), ("Club", "Bass"))
    confidence = f"control_change channel=0 control=22 value={round(127 * 0.75)}"
    sink.write(unsure())
    assert wire.received() == [confidence, "note_on channel=0 note=60 velocity=127"]
    sink.write(unsure(genre="House"))
    assert wire.received() == [confidence]
    sink.write(waiting(state=State.UNKNOWN))
    assert wire.received() == ["control_change channel=0 control=22 value=0", "note_off channel=0 note=60 velocity=64"]
    sink.close()


def test_a_family_that_no_answer_has_is_an_error(write_map: Callable[[str], Path]) -> None:
    with pytest.raises(UserError, match="line 2: there is no family 'Klub': the nearest is 'Club'"):
        read_map(write_map("[families]\nKlub = { note = 60 }"), LABELS, ("Club", "Bass"))


def test_default_numbers_the_programs_by_the_models_order() -> None:
    plain = default_map(LABELS)
    assert [plain.genres[label].program for label in LABELS] == [0, 1, 2, 3, 4, 5]
    assert plain.controllers == Controllers(confidence=20, level=21)
    assert plain.clock


def test_default_of_a_model_with_more_genres_than_programs() -> None:
    assert len(default_map(tuple(map(str, range(200)))).genres) == 128


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("chanel = 3", 1, "there is no key 'chanel': the nearest is 'channel'"),
        ("\n# map\n[genres]\nTekno = { program = 1 }", 4, "there is no genre 'Tekno': the nearest is 'Techno'"),
        ("[genres.Techno]\nnote = 1\nprogramm = 2", 3, "there is no key 'programm': the nearest is 'program'"),
        ("[genres]\nHouse = {}\nTechno = { program = 128 }", 3, "genres.Techno.program: input should be less than or"),
        ('channel = 1\nclock = "yes"', 2, "clock: input should be a valid boolean, not 'yes'"),
        ("channel = 0", 1, "channel: input should be greater than or equal to 1, not 0"),
        ("channel = true", 1, "channel: input should be a valid integer, not True"),
        ("[controllers]\nconfidence = 20\nlevle = 21", 3, "there is no key 'levle': the nearest is 'level'"),
        ("genres = 3", 1, "genres: input should be a valid dictionary, not 3"),
        ("[genres]\nTechno = 7", 2, "genres.Techno: input should be a valid dictionary"),
    ],
)
def test_error_names_the_line(write_map: Callable[[str], Path], text: str, line: int, sentence: str) -> None:
    with pytest.raises(UserError) as fault:
        read_map(write_map(text), LABELS)
    assert f"map.toml, line {line}: {sentence}" in str(fault.value)


def test_file_that_is_missing_or_not_toml_is_an_error(write_map: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"map\.toml is not valid TOML: .*line 2"):
        read_map(write_map("channel = 1\nchannel = 2\n"), LABELS)
    with pytest.raises(UserError, match=r"cannot be read \(no such file or directory\)"):
        read_map(tmp_path / "missing.toml", LABELS)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="not a text file"):
        read_map(tmp_path / "bytes.toml", LABELS)


@given(st.text(st.sampled_from("chanelgr.[]{}=\"'#\n 0129,tTecno"), max_size=60))
def test_any_text_is_a_map_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(text)
    try:
        read_map(path, LABELS)
    except UserError as error:
        assert str(error).endswith(".")


def test_genres_are_sent_when_they_change_and_figures_always(wire: Wire, write_map: Callable[[str], Path]) -> None:
    sink = MidiOutput("wire", LABELS, write_map(MAP))
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
