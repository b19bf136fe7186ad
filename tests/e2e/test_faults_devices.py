"""Faults of a sound device during a night: noticed in time, reported, survived, with every frame accounted for."""

import contextlib
import datetime
import itertools
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from edmlive.realtime.classifier import Classifier
from edmlive.realtime.reading import State
from edmlive.sources.capture.device import DeviceSource
from edmlive.sources.health import Liveness
from tests.e2e import time_of_day
from tests.e2e.ear import ACCOUNT_SECONDS, ANSWER_SECONDS, LISTEN_SECONDS, NOTICE_SECONDS, Ear
from tests.e2e.jack import JackServer
from tests.e2e.listener import Listener
from tests.e2e.pulse import PulseServer
from tests.e2e.time_of_day import TimeOfDay

pytestmark = pytest.mark.e2e

StartPulse = Callable[..., PulseServer]
Record = Callable[[str, object], None]
AWAY_SECONDS = 2.2


def capture_process(other_than: int | None = None) -> psutil.Process | None:
    """The capture process at work."""
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):  # one that has just ended
            if child.pid != other_than and any("sources.capture" in word for word in child.cmdline()):
                return child
    return None


@pytest.fixture
def hear(classifier: Classifier) -> Iterator[Callable[[str], Ear]]:
    """Listen to a device from its first audio on."""
    ears: list[Ear] = []

    def start(device: str = "pulse") -> Ear:
        ears.append(Ear(DeviceSource(device), classifier).__enter__())
        ears[-1].hear(1)
        return ears[-1]

    yield start
    for ear in ears:
        ear.__exit__()
    assert capture_process() is None


def settle(ear: Ear, record: Record, noticed: float, listening: float) -> None:
    """Check what every case has in common, a second of audio after the return."""
    ear.hear(1.5)
    assert noticed <= NOTICE_SECONDS
    assert listening <= LISTEN_SECONDS
    unaccounted = ear.unaccounted_seconds()
    for name, seconds in (("noticed", noticed), ("listening", listening), ("unaccounted", unaccounted)):
        record(name, round(seconds, 3))
    assert abs(unaccounted) <= ACCOUNT_SECONDS
    assert ear.engine.counts.frames_lost == ear.frames_lost
    lost = [r for _, r in ear.readings if r.liveness not in (Liveness.STARTING, Liveness.HEALTHY)]
    assert {r.state for r in lost} <= {State.NO_INPUT}
    assert all(r.genre is None and r.notices for r in lost)
    assert ear.readings[-1][1].liveness is Liveness.HEALTHY


def test_server_killed_and_started_again(
    start_here: StartPulse, hear: Callable[..., Ear], music: Path, genres: set[str], record_property: Record
) -> None:
    server = start_here()
    ear = hear()
    server.play(music)
    ear.wait_for_genre(genres)
    server.kill()
    noticed = ear.wait_for_loss()
    before = len(ear.readings)
    time.sleep(AWAY_SECONDS)
    assert len(ear.readings) - before >= 2  # sinks get a reading about once a second all the same
    again = start_here()
    listening = ear.wait_for_audio()
    again.play(music)
    answered = ear.wait_for_genre(genres)
    record_property("answered", round(answered, 3))
    assert answered <= ANSWER_SECONDS
    settle(ear, record_property, noticed, listening)
    back = [r for _, r in ear.readings[before:] if r.liveness is Liveness.HEALTHY]
    first = next(i for i, r in enumerate(back) if r.genre)
    assert first >= 2 and all(r.genre is None for r in back[:first])  # no answer from what was heard before
    assert ear.engine.counts.reconnects == ear.engine.counts.gaps == 1
    assert any("is back after" in notice for r in back for notice in r.notices)


def test_server_frozen_and_thawed(start_here: StartPulse, hear: Callable[..., Ear], record_property: Record) -> None:
    server = start_here()
    ear = hear()
    server.freeze()
    noticed = ear.wait_for_loss()
    time.sleep(AWAY_SECONDS)
    server.thaw()
    settle(ear, record_property, noticed, ear.wait_for_audio())
    states = ear.liveness()[-4:]
    assert states == [Liveness.HEALTHY, Liveness.STALLED, Liveness.RECOVERING, Liveness.HEALTHY]


def test_server_frozen_for_a_moment_costs_nothing(
    start_here: StartPulse, hear: Callable[..., Ear], record_property: Record
) -> None:
    server = start_here()
    ear = hear()
    server.freeze()
    time.sleep(0.8)
    server.thaw()
    settle(ear, record_property, 0, 0)
    assert set(ear.liveness()) <= {Liveness.STARTING, Liveness.HEALTHY}
    assert ear.frames_lost == 0


@pytest.mark.parametrize(
    ("rate", "channels", "words"),
    [(48_000, 2, None), (44_100, 2, "now runs at 44100 Hz"), (48_000, 4, None)],
    ids=["as before", "another rate", "more channels"],
)
def test_sink_pulled_out_and_plugged_in(
    start_here: StartPulse,
    hear: Callable[..., Ear],
    record_property: Record,
    rate: int,
    channels: int,
    words: str | None,
) -> None:
    server = start_here()
    ear = hear()
    server.unload_sink()
    noticed = ear.wait_for_loss()
    time.sleep(AWAY_SECONDS)
    server.load_sink(rate, channels)
    settle(ear, record_property, noticed, ear.wait_for_audio())
    notices = " ".join(ear.readings[-1][1].notices)
    assert (words or "is back") in notices
    assert ("now runs" in notices) == (words is not None)


@pytest.mark.parametrize("named", [True, False], ids=["named", "default"])
def test_stream_that_the_server_moves_to_another_source_is_moved_back(
    start_here: StartPulse,
    hear: Callable[..., Ear],
    record_property: Record,
    monkeypatch: pytest.MonkeyPatch,
    named: bool,
) -> None:
    server = start_here()
    server.load_sink(48_000, 2, "other")
    server.pactl("set-default-source", "edm.monitor")
    if not named:
        monkeypatch.delenv("PULSE_SOURCE")
    ear = hear()
    for default in ("other.monitor", "edm.monitor", "other.monitor"):
        server.pactl("set-default-source", default)
        ear.wait(lambda: server.captured_sources() == ["edm.monitor"], 3, "moved back")
    [stream] = server.pactl("list", "short", "source-outputs").splitlines()
    server.pactl("move-source-output", stream.split("\t")[0], "other.monitor")
    ear.wait(lambda: server.captured_sources() == ["edm.monitor"], 3, "moved back")
    ear.wait(lambda: any("'other.monitor'" in notice for notice in ear.blocks[-1].block.notices), 3, "told")
    ear.hear(1.5)
    unaccounted = ear.unaccounted_seconds()
    record_property("unaccounted", round(unaccounted, 3))
    assert abs(unaccounted) <= 4 * ACCOUNT_SECONDS  # each move may cost a moment too short to count as a loss
    assert ear.engine.counts.reconnects == 0
    assert set(ear.liveness()) <= {Liveness.STARTING, Liveness.HEALTHY}


def test_source_pulled_out_is_waited_for_though_there_is_another(
    start_here: StartPulse, hear: Callable[..., Ear], record_property: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_here()
    server.load_sink(48_000, 2, "other")
    server.pactl("set-default-source", "edm.monitor")
    monkeypatch.delenv("PULSE_SOURCE")
    ear = hear()
    server.unload_sink()
    noticed = ear.wait_for_loss()
    ear.wait(lambda: any("no source 'edm.monitor'" in notice for notice in ear.blocks[-1].block.notices), 5, "told")
    server.load_sink(48_000, 2)
    settle(ear, record_property, noticed, ear.wait_for_audio())
    assert server.captured_sources() == ["edm.monitor"]


def test_capture_process_killed(start_here: StartPulse, hear: Callable[..., Ear], record_property: Record) -> None:
    start_here()
    ear = hear()
    process = capture_process()
    assert process is not None
    process.kill()
    noticed = ear.wait_for_loss()
    settle(ear, record_property, noticed, ear.wait_for_audio())
    assert ear.engine.counts.reconnects == 1


def test_capture_process_that_hangs_is_replaced(
    start_here: StartPulse, hear: Callable[..., Ear], record_property: Record
) -> None:
    start_here()
    ear = hear()
    process = capture_process()
    assert process is not None
    process.suspend()
    noticed = ear.wait_for_loss()
    settle(ear, record_property, noticed, ear.wait_for_audio())
    assert not process.is_running()


def test_jack_server_killed_and_started_again(
    start_jack: Callable[[], JackServer], hear: Callable[..., Ear], record_property: Record
) -> None:
    server = start_jack()
    ear = hear("system")
    server.kill()
    noticed = ear.wait_for_loss()
    time.sleep(AWAY_SECONDS)
    start_jack()
    settle(ear, record_property, noticed, ear.wait_for_audio())


@pytest.mark.parametrize("seconds", [2, 30])
def test_consumer_that_stalls_loses_nothing_and_catches_up(
    start_here: StartPulse,
    hear: Callable[..., Ear],
    music: Path,
    genres: set[str],
    record_property: Record,
    seconds: int,
) -> None:
    server = start_here()
    ear = hear()
    server.play(music)
    ear.wait_for_genre(genres)
    ear.stall(seconds)
    time.sleep(seconds)
    caught_up = ear.wait(
        lambda: time.monotonic() - ear.blocks[-1].block.time < 1 and len(ear.readings) > 0, 15, "caught up"
    )
    record_property("caught up", round(caught_up, 3))
    settle(ear, record_property, 0, 0)
    counts = ear.engine.counts
    assert (counts.frames_lost, counts.reconnects) == (0, 0)
    assert set(ear.liveness()) <= {Liveness.STARTING, Liveness.HEALTHY}
    record_property("decisions skipped", counts.decisions_skipped)
    assert (counts.decisions_skipped > 0) == (seconds > 10)


def test_busy_machine_loses_nothing(
    start_here: StartPulse, hear: Callable[..., Ear], music: Path, genres: set[str], record_property: Record
) -> None:
    server = start_here()
    ear = hear()
    server.play(music)
    ear.wait_for_genre(genres)
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    try:
        began = time.monotonic()
        ear.hear(12)
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    assert time.monotonic() - began < 16
    settle(ear, record_property, 0, 0)
    answers = [at for at, r in ear.readings if r.genre in genres and at > began]
    assert max(b - a for a, b in itertools.pairwise(answers)) < 5
    assert ear.engine.counts.reconnects == 0
    record_property("frames lost", ear.frames_lost)


def test_starved_computer_does_not_lose_a_healthy_device(
    start_pulse: Callable[[int, int], PulseServer], start_listener: Callable[..., Listener]
) -> None:
    listener = start_listener(start_pulse(48_000, 2))
    listener.wait_for_line()
    starved = psutil.Process(listener.process.pid)
    [capturing] = [child for child in starved.children() if any("sources.capture" in word for word in child.cmdline())]
    for _ in range(3):
        capturing.suspend()
        time.sleep(0.6)  # the listener reads what there is, and finds nothing more
        starved.suspend()
        time.sleep(2)
        starved.resume()
        time.sleep(0.4)  # the capture process is the last to get its turn
        capturing.resume()
        time.sleep(2)
    assert len(listener.lines) > 8
    assert all(line["liveness"] in ("starting", "healthy") for line in listener.lines)
    assert listener.lines[-1]["counts"]["reconnects"] == 0


@pytest.mark.needs(*time_of_day.NEEDED)
def test_time_of_day_that_is_set_costs_nothing(
    start_pulse: Callable[[int, int], PulseServer],
    start_listener: Callable[..., Listener],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Record,
) -> None:
    clock = TimeOfDay(tmp_path)
    for name, value in clock.environment.items():
        monkeypatch.setenv(name, value)  # ALSA's bridge to PulseAudio stamps with the time of day
    listener = start_listener(start_pulse(48_000, 2))
    listener.wait_for_line()
    for seconds in (-10, 0, 3600):
        time.sleep(3.5)
        clock.set(seconds)
    time.sleep(3.5)
    last = listener.lines[-1]
    assert abs(last["time"] - listener.lines[0]["time"] - (listener.arrivals[-1] - listener.arrivals[0])) < 0.5
    assert not any(line["notices"] for line in listener.lines)
    counts = last["counts"]
    assert (counts["decisions_skipped"], counts["gaps"], counts["frames_lost"], counts["reconnects"]) == (0, 0, 0, 0)
    latencies = [line["latency"] for line in listener.lines]
    record_property("latencies", latencies)
    assert min(latencies) > 0
    assert statistics.median(latencies) < 0.25
    assert max(latencies) < 1.5  # a busy machine, not a clock that was set
    moments = [datetime.datetime.fromisoformat(line["clock"]).timestamp() for line in (listener.lines[0], last)]
    assert moments[1] - moments[0] == pytest.approx(3600 + last["time"] - listener.lines[0]["time"], abs=0.1)


def test_source_that_is_not_to_wait_ends_in_one_sentence(start_here: StartPulse, classifier: Classifier) -> None:
    server = start_here()
    with Ear(DeviceSource("pulse", on_loss="exit"), classifier) as ear:
        ear.hear(0.5)
        os.kill(server.process.pid, signal.SIGKILL)
        ear._thread.join(5)
    assert "'pulse'" in str(ear.error)
    assert ear.liveness()[-1] is Liveness.FAILED
