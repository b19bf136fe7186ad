"""OSC as another process hears it."""

import json
import statistics
import subprocess
import sys
import time

import pytest

from edmlive.sinks.osc import OscSender
from edmlive.sinks.sink_thread import SinkThread
from tests.realtime.readings import reading

pytestmark = pytest.mark.e2e

COUNT = 200
RECEIVER = """
import json, sys, time
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import BlockingOSCUDPServer

def note(address, *values):
    print(json.dumps([time.monotonic(), address, *values]), flush=True)

dispatcher = Dispatcher()
for name in ("genre", "bpm", "state"):
    dispatcher.map(f"/edmlive/{name}", note)
server = BlockingOSCUDPServer(("127.0.0.1", 0), dispatcher)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


def test_another_process_gets_every_reading_in_time() -> None:
    receiver = subprocess.Popen([sys.executable, "-c", RECEIVER], stdout=subprocess.PIPE, text=True)
    assert receiver.stdout is not None
    try:
        port = int(receiver.stdout.readline())
        thread = SinkThread(OscSender(f"localhost:{port}"), live=True)
        sent: dict[float, float] = {}
        for number in range(1, COUNT + 1):
            sent[float(number)] = time.monotonic()
            thread.send(reading(bpm=float(number)))
            time.sleep(0.05)
        thread.close()
        heard: dict[float, float] = {}
        genres = 0
        for line in receiver.stdout:
            at, address, value, *_ = json.loads(line)
            if address == "/edmlive/bpm" and value in sent:
                heard[value] = at
            elif address == "/edmlive/genre" and value == "Techno":
                genres += 1
            elif address == "/edmlive/state" and value == "stopped":
                break
    finally:
        receiver.kill()
        receiver.wait()
    assert thread.failure is None
    assert list(heard) == list(sent)
    assert genres == COUNT
    milliseconds = sorted(1000 * (heard[number] - sent[number]) for number in sent)
    median, p95 = statistics.median(milliseconds), milliseconds[int(0.95 * COUNT)]
    print(f"{len(heard)} of {COUNT} readings, latency {median:.2f} ms median, {p95:.2f} ms p95")
    assert median < 100
    assert p95 < 1000
