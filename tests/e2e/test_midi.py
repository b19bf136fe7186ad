"""MIDI as another program hears it, through a JACK server of our own."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.needs("jackd"),
    pytest.mark.skipif(not find_spec("rtmidi"), reason="python-rtmidi has no wheels for this Python"),
]

RATE, PERIOD = 48_000, 64
BPM = 174.0
SECONDS = 20

LISTENER = """
import json, sys, time
import mido
port = mido.open_input("in", virtual=True, client_name="desk")
port.callback = lambda message: print(json.dumps([time.monotonic(), str(message)]), flush=True)
print("ready", flush=True)
sys.stdin.read()
"""
# What a session does, without the model: the sink behind its thread, a reading each second.
SENDER = """
import sys, time
from edmlive.sinks.sink_thread import SinkThread
from edmlive.sinks.midi import MidiOutput
from tests.realtime.readings import LABELS, reading, waiting
thread = SinkThread(MidiOutput("DESK", LABELS), live=True)
for second in range(int(sys.argv[2])):
    thread.send(reading(float(second), bpm=float(sys.argv[1]), genre=LABELS[second // 5 % 6]))
    time.sleep(1)
thread.send(waiting())
thread.close()
print(thread.failure)
"""


@pytest.fixture
def jack(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    log = (tmp_path / "jack.log").open("wb")
    command = ["jackd", "-S", "--no-realtime", "-n", "edmlive-midi", "-d", "dummy"]
    server = subprocess.Popen([*command, "-r", str(RATE), "-p", str(PERIOD)], stdout=log, stderr=log)
    deadline = time.monotonic() + 10
    while start("import mido; mido.get_output_names()").wait() != 0:
        assert time.monotonic() < deadline, "JACK did not start"
    yield server
    server.terminate()
    server.wait()


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {
        "JACK_DEFAULT_SERVER": "edmlive-midi",
        "MIDO_BACKEND": "mido.backends.rtmidi/UNIX_JACK",
    }
    pipes: dict[str, Any] = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
    return subprocess.Popen([sys.executable, "-c", code, *arguments], env=environment, text=True, **pipes)


def test_another_program_receives_genres_figures_and_a_steady_clock(jack: subprocess.Popen[bytes]) -> None:
    listener = start(LISTENER)
    assert listener.stdout is not None
    assert listener.stdout.readline() == "ready\n"
    output, errors = start(SENDER, str(BPM), str(SECONDS)).communicate(timeout=SECONDS + 60)
    assert output == "None\n", errors
    time.sleep(0.5)
    lines, _ = listener.communicate("", timeout=10)
    heard = [json.loads(line) for line in lines.splitlines()]
    messages = [message.removesuffix(" time=0") for _, message in heard]
    programs = [message for message in messages if message.startswith("program_change")]
    assert programs == [f"program_change channel=0 program={number}" for number in range(SECONDS // 5)]
    assert messages.count("start") == messages.count("stop") == 1
    assert sum("control=20 " in message for message in messages) == SECONDS + 1
    assert messages[-1] == "control_change channel=0 control=123 value=0"
    moments = [at for at, message in heard if message.startswith("clock")]
    period = 60 / BPM / 24
    late = [1000 * (at - n * period) for n, at in enumerate(moments)]
    middle = statistics.median(late)
    jitter = sorted(abs(milliseconds - middle) for milliseconds in late)
    tempo = 60 / 24 / statistics.linear_regression(range(len(moments)), moments).slope
    print(
        f"{len(moments)} pulses, {tempo:.3f} BPM of {BPM}, jitter at the receiver {statistics.median(jitter):.2f} ms "
        f"median, {jitter[int(0.99 * len(jitter))]:.2f} ms p99 (a JACK period: {1000 * PERIOD / RATE:.2f} ms)"
    )
    assert len(moments) == pytest.approx(SECONDS / period, abs=24)
    assert tempo == pytest.approx(BPM, rel=1e-3)


def test_virtual_port_can_be_seen_by_others(jack: subprocess.Popen[bytes]) -> None:
    opener = start(
        "from edmlive.sinks.midi import MidiOutput\n"
        "sink = MidiOutput('virtual', ('House',))\nprint('open', flush=True)\ninput()\nsink.close()"
    )
    assert opener.stdout is not None
    assert opener.stdout.readline() == "open\n"
    names, _ = start("import mido; print(*mido.get_input_names())").communicate(timeout=30)
    opener.communicate("\n", timeout=10)
    assert "edmlive:edmlive" in names
    assert opener.returncode == 0


def test_server_that_dies_does_not_take_the_program_along(jack: subprocess.Popen[bytes]) -> None:
    listener = start(LISTENER)
    assert listener.stdout is not None
    listener.stdout.readline()
    sender = start(SENDER, "120", "6")
    assert "start" in "".join(listener.stdout.readline() for _ in range(5))
    jack.kill()
    output, errors = sender.communicate(timeout=60)
    listener.kill()
    assert sender.returncode == 0, errors
    assert output
