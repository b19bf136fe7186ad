"""The sink that serves the web page, with a thread and an event loop of its own."""

import asyncio
import socket
import threading
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from edmlive.errors import SinkError
from edmlive.realtime.reading import Reading
from edmlive.sinks.web.address import Address, listen, read_token
from edmlive.sinks.web.app import create_app
from edmlive.sinks.web.feed import Feed
from edmlive.sinks.web.metrics import Metrics
from edmlive.sinks.web.security import Guard, Place

MOST_CONNECTIONS = 512
REQUEST_SECONDS = 10.0
EXCHANGE_SECONDS = 30.0
STUCK_SECONDS = 30.0
CLOSE_SECONDS = 0.9
LARGEST_REQUEST = 16_384
LARGEST_MESSAGE = 1024
BYTES_PER_SECOND = 1024
"""How much a WebSocket client may send; only pongs and one closing frame are expected."""
UNSENT_BYTES = 4096
"""How much waits in the kernel for a client that does not read, who would else be noticed only after megabytes."""


class _Limited(asyncio.Protocol):
    """Drops a client that does not read what it is sent. Uvicorn would wait for as long as the connection stands."""

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    app_state: dict[str, Any]
    _stuck: asyncio.TimerHandle | None = None

    @property
    def place(self) -> Place:
        place: Place = self.app_state["place"]
        return place

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stuck = self.loop.call_later(STUCK_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stuck is not None:
            self._stuck.cancel()


class _Http(_Limited, H11Protocol):
    """Limits the number of connections, and the time that one may take to send a request and receive the answer.

    When all places are taken, a new connection gets that of the oldest one that has not shown the token, or else of
    the oldest that is not following readings: slow connections lose their places, prompt ones are answered.

    Uvicorn's `limit_concurrency` accepts any number of connections and only refuses their requests, and its
    `timeout_keep_alive` starts after the first response.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        place = Place(self.loop.time())
        self.app_state = {"place": place}
        super().connection_made(transport)
        # A byte that cannot be passed on at once pauses writing, which starts the clock of `STUCK_SECONDS`.
        transport.set_write_buffer_limits(0)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        # These refer to no protocol, which would otherwise outlive its connection.
        self.loop.call_later(REQUEST_SECONDS, _drop_unless_asked, transport, place)
        self.loop.call_later(EXCHANGE_SECONDS, _drop_unless_following, self.loop, transport, place)
        if len(self.connections) > MOST_CONNECTIONS:
            self._make_room()

    def _make_room(self) -> None:
        connections: set[Any] = self.connections
        others = [one for one in connections if one is not self and not one.place.following]
        oldest = min(others, key=lambda one: (one.place.trusted, one.place.since), default=self)
        connections.discard(oldest)  # many may connect before the event loop reports this one lost
        oldest.transport.abort()


def _drop_unless_asked(transport: asyncio.Transport, place: Place) -> None:
    if not place.asked:
        transport.abort()


def _drop_unless_following(loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, place: Place) -> None:
    if place.following:
        loop.call_later(EXCHANGE_SECONDS, _drop_unless_following, loop, transport, place)
    else:
        transport.abort()


class _WebSocket(_Limited, WebSocketsSansIOProtocol):
    """Drops a client that does not answer pings, sends too much, or asks for a WebSocket in a way that is not allowed.

    Uvicorn would wait until it has received a last message, answer any number of pings, and wait for the rest of a
    request whose head `websockets` has refused.
    """

    _received = 0

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > LARGEST_REQUEST + BYTES_PER_SECOND * (self.loop.time() - self.place.since):
            self.transport.abort()
            return
        super().data_received(data)
        if not self.handshake_initiated:  # the first call brings a complete head
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections.add(self)  # which Uvicorn removes, though `_make_room` may have done so
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        self.transport.abort()


class WebSink:
    """Serves readings as a page, a WebSocket, Server-Sent Events and metrics.

    Parameters
    ----------
    address
        Where to serve it, as ``HOST:PORT``.
    provider
        What runs the model, for the metrics.

    Attributes
    ----------
    url
        Address of the page for a browser on this computer.

    Raises
    ------
    SinkError
        The address is not valid or not available, or other computers could reach it and there is no token.
    """

    def __init__(self, address: str, provider: str = "") -> None:
        parsed = Address.parse(address)
        token = read_token()
        listener = listen(parsed, has_token=token is not None)
        self.url = _url(parsed, listener)
        self._feed = Feed()
        self._metrics = Metrics(self._feed, provider)
        self._server = uvicorn.Server(
            uvicorn.Config(
                Guard(create_app(self._feed, self._metrics), parsed.host, token),
                http=_Http,
                ws=_WebSocket,
                ws_max_size=LARGEST_MESSAGE,
                ws_per_message_deflate=False,
                h11_max_incomplete_event_size=LARGEST_REQUEST,
                lifespan="off",
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=0,
                # A requested URL may contain the token, and the terminal shows the panel.
                log_config=None,
                log_level="critical",
                access_log=False,
            )
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, args=[listener], name="web-server", daemon=True)
        self._thread.start()

    def write(self, reading: Reading) -> None:
        """Pass a reading on to the server."""
        json = reading.to_json().encode(errors="backslashreplace").decode()
        self._call(self._publish, reading, json)

    def close(self) -> None:
        """Stop the server within `CLOSE_SECONDS`, whoever is connected."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._call(self._feed.close)
            self._thread.join(CLOSE_SECONDS)

    def _call(self, function: Any, *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            raise SinkError("The web page's server has stopped.") from None

    def _publish(self, reading: Reading, json: str) -> None:
        self._feed.publish(reading, json)
        self._metrics.observe(reading)

    def _serve(self, listener: socket.socket) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._server.serve(sockets=[listener]))
            for connection in list(self._server.server_state.connections):
                connection.transport.abort()


def _url(parsed: Address, listener: socket.socket) -> str:
    name = socket.gethostname() if parsed.host in ("0.0.0.0", "::") else parsed.host
    return f"http://{Address(name, listener.getsockname()[1])}/"
