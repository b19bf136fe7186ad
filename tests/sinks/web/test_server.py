import asyncio
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
import websockets.sync.client as ws
from websockets.exceptions import ConnectionClosed, InvalidStatus

from edmlive.errors import SinkError
from edmlive.realtime.reading import State
from edmlive.sinks.jsonl import JsonLines
from edmlive.sinks.web import feed as feeds
from edmlive.sinks.web.server import WebSink
from edmlive.sources.health import Liveness
from tests.conftest import ROOT
from tests.sinks.web.conftest import HANDSHAKE, Serve, at, http


def address(sink: WebSink) -> str:
    return urlsplit(sink.url).netloc


def connect(sink: WebSink) -> ws.ClientConnection:
    return ws.connect(f"ws://{address(sink)}/ws")


def events(answer: httpx.Response) -> Iterator[str]:
    waiting = b""
    for part in answer.iter_bytes():  # iter_lines would also end a line at U+2028, which is none here
        *complete, waiting = (waiting + part).split(b"\n\n")
        yield from (event.decode().removeprefix("data: ") for event in complete if event.startswith(b"data: "))


def test_socket_and_events_send_the_same_json(sink: WebSink, tmp_path: Path) -> None:
    readings = [
        at(1, state=State.WARMING_UP),
        at(2, genre="Drum & Bass", notices=("The input is clipping.",)),
        at(3, genre="Köln\u2028\ud800", state=State.UNSURE),
        at(4, state=State.NO_INPUT, liveness=Liveness.STALLED, level_dbfs=-120.0),
    ]
    file = JsonLines(str(tmp_path / "readings.jsonl"))
    with connect(sink) as client, http.stream("GET", f"{sink.url}events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        while "edmlive_web_clients 2.0" not in http.get(f"{sink.url}metrics").text:
            pass
        for reading in readings:
            sink.write(reading)
            file.write(reading)
        lines = (tmp_path / "readings.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
        assert [client.recv(timeout=5) for _ in readings] == lines
        received = events(stream)
        assert [next(received) for _ in readings] == lines
    assert http.get(f"{sink.url}api/state").text == lines[-1]


def test_there_is_no_state_before_the_first_reading(sink: WebSink) -> None:
    assert http.get(f"{sink.url}api/state").status_code == 503
    assert http.get(f"{sink.url}api/timeline").json() == []
    health = http.get(f"{sink.url}healthz")
    assert (health.status_code, health.text) == (503, "There is no reading yet.\n")


def test_health(sink: WebSink) -> None:
    sink.write(at(1))
    assert http.get(f"{sink.url}healthz").status_code == 200
    sink.write(at(2, state=State.NO_INPUT, liveness=Liveness.RECOVERING))
    health = http.get(f"{sink.url}healthz")
    assert (health.status_code, health.text) == (503, "The input is recovering.\n")
    sink.write(at(3))
    assert http.get(f"{sink.url}healthz").status_code == 200


def test_a_page_opened_late_gets_the_night_so_far(sink: WebSink) -> None:
    for second in range(60):
        sink.write(at(second, genre="Techno" if second < 40 else "House"))
    segments = http.get(f"{sink.url}api/timeline").json()
    assert [(segment["genre"], segment["start"][14:19], segment["end"][14:19]) for segment in segments] == [
        ("Techno", "00:00", "00:39"),
        ("House", "00:39", "00:59"),
    ]


@pytest.mark.parametrize("path", ["", "app.js", "style.css", "icon.svg"])
def test_the_page_asks_for_nothing_from_elsewhere(sink: WebSink, path: str) -> None:
    answer = http.get(f"{sink.url}{path}")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)|<script>|<style>| on\w+=| style=", answer.text) == []


def test_head_has_no_body_and_holds_nothing(sink: WebSink) -> None:
    for path in ("", "events", "metrics", "healthz"):
        answer = http.head(f"{sink.url}{path}")
        assert answer.content == b""
    assert "edmlive_web_clients 0.0" in http.get(f"{sink.url}metrics").text


def test_a_client_that_sends_is_disconnected(sink: WebSink) -> None:
    with connect(sink) as client:
        client.send("set genre to polka")
        with pytest.raises(ConnectionClosed, match="1008"):
            client.recv(timeout=5)
    with connect(sink) as client:
        client.send("x" * 10_000)
        with pytest.raises(ConnectionClosed, match="1009"):
            client.recv(timeout=5)


def test_one_client_too_many(sink: WebSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MOST_CLIENTS", 3)
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(sink)) for _ in range(3)]
        with pytest.raises(InvalidStatus) as caught:
            connect(sink)
        assert caught.value.response.status_code == 503
        assert b"try again later" in caught.value.response.body
        answer = http.get(f"{sink.url}events")
        assert answer.status_code == 503
        assert "try again later" in answer.text
        sink.write(at(1))
        assert all(json.loads(client.recv(timeout=5))["genre"] == "Techno" for client in clients)


def test_writing_to_a_closed_sink_fails(serve: Serve) -> None:
    sink = serve()
    sink.close()
    with pytest.raises(SinkError, match="stopped"):
        sink.write(at(1))


def test_a_port_that_is_taken_is_refused_and_leaves_no_thread(sink: WebSink) -> None:
    with pytest.raises(SinkError, match="in use"):
        WebSink(address(sink))
    assert [thread.name for thread in threading.enumerate()].count("web-server") == 1


def test_connections_are_limited(sink: WebSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edmlive.sinks.web.server.MOST_CONNECTIONS", 2)
    place = ("127.0.0.1", urlsplit(sink.url).port)
    with ExitStack() as stack:
        oldest, *_ = [stack.enter_context(socket.create_connection(place, timeout=5)) for _ in range(3)]
        with suppress(ConnectionResetError):
            assert oldest.recv(1) == b""


def test_a_connection_that_asks_nothing_is_dropped(sink: WebSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edmlive.sinks.web.server.REQUEST_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", urlsplit(sink.url).port), timeout=5) as silent:
        silent.sendall(b"GET / HTTP/1.1\r\nHost: ")
        with suppress(ConnectionResetError):
            assert silent.recv(1) == b""


def test_a_client_that_does_not_read_is_dropped(sink: WebSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edmlive.sinks.web.server.STUCK_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", urlsplit(sink.url).port), timeout=5) as idle:
        idle.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        large = at(1, notices=("x" * 1_000_000,))
        deadline = time.monotonic() + 20
        clients = ""
        while clients != "edmlive_web_clients 0.0" and time.monotonic() < deadline:
            sink.write(large)
            time.sleep(0.05)
            clients = re.findall("^edmlive_web_clients .*", http.get(f"{sink.url}metrics").text, re.M)[0]
        assert clients == "edmlive_web_clients 0.0"


READINGS = 400
FLOOD = f"""if True:
    import sys, time
    from edmlive.sinks.web.server import WebSink
    from tests.sinks.web.conftest import at

    sink = WebSink("127.0.0.1:0")
    print(sink.url, flush=True)
    sys.stdin.readline()
    for number in range({READINGS}):
        sink.write(at(number, notices=("x" * 20_000,)))
        time.sleep(0.04)
    sys.stdin.readline()
    sink.close()
"""


@pytest.fixture
def flood() -> Iterator[subprocess.Popen[str]]:
    """A process that, once told to, serves `READINGS` large readings in 16 s."""
    with subprocess.Popen(
        [sys.executable, "-c", FLOOD], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


async def read(reader: asyncio.StreamReader, numbers: list[int]) -> None:
    """Note the number of each reading that comes, up to the last."""
    recent = b""
    while READINGS - 1 not in numbers[-1:]:
        part = await reader.read(1 << 20)
        assert part, f"cut off after {numbers[-1:]}"
        recent = recent[-40:] + part
        found = [int(number) for number in re.findall(rb'"time": ([0-9]+), ', recent)]
        numbers.extend(number for number in found if number not in numbers[-2:])


def test_fifty_clients_of_which_ten_never_read(flood: subprocess.Popen[str]) -> None:
    assert flood.stdout is not None
    assert flood.stdin is not None
    url = flood.stdout.readline().strip()
    port = urlsplit(url).port

    def deaf() -> socket.socket:
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.connect(("127.0.0.1", port))
        one.sendall(HANDSHAKE)
        return one

    async def everyone() -> list[int]:
        readings, writers = [], []
        for numbers in heard:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HANDSHAKE)
            writers.append(writer)  # one that is forgotten is closed
            readings.append(asyncio.create_task(read(reader, numbers)))
        while "edmlive_web_clients 50.0" not in http.get(f"{url}metrics").text:
            await asyncio.sleep(0.1)
        flood.stdin.write("go\n")
        flood.stdin.flush()
        everything = asyncio.gather(*readings)
        process, memory = psutil.Process(flood.pid), []
        while not everything.done():
            await asyncio.sleep(0.25)
            memory.append(process.memory_info().rss)
        await everything
        return memory

    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(deaf())
        heard: list[list[int]] = [[] for _ in range(40)]
        memory = asyncio.run(asyncio.wait_for(everyone(), 60))
        metrics = http.get(f"{url}metrics").text
    dropped = float(re.findall(r"^edmlive_web_messages_dropped_total (.*)", metrics, re.M)[0])
    settled = memory[len(memory) // 3]
    print(f"{settled / 1e6:.1f} MB, then {memory[-1] / 1e6:.1f} MB; {dropped:.0f} dropped")
    assert [numbers for numbers in heard if numbers != list(range(READINGS))] == []
    assert dropped > 100
    assert memory[-1] - settled < 4e6
