"""The web application: the page, readings as they come, the timeline, health and metrics."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from importlib import resources

from prometheus_client import CONTENT_TYPE_LATEST
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.status import WS_1001_GOING_AWAY, WS_1008_POLICY_VIOLATION
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from edmlive.sinks.web.feed import Client, Feed, TooManyClientsError
from edmlive.sinks.web.metrics import Metrics

_PAGES = {
    "/": ("index.html", "text/html"),
    "/app.js": ("app.js", "text/javascript"),
    "/style.css": ("style.css", "text/css"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_TOO_MANY_CLIENTS = "Too many clients are connected: try again later.\n"
_RETRY_MILLISECONDS = 1000


class ReadingSocket:
    """Readings over a WebSocket, one message each, for clients that send nothing.

    Parameters
    ----------
    feed
        Where readings come from.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send readings until the client leaves or sends something, or the feed ends."""
        socket = WebSocket(scope, receive, send)
        try:
            with self._feed.connect() as client, _following(scope):
                await socket.accept()
                await self._serve(socket, client)
        except TooManyClientsError:
            await socket.send_denial_response(PlainTextResponse(_TOO_MANY_CLIENTS, 503))

    @staticmethod
    async def _serve(socket: WebSocket, client: Client) -> None:
        async def send_messages() -> None:
            async for message in client.messages():
                await socket.send_text(message)

        sending, receiving = asyncio.create_task(send_messages()), asyncio.create_task(socket.receive())
        try:
            await asyncio.wait((sending, receiving), return_when=asyncio.FIRST_COMPLETED)
            if receiving.done() and receiving.result()["type"] == "websocket.receive":
                await socket.close(WS_1008_POLICY_VIOLATION, "This socket is read-only.")
            elif sending.done() and sending.exception() is None:
                await socket.close(WS_1001_GOING_AWAY)
        finally:
            sending.cancel()
            receiving.cancel()
            await asyncio.gather(sending, receiving, return_exceptions=True)


class ReadingEvents:
    """Readings as Server-Sent Events, one event each.

    Parameters
    ----------
    feed
        Where readings come from.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send readings until the client leaves or the feed ends."""
        if scope["method"] == "HEAD":
            await Response(media_type="text/event-stream")(scope, receive, send)
            return
        try:
            with self._feed.connect() as client, _following(scope):
                # No pings: readings come more often. Clients that do not read are dropped by the server.
                await EventSourceResponse(self._events(client), ping=0, sep="\n")(scope, receive, send)
        except TooManyClientsError:
            await PlainTextResponse(_TOO_MANY_CLIENTS, 503)(scope, receive, send)

    @staticmethod
    async def _events(client: Client) -> AsyncIterator[ServerSentEvent]:
        yield ServerSentEvent(retry=_RETRY_MILLISECONDS, sep="\n")
        async for message in client.messages():
            yield ServerSentEvent(message, sep="\n")


@contextmanager
def _following(scope: Scope) -> Iterator[None]:
    scope["state"]["place"].following = True
    try:
        yield
    finally:
        scope["state"]["place"].following = False


def create_app(feed: Feed, metrics: Metrics) -> Starlette:
    """Return the application.

    Parameters
    ----------
    feed
        Where readings come from.
    metrics
        What monitoring reads.
    """

    async def state(request: Request) -> Response:
        if feed.newest is None:
            return PlainTextResponse("There is no reading yet.\n", 503)
        return Response(feed.newest_json, media_type="application/json")

    async def timeline(request: Request) -> Response:
        # A model's genres may hold what UTF-8 cannot express; JSON can.
        text = json.dumps(feed.timeline.to_json(), ensure_ascii=False, separators=(",", ":"))
        return Response(text.encode(errors="backslashreplace"), media_type="application/json")

    async def health(request: Request) -> Response:
        reason = feed.unhealthy_reason
        return PlainTextResponse(f"{reason or 'healthy'}\n", 503 if reason else 200)

    async def numbers(request: Request) -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    routes: list[BaseRoute] = [_page(path, name, kind) for path, (name, kind) in _PAGES.items()]
    routes += [
        WebSocketRoute("/ws", ReadingSocket(feed)),
        Route("/events", ReadingEvents(feed)),
        Route("/api/state", state),
        Route("/api/timeline", timeline),
        Route("/healthz", health),
        Route("/metrics", numbers),
    ]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    return app


def _page(path: str, name: str, kind: str) -> Route:
    content = resources.files("edmlive.sinks.web").joinpath("static", name).read_bytes()

    async def page(request: Request) -> Response:
        return Response(content, media_type=kind)

    return Route(path, page)
