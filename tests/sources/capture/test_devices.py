"""Which device the user means, and the sound server's source behind it."""

import dataclasses
import json
import subprocess
from typing import Any

import pytest

from edmlive.errors import DeviceError
from edmlive.sources.capture.devices import Device, find_device
from edmlive.sources.capture.sound_server import find_source


def device(index: int, name: str, **fields: Any) -> Device:
    defaults: dict[str, Any] = {"host": "ALSA", "channels": 2, "rate": 48_000, "default": False}
    return Device(index, name, **defaults | fields)


DEVICES = [
    device(0, "HDA Intel PCH: ALC269VC Analog (hw:0,0)"),
    device(2, "USB Mixer: Audio (hw:2,0)"),
    device(3, "USB Mixer: Audio (hw:3,0)"),
    device(5, "2"),
    device(7, "pulse", default=True),
    device(8, "pulse monitor"),
]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (None, 7),
        ("pulse", 7),
        ("PULSE", 7),
        ("pulse m", 8),
        ("alc269", 0),
        ("hw:3,0", 3),
        ("0", 0),
        ("3", 3),
        ("2", 5),  # a name comes before an index, since indices change when devices do
    ],
)
def test_device_is_found_by_name_then_index_then_part_of_the_name(wanted: str | None, index: int) -> None:
    assert find_device(DEVICES, wanted).index == index


def test_first_device_is_taken_where_none_is_the_default() -> None:
    assert find_device(DEVICES[:3], None).index == 0


@pytest.mark.parametrize(
    ("devices", "wanted", "words"),
    [
        (DEVICES, "usb mixer", "2 'USB Mixer: Audio (hw:2,0)', 3 'USB Mixer: Audio (hw:3,0)'"),
        (DEVICES, "turntable", "'turntable'"),
        (DEVICES, "99", "'99'"),
        (DEVICES, "-1", "'-1'"),
        ([], None, "--input FILE"),
        ([], "pulse", "--input FILE"),
    ],
)
def test_ambiguous_or_unknown_device_is_refused_with_the_choice(
    devices: list[Device], wanted: str | None, words: str
) -> None:
    with pytest.raises(DeviceError) as refusal:
        find_device(devices, wanted)
    assert words in str(refusal.value)


def test_empty_name_means_no_device() -> None:
    with pytest.raises(DeviceError):
        find_device(DEVICES, "")


PULSE = device(7, "pulse", channels=32, rate=44_100)
SOURCE = {"name": "mixer.monitor", "sample_specification": "float32le 4ch 96000Hz"}


@pytest.fixture
def pactl(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stand in for the sound server: what `pactl` answers to each question."""
    answers: dict[str, Any] = {"list": [SOURCE], "info": {"default_source_name": "mixer.monitor"}}

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        answer = answers[command[2]]
        if isinstance(answer, Exception):
            raise answer
        return subprocess.CompletedProcess(command, 0, answer if isinstance(answer, str) else json.dumps(answer))

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.delenv("PULSE_SOURCE", raising=False)
    return answers


def test_server_knows_the_true_rate_and_channels(pactl: dict[str, Any]) -> None:
    assert find_source(PULSE) == dataclasses.replace(PULSE, channels=4, rate=96_000, source="mixer.monitor")


def test_environment_names_the_source(pactl: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    pactl["list"] = [SOURCE, {"name": "microphone", "sample_specification": "s16le 1ch 16000Hz"}]
    monkeypatch.setenv("PULSE_SOURCE", "microphone")
    assert find_source(PULSE) == dataclasses.replace(PULSE, channels=1, rate=16_000, source="microphone")


@pytest.mark.parametrize(
    "change",
    [
        {"list": FileNotFoundError("pactl"), "info": FileNotFoundError("pactl")},
        {"list": "no JSON"},
        {"list": []},
        {"info": {}},
        {"list": [{"name": "mixer.monitor", "sample_specification": "strange"}]},
    ],
    ids=["not installed", "old", "no source", "no default", "odd specification"],
)
def test_without_an_answer_from_the_server_stereo_is_assumed(pactl: dict[str, Any], change: dict[str, Any]) -> None:
    pactl.update(change)
    assert dataclasses.replace(find_source(PULSE), source=None) == dataclasses.replace(PULSE, channels=2)


@pytest.mark.parametrize(
    "other", [DEVICES[0], device(9, "pulse", host="JACK Audio Connection Kit")], ids=["hw", "JACK"]
)
def test_real_devices_are_believed(pactl: dict[str, Any], other: Device) -> None:
    assert find_source(other) == other


def test_server_that_does_not_answer_is_an_error(pactl: dict[str, Any]) -> None:
    pactl.update({"list": subprocess.TimeoutExpired("pactl", 3), "info": subprocess.TimeoutExpired("pactl", 3)})
    with pytest.raises(DeviceError, match="does not answer"):
        find_source(PULSE)


def test_source_that_was_captured_before_is_captured_again(pactl: dict[str, Any]) -> None:
    pactl["list"] = [SOURCE, {"name": "microphone", "sample_specification": "s16le 1ch 16000Hz"}]
    assert find_source(PULSE, "microphone").source == "microphone"
    with pytest.raises(DeviceError, match="no source 'turntable'"):
        find_source(PULSE, "turntable")
