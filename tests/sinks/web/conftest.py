"""A server on a free port, closed when its test ends."""

import datetime
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from edmlive.realtime.reading import Reading
from tests.realtime.readings import reading, waiting

pytest.importorskip("uvicorn", reason="the extra 'web' is not installed")
from edmlive.sinks.web.address import TOKEN_FILE_VARIABLE, TOKEN_VARIABLE
from edmlive.sinks.web.server import WebSink


class http:  # noqa: N801 - stands for the module
    """httpx without the half second that it takes to read the certificates of all authorities."""

    get = partial(httpx.get, verify=False, trust_env=False)
    head = partial(httpx.head, verify=False, trust_env=False)
    stream = partial(httpx.stream, verify=False, trust_env=False)


EVENING = datetime.datetime(2026, 11, 22, 22, 0, tzinfo=datetime.UTC)
TOKEN = "a-token-of-some-length-1234"
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)

Serve = Callable[..., WebSink]


def at(seconds: float, **fields: Any) -> Reading:
    """A reading of the evening; one without a genre unless the state is listening or unsure."""
    clock = (EVENING + datetime.timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    heard = fields.get("state") in (None, "listening", "unsure")
    return (reading if heard else waiting)(seconds, clock=clock, **fields)


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    monkeypatch.delenv(TOKEN_FILE_VARIABLE, raising=False)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server; on any free port of the loopback address unless told otherwise."""
    sinks = []

    def start(address: str = "127.0.0.1:0", provider: str = "CPUExecutionProvider") -> WebSink:
        sinks.append(WebSink(address, provider))
        return sinks[-1]

    yield start
    for sink in sinks:
        sink.close()


@pytest.fixture
def sink(serve: Serve) -> WebSink:
    return serve()


@pytest.fixture
def locked(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> WebSink:
    """A server that asks for `TOKEN`."""
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    return serve()
