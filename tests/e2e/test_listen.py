"""The installed command hears what a sound server plays: same samples, same answers, in time."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from edmlive.realtime.classifier import Classifier, Decision
from edmlive.realtime.engine import Engine, listen
from edmlive.sources.capture.device import DeviceSource
from edmlive.sources.file import FileSource
from edmlive.sources.recorder import Recorder
from tests.conftest import decode, write_audio
from tests.e2e.listener import Listener
from tests.e2e.pulse import PulseServer
from tests.music import render

pytestmark = pytest.mark.e2e

StartPulse = Callable[[int, int], PulseServer]
StartListener = Callable[..., Listener]


def write_wav(path: Path, samples: NDArray[np.float32], rate: int) -> Path:
    return write_audio(path, samples, rate, "pcm_f32le", "flt", {2: "stereo", 4: "quad"}[samples.shape[1]])


def without_latency(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in line.items() if k not in ("latency", "clock", "session")} for line in lines]


@pytest.mark.parametrize(
    ("rate", "channels", "chosen", "seconds"),
    [(48_000, 2, None, 45), (44_100, 2, None, 20), (48_000, 4, (3, 4), 20)],
    ids=["48 kHz stereo", "44.1 kHz stereo", "channels 3-4 of 4"],
)
def test_receives_what_is_played_bit_for_bit_and_answers_in_time(
    edmlive: str,
    start_listener: StartListener,
    start_pulse: StartPulse,
    tmp_path: Path,
    rate: int,
    channels: int,
    chosen: tuple[int, ...] | None,
    seconds: int,
) -> None:
    played = render(seconds, rate, channels)
    music, recording = write_wav(tmp_path / "played.wav", played, rate), tmp_path / "heard.wav"
    options = ["--record", str(recording)]
    if chosen:
        options += ["--channels", ",".join(map(str, chosen))]
    server = start_pulse(rate, channels)

    listener = start_listener(server, *options)
    listener.wait_for_line()
    started = time.monotonic()
    assert server.play(music).wait() == 0
    time.sleep(1.0)
    said = listener.stop()

    assert listener.process.returncode == 0, said
    heard, heard_rate = decode(recording)
    expected = played[:, [c - 1 for c in chosen]] if chosen else played
    assert heard_rate == rate
    start = int(np.flatnonzero(heard.any(axis=1))[0])
    np.testing.assert_array_equal(heard[start : start + len(expected)], expected)

    again = subprocess.run(
        [edmlive, "listen", "--input", str(recording), "--json", "-"], capture_output=True, text=True, check=True
    )
    repeated = [json.loads(line) for line in again.stdout.splitlines()]
    assert without_latency(listener.lines) == without_latency(repeated)[: len(listener.lines)]

    answers = [(at, line) for at, line in zip(listener.arrivals, listener.lines, strict=True) if line["genre"]]
    assert answers[0][0] - started <= 10.0
    music_began = start / rate
    for at, line in answers:
        assert line["latency"] <= 1.2
        # The same from outside: the sound server may hold up to half a second before it plays.
        assert at - started - (line["time"] - music_began) <= 1.2 + 0.5


def test_says_silence_before_and_after_the_music(
    start_listener: StartListener, start_pulse: StartPulse, tmp_path: Path
) -> None:
    music = write_wav(tmp_path / "played.wav", render(12, 48_000, 2), 48_000)
    server = start_pulse(48_000, 2)
    listener = start_listener(server)
    for _ in range(3):
        listener.wait_for_line()
    server.play(music).wait()
    time.sleep(4)
    listener.stop(signal.SIGTERM)
    states = [line["state"] for line in listener.lines]
    assert states[2] == "silence"
    assert "listening" in states or "unsure" in states
    assert states[-1] == "silence"
    assert all(line["genre"] is None for line in listener.lines if line["state"] in ("silence", "warming up"))


def test_dead_sound_server_that_is_not_waited_for_ends_in_one_sentence_and_leaves_no_process(
    start_listener: StartListener, start_pulse: StartPulse
) -> None:
    server = start_pulse(48_000, 2)
    listener = start_listener(server, "--on-device-loss", "exit")
    listener.wait_for_line()
    children = psutil.Process(listener.process.pid).children(recursive=True)
    assert children
    server.kill()
    said = listener.finish(seconds=8)
    assert listener.process.returncode == 1
    assert len([line for line in said.splitlines() if line.startswith("edmlive:")]) == 1
    assert "'pulse'" in said and "Traceback" not in said
    psutil.wait_procs(children, timeout=2)
    assert not any(child.is_running() for child in children)


def test_capture_process_does_not_outlive_a_killed_listener(
    start_listener: StartListener, start_pulse: StartPulse
) -> None:
    listener = start_listener(start_pulse(48_000, 2))
    listener.wait_for_line()
    children = psutil.Process(listener.process.pid).children(recursive=True)
    assert children
    listener.process.kill()
    listener.finish()
    psutil.wait_procs(children, timeout=3)
    assert not any(child.is_running() for child in children)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--device", "no such mixer"], "no such mixer"),
        (["--device", "l"], "may mean"),
        (["--device", "pulse", "--channels", "3,4"], "no channel 3"),
    ],
    ids=["unknown device", "ambiguous device", "missing channels"],
)
def test_device_that_cannot_be_meant_is_one_sentence(
    edmlive: str, start_pulse: StartPulse, options: list[str], words: str
) -> None:
    server = start_pulse(48_000, 2)
    command = [edmlive, "listen", "--json", "-", *options]
    run = subprocess.run(command, capture_output=True, text=True, env=server.environment, check=False)
    assert run.returncode == 1
    assert words in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1


def test_devices_lists_the_capture_device(edmlive: str, start_pulse: StartPulse) -> None:
    server = start_pulse(48_000, 2)
    run = subprocess.run([edmlive, "devices"], capture_output=True, text=True, env=server.environment, check=True)
    assert "pulse" in run.stdout


class FeatureLog(Classifier):
    """A classifier that keeps what it was given."""

    def __init__(self) -> None:
        self.seen: list[dict[str, NDArray[np.float32]]] = []
        super().__init__()
        self.seen.clear()

    def decide(self, features: Mapping[str, NDArray[np.float32]]) -> Decision:
        self.seen.append({name: values.copy() for name, values in features.items()})
        return super().decide(features)


def test_features_of_a_device_equal_those_of_its_recording(
    start_pulse: StartPulse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_pulse(48_000, 2)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    music = write_wav(tmp_path / "played.wav", render(60, 48_000, 2), 48_000)
    recorder = Recorder(tmp_path / "heard.wav", 48_000, 2)
    live, offline = FeatureLog(), FeatureLog()
    with DeviceSource("pulse") as source:
        engine = Engine(live, source.rate)
        player = server.play(music)
        for block in source:
            recorder.write(block.samples)
            list(engine.push(block))
            # However late a busy machine starts the player.
            if len(live.seen) >= 6 or engine.seconds > 60:
                break
    player.kill()
    recorder.close()
    with FileSource(tmp_path / "heard.wav") as source:
        list(listen(source, offline))
    assert len(live.seen) >= 6
    for heard, recorded in zip(live.seen, offline.seen, strict=False):
        for name, values in heard.items():
            np.testing.assert_array_equal(values, recorded[name])
