"""Capture in a child process: everything it delivers arrives, and whatever it dies of is one sentence."""

import logging
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from edmlive.errors import DeviceError, SourceError
from edmlive.sources import supervisor
from edmlive.sources.audio import AudioBlock
from edmlive.sources.capture.device import DeviceSource, list_devices
from edmlive.sources.health import Liveness
from tests import sound_card


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda *then, **plan: sound_card.plug_in(tmp_path, monkeypatch, *then, **plan)


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
    started = time.monotonic()
    with DeviceSource(channels=wanted) as source:
        assert (source.name, source.rate, source.channels, source.live) == ("mixer", sound_card.RATE, len(picked), True)
        blocks = []
        for block in source:
            assert block.gap == 0
            assert started <= block.time <= time.monotonic()
            blocks.append(block.samples)
            if sum(map(len, blocks)) >= sound_card.RATE // 2:
                break
        assert block.overflows == 1
        assert source.transitions == {Liveness.HEALTHY: 1}
    expected = sound_card.samples(sound_card.RATE // 2, available)[:, picked]
    np.testing.assert_array_equal(np.concatenate(blocks), expected)
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
        monkeypatch.setattr(supervisor, "OPEN_SECONDS", 1.0)
    with pytest.raises(DeviceError, match=words):
        DeviceSource(wanted)
    assert capture_processes() == []


def until(source: DeviceSource, enough: Callable[[list[AudioBlock]], object], seconds: float = 15) -> list[AudioBlock]:
    """Read a source until the blocks are enough."""
    blocks: list[AudioBlock] = []
    deadline = time.monotonic() + seconds
    for block in source:
        blocks.append(block)
        if enough(blocks):
            return blocks
        assert time.monotonic() < deadline
    raise AssertionError("the source has ended")


def back(blocks: list[AudioBlock]) -> bool:
    return blocks[-1].reconnects > 0 and len(blocks[-1].samples) > 0


def test_lost_device_is_reported_waited_for_and_counted(
    plug_in: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "edmlive.capture")
    plug_in({"names": []}, {"names": ["other"]}, {"names": ["other"]}, {}, end="aborts")
    with DeviceSource() as source:
        blocks = until(source, back)
        states = [block.liveness for block in blocks]
        assert [state for i, state in enumerate(states) if i == 0 or state is not states[i - 1]][-3:] == [
            Liveness.HEALTHY,
            Liveness.RECOVERING,
            Liveness.HEALTHY,
        ]
        lost = [block for block in blocks if block.liveness is Liveness.RECOVERING]
        assert "has gone" in lost[0].notices[0]
        assert "'mixer' is not there" in lost[-1].notices[0]
        assert all(block.samples.shape == (0, 2) for block in lost)
        away = re.fullmatch(r"Input device 'mixer' is back after (.*) s\.", blocks[-1].notices[0])
        assert away is not None
        assert float(away[1]) == pytest.approx(blocks[-1].gap / sound_card.RATE, abs=0.3)
        assert source.transitions == {Liveness.HEALTHY: 2, Liveness.RECOVERING: 1}
        assert [record.levelname for record in caplog.records] == ["INFO", "WARNING", "INFO"]
        first, *_, last = (block for block in blocks if len(block.samples))
        frames = sum(len(block.samples) + block.gap for block in blocks) - len(first.samples)
        assert frames / sound_card.RATE == pytest.approx(last.time - first.time, abs=0.06)
        assert sum(block.gap > 0 for block in blocks) == 1
    assert capture_processes() == []


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"names": ["mixer (hw:2,0)"]}, "'mixer (hw:2,0)' is heard in place of 'mixer (hw:1,0)'"),
        ({"names": ["mixer (hw:1,0)"], "rate": 16_000}, "now runs at 16000 Hz; it is converted to 8000 Hz"),
        ({"names": ["mixer (hw:1,0)"], "channels": 1}, "is back"),
    ],
    ids=["another socket", "another rate", "one channel less"],
)
def test_device_that_comes_back_changed_is_converted_and_reported(
    plug_in: Any, plan: dict[str, Any], words: str
) -> None:
    plug_in(plan, names=["mixer (hw:1,0)"], end="aborts")
    with DeviceSource() as source:
        assert words in " ".join(until(source, back)[-1].notices)
        block = until(source, lambda blocks: len(blocks[-1].samples) > 0)[-1]
        assert (source.rate, block.samples.shape[1]) == (sound_card.RATE, 2)


def test_another_device_is_taken_only_where_its_index_was_asked_for(plug_in: Any, tmp_path: Path) -> None:
    plug_in({"names": ["microphone"]}, end="aborts")
    with DeviceSource("0") as source:
        notices = " ".join(until(source, back)[-1].notices)
    assert "'microphone' is heard in place of 'mixer', which is gone" in notices
    (tmp_path / "sound_card.log").unlink()
    with DeviceSource("mixer") as source:
        until(source, lambda blocks: "'mixer' is not there" in " ".join(blocks[-1].notices))


def test_device_that_comes_back_without_the_chosen_channels_is_reported_and_waited_for(plug_in: Any) -> None:
    plug_in(*[{"channels": 2}] * 6, {}, channels=4, end="aborts")
    with DeviceSource(channels=(3, 4)) as source:
        until(source, lambda blocks: "has no channel 3" in " ".join(blocks[-1].notices))
        assert until(source, back)[-1].samples.shape[1] == 2


def test_capture_process_that_cannot_be_started_again_is_tried_until_it_can(
    plug_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug_in({}, end="aborts")
    with DeviceSource() as source:
        until(source, lambda blocks: blocks[-1].liveness is Liveness.RECOVERING)
        with monkeypatch.context() as broken:
            broken.setattr(sys, "executable", "/nowhere/python")
            until(source, lambda blocks: "cannot be started" in " ".join(blocks[-1].notices))
        assert until(source, back)[-1].reconnects == 1


def test_frames_that_the_device_lost_are_reported_soon_after(plug_in: Any) -> None:
    hole = 20 * sound_card.BLOCK
    plug_in(hole_at=hole, hole_seconds=0.5, frames=3 * sound_card.RATE)
    with DeviceSource() as source:
        time.sleep(1.2)  # a late reader still learns the place
        blocks = until(source, lambda blocks: blocks[-1].gap)
    before = 0
    for block in blocks:
        if block.gap:
            break
        before += len(block.samples)
    assert hole < before <= hole + 1.1 * sound_card.RATE
    assert sum(block.gap for block in blocks) == pytest.approx(0.5 * sound_card.RATE, abs=0.005 * sound_card.RATE)


@pytest.mark.parametrize("seconds", [10.0, -10.0])
def test_clock_of_the_device_may_be_set(plug_in: Any, seconds: float) -> None:
    plug_in(set_at=sound_card.RATE, set_by=seconds, frames=6 * sound_card.RATE)
    late: list[float] = []
    heard = 0
    with DeviceSource() as source:
        for block in source:
            late.append(time.monotonic() - block.time)
            assert (block.gap, block.notices) == (0, ())
            heard += len(block.samples)
            if heard > 5 * sound_card.RATE:
                break
    # Blocks come late by chance on a busy machine, but most of them do not.
    assert np.median(late) < 0.06
    assert np.quantile(late, 0.9) < 0.5


def test_rate_that_the_device_does_not_keep_is_reported(plug_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(true_rate=7_350, frames=12 * sound_card.RATE)
    with DeviceSource() as source:
        blocks = until(source, lambda blocks: blocks[-1].notices, 20)
    assert "claims 8000 Hz but delivers 73" in blocks[-1].notices[0]
    assert sum(block.gap for block in blocks) == 0


def test_source_closes_though_a_daemon_holds_the_pipes_of_the_capture_process(plug_in: Any) -> None:
    plug_in(daemon=True)
    with DeviceSource() as source:
        until(source, lambda blocks: len(blocks[-1].samples) > 0)
        [daemon] = capture_processes()[0].children()
        began = time.monotonic()
    closed = time.monotonic() - began
    assert daemon.is_running()
    daemon.kill()
    assert closed < 2
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
