import asyncio
import random
import socket
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import pytest
import websockets.sync.client as ws
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from edmlive.sinks.web.security import COOKIE
from edmlive.sinks.web.server import WebSink
from tests.sinks.web.conftest import HANDSHAKE, TOKEN, Serve, at, http

PATHS = ("", "app.js", "events", "api/state", "api/timeline", "healthz", "metrics", "nothing-here")


def refusal(sink: WebSink, **headers: str) -> int:
    """The status with which a WebSocket is refused."""
    with pytest.raises(InvalidStatus) as caught:
        ws.connect(f"{sink.url.replace('http', 'ws')}ws", additional_headers=headers)
    return caught.value.response.status_code


def raw(sink: WebSink, request: bytes) -> bytes:
    """All of the answer to a request as it stands."""
    with socket.create_connection(("127.0.0.1", urlsplit(sink.url).port), timeout=5) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
        return answer


def status(sink: WebSink, request: bytes) -> int:
    return int(raw(sink, request).split(b" ", 2)[1])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.0.2.1", "", "[", "a@localhost@b"]
)
def test_a_foreign_host_is_refused(sink: WebSink, path: str, host: str) -> None:
    assert status(sink, f"GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()) == 421


def test_a_foreign_host_has_no_socket(sink: WebSink) -> None:
    upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n"
    request = f"GET /ws HTTP/1.1\r\nHost: evil.example\r\n{upgrade.format('A' * 22 + '==')}\r\n"
    assert status(sink, request.encode()) == 421


def test_own_names_are_answered(sink: WebSink) -> None:
    port = urlsplit(sink.url).port
    name = socket.gethostname()
    for host in ("localhost", f"LOCALHOST:{port}", f"127.0.0.1:{port}", "127.0.0.1:9", name, f"{name}.local:{port}"):
        assert http.get(sink.url, headers={"Host": host}).status_code == 200, host


def test_the_name_it_was_asked_to_serve_on_is_answered(serve: Serve) -> None:
    sink = serve("localhost:0")
    assert http.get(sink.url).status_code == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "", "http://127.0.0.1", "http://127.0.0.1:1", "file://", "http://localhost.evil"],
)
def test_a_foreign_origin_is_refused(sink: WebSink, path: str, origin: str) -> None:
    assert http.get(f"{sink.url}{path}", headers={"Origin": origin}).status_code == 403
    if not path:
        assert refusal(sink, Origin=origin) == 403


def test_the_own_origin_is_answered(sink: WebSink) -> None:
    origin = sink.url.rstrip("/")
    sink.write(at(1))
    assert http.get(f"{sink.url}api/state", headers={"Origin": origin}).status_code == 200
    with ws.connect(f"{sink.url.replace('http', 'ws')}ws", origin=Origin(origin)) as client:
        assert client.recv(timeout=5)


@pytest.mark.parametrize("name", ["Host", "Origin", "Authorization", "Cookie"])
@pytest.mark.parametrize("start", ["GET / HTTP/1.1\r\n", HANDSHAKE.decode().removesuffix("\r\n")])
def test_a_header_that_decides_is_sent_once(locked: WebSink, name: str, start: str) -> None:
    host = urlsplit(locked.url).netloc
    own = {"Host": host, "Origin": f"http://{host}", "Authorization": f"Bearer {TOKEN}", "Cookie": f"{COOKIE}={TOKEN}"}
    foreign = {"Host": "evil.example", "Origin": "http://evil.example", "Authorization": "Bearer x", "Cookie": "x=y"}
    lines = [f"{key}: {value}\r\n" for key, value in own.items()]
    start = start.replace("Host: localhost\r\n", "")
    for extra in (own, foreign):
        again = f"{name}: {extra[name]}\r\n"
        assert status(locked, f"{start}{''.join(lines)}{again}\r\n".encode()) == 400
        assert status(locked, f"{start}{again}{''.join(lines)}\r\n".encode()) == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"])
@pytest.mark.parametrize("path", PATHS)
def test_nothing_can_be_changed(sink: WebSink, method: str, path: str) -> None:
    assert status(sink, f"{method} /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()) == 405


@pytest.mark.parametrize(
    "path",
    [
        "/../app.py",
        "/static/../app.py",
        "/%2e%2e/app.py",
        "/..%2fapp.py",
        "/%252e%252e/app.py",
        "//etc/passwd",
        "/./app.js",
        "/app.js/",
        "/app.js%00.css",
        "/\\..\\app.py",
        "/static/app.js",
        "/%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "http://127.0.0.1/etc/passwd",
        "file:///etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_page(sink: WebSink, path: str) -> None:
    answer = raw(sink, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert answer.split(b" ", 2)[1] in (b"404", b"400")
    assert b"root:" not in answer
    assert b"import " not in answer


def test_every_answer_is_guarded(sink: WebSink) -> None:
    for path in PATHS:
        headers = http.head(f"{sink.url}{path}").headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "server" not in headers
        assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_served_without_the_token(locked: WebSink, path: str) -> None:
    url = f"{locked.url}{path}"
    assert http.get(url).status_code == 401
    for wrong in ("x", TOKEN[:-1], TOKEN + "x", TOKEN.upper()):
        assert http.get(url, headers={"Authorization": f"Bearer {wrong}"}).status_code == 401
        assert http.get(url, params={"token": wrong}).status_code == 401
        assert http.get(url, headers={"Cookie": f"{COOKIE}={wrong}"}).status_code == 401
    assert http.get(url, headers={"Authorization": f"Basic {TOKEN}"}).status_code == 401
    assert http.get(url, headers={b"Authorization": b"Bearer \xff\xfe"}).status_code == 401
    assert refusal(locked) == 401


def test_the_token_as_a_header(locked: WebSink) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    locked.write(at(1))
    assert http.get(f"{locked.url}api/state", headers=headers).json()["genre"] == "Techno"
    with ws.connect(f"{locked.url.replace('http', 'ws')}ws", additional_headers=headers) as client:
        assert client.recv(timeout=5)


def test_the_token_in_the_address_is_exchanged_for_a_cookie(locked: WebSink) -> None:
    with httpx.Client(verify=False) as browser:
        answer = browser.get(locked.url, params={"token": TOKEN})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert TOKEN not in answer.text
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert browser.get(locked.url).status_code == 200
        assert browser.get(f"{locked.url}healthz").status_code == 503
    with ws.connect(f"{locked.url.replace('http', 'ws')}ws", additional_headers={"Cookie": f"{COOKIE}={TOKEN}"}):
        pass


def test_the_token_does_not_open_to_foreign_pages(locked: WebSink) -> None:
    known = {"Authorization": f"Bearer {TOKEN}"}
    assert http.get(locked.url, headers=known | {"Origin": "http://evil.example"}).status_code == 403
    assert http.get(locked.url, headers=known | {"Host": "evil.example"}).status_code == 421


def test_tokens_are_compared_in_constant_time(locked: WebSink, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return a == b

    monkeypatch.setattr("edmlive.sinks.web.security.secrets.compare_digest", compare)
    assert http.get(locked.url, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert http.get(locked.url, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert compared == [(b"wrong", TOKEN.encode()), (TOKEN.encode(), TOKEN.encode())]


def test_nothing_is_written_about_requests(
    locked: WebSink, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    http.get(locked.url, params={"token": TOKEN})
    http.get(f"{locked.url}nothing", headers={"Authorization": f"Bearer {TOKEN}"})
    with ws.connect(
        f"{locked.url.replace('http', 'ws')}ws?token={TOKEN}", additional_headers={"Authorization": f"Bearer {TOKEN}"}
    ):
        pass
    raw(locked, f"GET /?token={TOKEN} nonsense\r\n\r\n".encode())
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []


HTTP_PARTS: tuple[bytes, ...] = (b"GET ", b"/ ", b"HTTP/1.1", b"\r\n", b"\r\n\r\n")
HTTP_PARTS += (b"Host: localhost\r\n", b"Content-Length: -1\r\n")
HTTP_PARTS += (b"Transfer-Encoding: chunked\r\n", b"ffffffffff\r\n", b"\x00", b"\xff\xfe", b"%", b":", b"A" * 20_000)
HTTP_PARTS += (
    b"Upgrade: websocket\r\n",
    b"Connection: Upgrade\r\n",
    b"Cookie: =;;=\r\n",
    b"Origin: \xff\r\n",
    b"/?token=",
)


def broken_http(chance: random.Random) -> bytes:
    return b"".join(chance.choices(HTTP_PARTS, k=chance.randint(1, 8)))


def broken_frame(chance: random.Random) -> bytes:
    return HANDSHAKE + chance.randbytes(chance.randint(1, 200))


def test_ten_thousand_broken_messages_break_nothing(sink: WebSink, capfd: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(5)
    port = urlsplit(sink.url).port

    async def send(kind: Callable[[random.Random], bytes], count: int) -> None:
        for _ in range(count):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(kind(chance))
            writer.write_eof()
            with suppress(ConnectionError):
                await reader.read(1)
            writer.transport.abort()

    async def everything() -> None:
        await asyncio.gather(
            *(send(broken_http, 350) for _ in range(20)), *(send(broken_frame, 150) for _ in range(20))
        )

    sink.write(at(1))
    asyncio.run(everything())
    assert http.get(f"{sink.url}api/state").json()["genre"] == "Techno"
    with ws.connect(f"{sink.url.replace('http', 'ws')}ws") as client:
        assert "edmlive_web_clients 1.0" in http.get(f"{sink.url}metrics").text
        sink.write(at(2, genre="House"))
        while '"House"' not in client.recv(timeout=5):
            pass
    assert capfd.readouterr() == ("", "")
