"""What must happen in time: these tests measure it by the clock, and fail on a machine too busy to keep up."""

import itertools
import json
import signal
import socket
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed

from edmlive.errors import DeviceError, SinkError
from edmlive.realtime.classifier import Classifier
from edmlive.realtime.engine import Engine
from edmlive.sinks.midi_clock import PULSES_PER_BEAT, MidiClock
from edmlive.sinks.sink_thread import CLOSE_SECONDS, QUEUE_LENGTH, SinkThread
from edmlive.sinks.web.server import WebSink
from edmlive.sources import health
from edmlive.sources.capture.device import DeviceSource
from edmlive.sources.health import Liveness
from tests import small_models, sound_card
from tests.cli.test_process import EDMLIVE, on_terminal
from tests.conftest import write_audio
from tests.music import render
from tests.realtime.readings import reading
from tests.realtime.test_session import run, source
from tests.sinks.test_sink_thread import MANY, Notebook
from tests.sinks.web.conftest import at, http
from tests.sinks.web.test_server import connect, events
from tests.sources.capture.test_device import capture_processes

pytestmark = [pytest.mark.e2e, pytest.mark.wall_clock]

RATE = 44_100


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_models.save(tmp_path_factory.mktemp("models") / "small.onnx", small_models.spec(), scale=0.5)


# Sinks


def test_stuck_sink_of_a_live_source_drops_counts_and_holds_nothing_up() -> None:
    stuck, free = Notebook(), Notebook()
    stuck.free.clear()
    threads = [SinkThread(stuck, live=True), SinkThread(free, live=True)]
    started = time.monotonic()
    for i in range(MANY):
        for thread in threads:
            thread.send(reading(i))
        while i % 100 == 0 and len(free.readings) < i and time.monotonic() - started < 1:
            time.sleep(0.001)  # the free one needs a moment
    assert time.monotonic() - started < 1
    for thread in threads:
        thread.close()
    assert time.monotonic() - started < 1 + 2 * CLOSE_SECONDS
    assert len(free.readings) == MANY
    assert MANY - QUEUE_LENGTH - 1 <= threads[0].dropped <= MANY - QUEUE_LENGTH
    assert threads[1].dropped == 0
    stuck.free.set()


@pytest.mark.parametrize("live", [True, False], ids=["live", "file"])
@pytest.mark.parametrize("error", [SinkError("The notebook is full."), ValueError("a surprise")], ids=["known", "not"])
def test_sink_that_fails_is_not_used_again(live: bool, error: Exception) -> None:
    broken = Notebook(fail_at=2, error=error)
    thread = SinkThread(broken, live=live)
    started = time.monotonic()
    for i in range(MANY):
        thread.send(reading(i))
        if i < 10:
            time.sleep(0.005)
    thread.close()
    assert time.monotonic() - started < 1
    assert isinstance(thread.failure, SinkError)
    assert str(error).rstrip(".") in str(thread.failure)
    assert len(broken.readings) == 2
    assert thread.dropped == 0


@pytest.mark.parametrize("live", [True, False], ids=["live", "file"])
def test_failure_on_closing_is_kept_and_delays_nothing(live: bool) -> None:
    class Leaky(Notebook):
        def close(self) -> None:
            raise SinkError("The last page is torn.")

    thread = SinkThread(Leaky(), live=live)
    thread.send(reading())
    started = time.monotonic()
    thread.close()
    assert time.monotonic() - started < CLOSE_SECONDS / 2
    assert str(thread.failure) == "The last page is torn."


def test_impatient_close_leaves_a_stuck_sink_of_a_file_behind() -> None:
    stuck = Notebook()
    stuck.free.clear()
    thread = SinkThread(stuck, live=False)
    for i in range(QUEUE_LENGTH):
        thread.send(reading(i))
    started = time.monotonic()
    thread.close(patient=False)
    assert time.monotonic() - started < 2 * CLOSE_SECONDS + 0.5
    stuck.free.set()


class Stuck(Notebook):
    """Does not come back from closing."""

    def close(self) -> None:
        time.sleep(10)


def test_sinks_that_hang_hold_the_end_up_together_for_a_second(classifier: Classifier) -> None:
    interrupted = source(error=KeyboardInterrupt())
    engine = Engine(classifier, interrupted.rate)
    began = time.monotonic()
    run(interrupted, engine, [Stuck(), Stuck(), Stuck()])
    assert time.monotonic() - began < 2.5


def pulses(bpms: list[float], seconds: float) -> list[float]:
    """The moments of all pulses while the tempo goes from one to the next."""
    moments: list[float] = []
    clock = MidiClock(lambda message: moments.append(time.monotonic()) if message.type == "clock" else None)
    for bpm in bpms:
        clock.follow(bpm)
        time.sleep(seconds)
    clock.close()
    return moments


def test_clock_does_not_drift() -> None:
    moments = pulses([174.0], 10)
    period = 60 / 174.0 / PULSES_PER_BEAT
    late = [1000 * (moment - n * period) for n, moment in enumerate(moments)]
    middle = statistics.median(late)
    jitter = sorted(abs(milliseconds - middle) for milliseconds in late)
    tempo = 60 / PULSES_PER_BEAT / statistics.linear_regression(range(len(moments)), moments).slope
    print(
        f"{tempo:.3f} BPM, jitter {statistics.median(jitter):.3f} ms median, {jitter[int(0.99 * len(jitter))]:.3f} p99"
    )
    assert tempo == pytest.approx(174.0, rel=1e-3)
    assert len(moments) == pytest.approx(10 / period, abs=2)


def test_new_tempo_takes_over_without_a_break() -> None:
    moments = pulses([120.0, 126.0], 2)
    gaps = [second - first for first, second in itertools.pairwise(moments)]
    assert len(moments) == pytest.approx(2 * 24 * (120 + 126) / 60, abs=3)
    assert max(gaps) < 3 * 60 / 120 / PULSES_PER_BEAT


def test_web_server_ends_within_a_second_whoever_is_connected() -> None:
    with ExitStack() as stack:
        sink = WebSink("127.0.0.1:0", "cpu")
        stack.callback(sink.close)
        host, port = urlsplit(sink.url).hostname, urlsplit(sink.url).port
        clients = [stack.enter_context(connect(sink)) for _ in range(20)]
        stream = stack.enter_context(http.stream("GET", f"{sink.url}events"))
        for request in (b"", b"GET / HT", b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"):
            silent = stack.enter_context(socket.create_connection((host, port)))
            silent.sendall(request)
        thread = SinkThread(sink, live=True)
        thread.send(at(1))
        assert json.loads(clients[0].recv(timeout=5))["time"] == 1
        started = time.monotonic()
        thread.close()
        assert time.monotonic() - started < 1
        assert thread.failure is None
        assert "web-server" not in [thread.name for thread in threading.enumerate()]
        with pytest.raises(ConnectionClosed, match=r"100[12]|1012"):
            for _ in range(3):
                clients[1].recv(timeout=5)
        assert [json.loads(message)["time"] for message in events(stream)] == [1]
        # A new one has the same port at once.
        again = WebSink(f"127.0.0.1:{port}", "cpu")
        stack.callback(again.close)
        again.write(at(2))
        assert http.get(f"{again.url}api/state").json()["time"] == 2


# Capture


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("stalls", r"no audio for 1\.\d s"),
        ("aborts", r"'mixer' has gone.*server died"),
        ("finishes", "'mixer' has stopped"),
    ],
)
def test_device_that_dies_and_is_not_waited_for_ends_in_one_sentence_after_its_last_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, words: str
) -> None:
    sound_card.plug_in(tmp_path, monkeypatch, end=end)
    monkeypatch.setattr(health, "STALL_SECONDS", 1.0)
    frames = 0
    started = time.monotonic()
    with DeviceSource(on_loss="exit") as source, pytest.raises(DeviceError, match=words) as failure:
        for block in source:
            frames += len(block.samples)
    assert frames == sound_card.RATE // 2
    assert block.liveness is source.liveness is Liveness.FAILED
    assert time.monotonic() - started < 5
    assert "\n" not in str(failure.value)
    assert capture_processes() == []


def test_reader_is_woken_once_for_what_it_waits_for_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound_card.plug_in(tmp_path, monkeypatch, frames=2 * sound_card.RATE)
    lengths = []
    with DeviceSource() as source:
        for block in source:
            source.wanted = 0.2
            lengths.append(len(block.samples))
            assert time.monotonic() - block.time < 0.15
            if sum(lengths) >= sound_card.RATE:
                break
    assert sorted(lengths)[len(lengths) // 2] >= 0.2 * sound_card.RATE
    assert len(lengths) <= 8


# The command


def test_terminal_shows_the_panel_at_the_speed_of_the_music(model: Path, tmp_path: Path) -> None:
    path = write_audio(tmp_path / "[b].wav", render(4.2, RATE), RATE, "pcm_f32le", "flt")
    started = time.monotonic()
    code, shown = on_terminal(["listen", "--input", str(path), "--model", str(model)])
    assert code == 0
    assert time.monotonic() - started > 3.5
    for words in ("[b].wav", "warming up", "listening", "genre ", "BPM", "dBFS", "0:04", "Heard 0:04"):
        assert words in shown


@pytest.fixture
def endless(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    """A session that listens to a card which plays for minutes."""
    sound_card.plug_in(tmp_path, monkeypatch, frames=10**7)
    command = [*EDMLIVE, "listen", "--json", "-", "--model", str(model), "--hop", "0.25"]
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests themselves may run under nohup
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGHUP, before)
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_signal_ends_listening_within_a_second_with_a_summary(
    endless: subprocess.Popen[str], number: signal.Signals
) -> None:
    assert endless.stdout is not None
    heard = [json.loads(endless.stdout.readline()) for _ in range(3)]
    assert [line["time"] for line in heard] == pytest.approx([0.25, 0.5, 0.75], abs=1e-3)
    started = time.monotonic()
    endless.send_signal(number)
    out, err = endless.communicate(timeout=10)
    assert time.monotonic() - started < 2  # one second and a busy machine
    assert endless.returncode == 0
    assert all(json.loads(line) for line in out.splitlines())
    listening, summary = err.splitlines()
    assert listening.startswith("Listening to mixer, 8000 Hz, 2 ch")
    assert summary.startswith("Heard 0:0")


def test_signal_ends_a_session_whose_reader_is_stuck(model: Path, music: Path) -> None:
    command = [*EDMLIVE, "listen", "--input", str(music), "--model", str(model), "--hop", "0.1", "--json", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(2)  # until pipe and queue are full
        assert process.poll() is None
        started = time.monotonic()
        process.terminate()
        process.wait(timeout=10)
        assert time.monotonic() - started < 4
        assert process.returncode == 0
