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
from edmlive.sinks.web.security import Guard

MOST_CONNECTIONS = 512
REQUEST_SECONDS = 10.0
STUCK_SECONDS = 30.0
CLOSE_SECONDS = 0.9
LARGEST_REQUEST = 16_384
LARGEST_MESSAGE = 1024


class _Limited(asyncio.Protocol):
    """Drops a client that does not read what it is sent. Uvicorn would wait for as long as the connection stands."""

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    _stuck: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stuck = self.loop.call_later(STUCK_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stuck is not None:
            self._stuck.cancel()


class _Http(_Limited, H11Protocol):
    """Limits the number of connections, and the time that one may take to send a request.

    Uvicorn's `limit_concurrency` accepts any number of connections and only refuses their requests, and its
    `timeout_keep_alive` starts after the first response.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
        else:
            self.loop.call_later(REQUEST_SECONDS, self._drop_if_silent)

    def _drop_if_silent(self) -> None:
        if self.scope is None:
            self.transport.abort()


class _WebSocket(_Limited, WebSocketsSansIOProtocol):
    """Drops a client that does not answer pings. Uvicorn would wait until it has received a last message."""

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
