"""Capture in a child process: everything it delivers arrives, and whatever it dies of is one sentence."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from edmlive.errors import DeviceError, SourceError
from edmlive.realtime.sources import device as module
from edmlive.realtime.sources.device import DeviceSource, list_devices
from tests import sound_card


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda **plan: sound_card.plug_in(tmp_path, monkeypatch, **plan)


def capture_processes() -> list[psutil.Process]:
    children = psutil.Process().children()
    return [child for child in children if any("sources.capture" in word for word in child.cmdline())]


@pytest.mark.parametrize(
    ("available", "wanted", "picked"),
    [(2, None, [0, 1]), (4, None, [0, 1]), (1, None, [0]), (4, (3, 4), [2, 3]), (4, (4, 1), [3, 0])],
)
def test_every_sample_of_the_chosen_channels_arrives_in_order(
    plug_in: Any, available: int, wanted: tuple[int, ...] | None, picked: list[int]
) -> None:
    plug_in(channels=available)
    with DeviceSource(channels=wanted) as source:
        assert (source.name, source.rate, source.channels, source.live) == ("mixer", sound_card.RATE, len(picked), True)
        blocks = []
        for block in source:
            assert block.gap == 0
            assert abs(time.monotonic() - block.time) < 0.5
            blocks.append(block.samples)
            if sum(map(len, blocks)) >= sound_card.RATE // 2:
                break
        assert source.overflows == 1
    expected = sound_card.samples(sound_card.RATE // 2, available)[:, picked]
    np.testing.assert_array_equal(np.concatenate(blocks), expected)
    assert capture_processes() == []


@pytest.mark.parametrize(
    ("end", "words"),
    [("stalls", "no audio for 1 s"), ("aborts", r"'mixer' has gone.*server died")],
)
def test_device_that_dies_ends_in_one_sentence_after_its_last_sample(
    plug_in: Any, monkeypatch: pytest.MonkeyPatch, end: str, words: str
) -> None:
    plug_in(end=end)
    monkeypatch.setattr(module, "WATCHDOG_SECONDS", 1.0)
    heard = 0
    started = time.monotonic()
    with DeviceSource() as source, pytest.raises(DeviceError, match=words) as failure:
        for block in source:
            heard += len(block.samples)
    assert heard == sound_card.RATE // 2
    assert time.monotonic() - started < 5
    assert "\n" not in str(failure.value)
    assert capture_processes() == []


@pytest.mark.parametrize(
    ("plan", "wanted", "words"),
    [
        ({"end": "refuses"}, None, r"'mixer' cannot be opened \(Device unavailable\)"),
        ({"end": "never answers"}, None, "did not answer within 1 s"),
        ({"names": []}, None, "No audio input device"),
        ({}, "turntable", "'turntable'"),
        ({"names": ["mixer A", "mixer B"]}, "mixer", "may mean 0 'mixer A', 1 'mixer B'"),
    ],
    ids=["refuses", "never answers", "none", "unknown", "ambiguous"],
)
def test_device_that_cannot_be_opened_is_one_sentence(
    plug_in: Any, monkeypatch: pytest.MonkeyPatch, plan: dict[str, Any], wanted: str | None, words: str
) -> None:
    plug_in(**plan)
    if plan.get("end") == "never answers":
        monkeypatch.setattr(module, "OPEN_SECONDS", 1.0)
    with pytest.raises(DeviceError, match=words):
        DeviceSource(wanted)
    assert capture_processes() == []


def test_channel_that_the_device_lacks_is_refused(plug_in: Any) -> None:
    plug_in()
    with pytest.raises(SourceError, match="Input device 'mixer' has no channel 3"):
        DeviceSource(channels=(3, 4))
    assert capture_processes() == []


def test_devices_are_listed_as_portaudio_has_them(plug_in: Any) -> None:
    plug_in(names=["mixer", "microphone"], channels=4)
    mixer, microphone = list_devices()
    assert (mixer.index, mixer.name, mixer.host, mixer.channels, mixer.rate) == (
        0,
        "mixer",
        "Stage",
        4,
        sound_card.RATE,
    )
    assert (mixer.default, microphone.default) == (True, False)
