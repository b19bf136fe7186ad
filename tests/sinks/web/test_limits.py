"""Attacks on the server in small: many connections, slow ones, and ones that do not read."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import pytest
import websockets.sync.client as ws

from edmlive.sinks.web import feed as feeds
from edmlive.sinks.web import server
from edmlive.sinks.web.server import WebSink
from tests.sinks.web.conftest import HANDSHAKE, TOKEN, Serve, at, http

KNOWN = {"Authorization": f"Bearer {TOKEN}"}
UPGRADE_WITH_BODY = HANDSHAKE.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n")
EVENTS = f"GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()


@contextmanager
def crowd(sink: WebSink, count: int, request: bytes) -> Iterator[list[socket.socket]]:
    """Connections from clients with small buffers that have sent a request and read nothing."""
    with ExitStack() as stack:
        clients = []
        for _ in range(count):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
            client.settimeout(5)
            client.connect(("127.0.0.1", urlsplit(sink.url).port))
            client.sendall(request)
            clients.append(client)
        yield clients


def is_dropped(client: socket.socket, within: float = 5) -> bool:
    """Whether the server closes a connection, in good or bad grace."""
    client.settimeout(within)
    try:
        while client.recv(65_536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def answer(sink: WebSink, request: bytes) -> bytes:
    with crowd(sink, 1, request) as (client,):
        everything = b""
        while part := client.recv(65_536):
            everything += part
        return everything


def followers(sink: WebSink, **headers: str) -> int:
    text = http.get(f"{sink.url}metrics", headers=headers).text
    return int(float(re.findall("^edmlive_web_clients (.*)", text, re.M)[0]))


@pytest.fixture(params=["no token", "token"])
def small(request: pytest.FixtureRequest, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> WebSink:
    """A server with few places."""
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 8)
    sink: WebSink = request.getfixturevalue("locked" if request.param == "token" else "sink")
    return sink


@pytest.mark.parametrize(
    "request_",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: ",
        UPGRADE_WITH_BODY,
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n",
        b"GET /events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n",
    ],
    ids=["nothing", "half a head", "an upgrade without its body", "no body", "half a chunk"],
)
def test_slow_connections_keep_nobody_out(small: WebSink, request_: bytes) -> None:
    with crowd(small, 40, request_):
        assert http.get(f"{small.url}healthz", headers=KNOWN).status_code == 503  # no reading yet
        with ws.connect(f"{small.url.replace('http', 'ws')}ws", additional_headers=KNOWN) as client:
            small.write(at(1))
            assert client.recv(timeout=5)


def test_a_flood_does_not_push_out_those_who_follow(small: WebSink) -> None:
    follower = ws.connect(f"{small.url.replace('http', 'ws')}ws", additional_headers=KNOWN)
    with follower as client, crowd(small, 40, b"GET "), crowd(small, 40, UPGRADE_WITH_BODY):
        small.write(at(1))
        assert client.recv(timeout=5)


def a_long_night(sink: WebSink) -> None:
    for second in range(2000):
        sink.write(at(second, genre=f"{second % 2} {'x' * 1000}"))


def test_who_has_shown_the_token_keeps_the_place(locked: WebSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 8)
    a_long_night(locked)
    with crowd(locked, 1, EVENTS.replace(b"events", b"api/timeline")) as (reader,):
        everything = reader.recv(12)
        assert everything == b"HTTP/1.1 200"
        with crowd(locked, 40, b"GET "):
            while part := reader.recv(65_536):
                everything += part
    assert everything.endswith(b"]")


@pytest.mark.parametrize(
    "extra",
    [
        b"Content-Length: 5",
        b"Transfer-Encoding: chunked",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"\r\n".join(b"X-%d: y" % number for number in range(200)),
    ],
    ids=["length", "chunked", "both", "many headers"],
)
def test_a_socket_request_that_is_not_allowed_is_refused_at_once(sink: WebSink, extra: bytes) -> None:
    assert answer(sink, HANDSHAKE.replace(b"\r\n\r\n", b"\r\n" + extra + b"\r\n\r\n")).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("path", [b"/", b"/events", b"/healthz"])
@pytest.mark.parametrize(
    "body", [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"]
)
def test_a_request_with_a_body_is_refused(sink: WebSink, path: bytes, body: bytes) -> None:
    refused = answer(sink, b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n" + body)
    assert refused.startswith(b"HTTP/1.1 400")
    assert b"no request body" in refused


def test_an_empty_body_is_fine(sink: WebSink) -> None:
    assert http.get(f"{sink.url}app.js", headers={"Content-Length": "0"}).status_code == 200


def test_followers_that_read_nothing_lose_their_places(locked: WebSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "STUCK_SECONDS", 0.3)
    monkeypatch.setattr(feeds, "MOST_CLIENTS", 20)
    shake = HANDSHAKE.replace(b"\r\n\r\n", f"\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
    with crowd(locked, 10, EVENTS), crowd(locked, 10, shake):
        while followers(locked, **KNOWN) < 20:
            time.sleep(0.01)
        assert http.get(f"{locked.url}events", headers=KNOWN).status_code == 503
        for second in range(20):  # no more than in 20 s: small buffers must be full by then
            locked.write(at(second))
        deadline = time.monotonic() + 10
        while followers(locked, **KNOWN) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert followers(locked, **KNOWN) == 0


def test_an_answer_that_is_not_read_is_dropped_in_the_end(sink: WebSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "EXCHANGE_SECONDS", 0.5)
    a_long_night(sink)
    with crowd(sink, 1, b"GET /api/timeline HTTP/1.1\r\nHost: localhost\r\n\r\n") as (client,):
        time.sleep(1)
        received = 0
        while part := client.recv(65_536):
            received += len(part)
        assert received < 1_000_000  # of two million bytes


def test_head_of_events_has_no_follower(sink: WebSink) -> None:
    head = answer(sink, b"HEAD /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"text/event-stream" in head


def test_a_follower_stays_longer_than_an_exchange(sink: WebSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "EXCHANGE_SECONDS", 0.2)
    with ws.connect(f"{sink.url.replace('http', 'ws')}ws") as client:
        time.sleep(0.7)
        sink.write(at(1))
        assert client.recv(timeout=5)


def test_a_flood_of_pings_is_cut_off(sink: WebSink) -> None:
    ping = b"\x89\x84\x00\x00\x00\x00ping"
    with crowd(sink, 1, HANDSHAKE) as (client,), pytest.raises(ConnectionError):
        for _ in range(1000):
            client.sendall(ping * 100)
            time.sleep(0.001)


def test_a_message_in_a_thousand_pieces_is_cut_off(sink: WebSink) -> None:
    first, more = b"\x01\x80\x00\x00\x00\x00", b"\x00\x80\x00\x00\x00\x00"
    with crowd(sink, 1, HANDSHAKE + first) as (client,), pytest.raises(ConnectionError):
        for _ in range(1000):
            client.sendall(more * 100)
            time.sleep(0.001)


@pytest.mark.parametrize("path", [b"events", b"healthz", b"app.js"])
def test_what_follows_a_request_is_ignored(sink: WebSink, path: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    request = b"GET /%b HTTP/1.1\r\nHost: localhost\r\n\r\n" % path
    with crowd(sink, 1, request * 100) as (client,):
        assert client.recv(12) == b"HTTP/1.1 200" if path != b"healthz" else b"HTTP/1.1 503"
        try:
            for _ in range(20):
                client.sendall(b"nonsense\r\n\r\n" * 1000)
                time.sleep(0.005)
        except (ConnectionError, TimeoutError):
            pass
    sink.write(at(1))
    assert http.get(f"{sink.url}api/state").status_code == 200
    assert capfd.readouterr() == ("", "")


def test_http_1_0(sink: WebSink) -> None:
    assert answer(sink, b"GET /app.js HTTP/1.0\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert answer(sink, b"GET /app.js HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 421")
    assert answer(sink, b"GET /app.js HTTP/0.9\r\n\r\n").startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize("headers", [b"X: y\r\n" * 10_000, b"X: " + b"y" * 70_000 + b"\r\n", b"X" * 70_000])
def test_a_head_that_is_too_large_is_refused(sink: WebSink, headers: bytes) -> None:
    with crowd(sink, 1, b"GET / HTTP/1.1\r\nHost: localhost\r\n") as (client,):
        try:
            client.sendall(headers)
        except ConnectionError:
            return
        assert is_dropped(client)


def test_unencodable_names_break_no_address(sink: WebSink) -> None:
    sink.write(at(1, genre='Köln\ud800\n"', model="caf\udce9.onnx"))
    for path in ("api/state", "api/timeline", "metrics"):
        assert http.get(f"{sink.url}{path}").status_code == 200, path
