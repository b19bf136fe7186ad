"""What can be asked for: the page, the readings as they come, and how the night goes."""

import asyncio
from collections.abc import AsyncIterator
from importlib import resources

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.status import WS_1001_GOING_AWAY, WS_1008_POLICY_VIOLATION
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from edmlive.sinks.web.feed import Client, CrowdedError, Feed
from edmlive.sinks.web.metrics import Metrics

_PAGES = {
    "/": ("index.html", "text/html"),
    "/app.js": ("app.js", "text/javascript"),
    "/style.css": ("style.css", "text/css"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_CROWDED = "As many follow as may: try again later.\n"
_RETRY_MILLISECONDS = 1000


class Socket:
    """Readings by WebSocket, a message each, to clients that send nothing.

    Parameters
    ----------
    feed
        Where readings come from.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send readings until the client goes or speaks, or the feed ends."""
        socket = WebSocket(scope, receive, send)
        try:
            with self._feed.follow() as client:
                await socket.accept()
                await self._serve(socket, client)
        except CrowdedError:
            await socket.send_denial_response(PlainTextResponse(_CROWDED, 503))

    @staticmethod
    async def _serve(socket: WebSocket, client: Client) -> None:
        async def pass_on() -> None:
            async for message in client.messages():
                await socket.send_text(message)

        sending, hearing = asyncio.create_task(pass_on()), asyncio.create_task(socket.receive())
        try:
            await asyncio.wait((sending, hearing), return_when=asyncio.FIRST_COMPLETED)
            if hearing.done() and hearing.result()["type"] == "websocket.receive":
                await socket.close(WS_1008_POLICY_VIOLATION, "This only tells, and takes nothing.")
            elif sending.done() and sending.exception() is None:
                await socket.close(WS_1001_GOING_AWAY)
        finally:
            sending.cancel()
            hearing.cancel()
            await asyncio.gather(sending, hearing, return_exceptions=True)


class Events:
    """Readings as Server-Sent Events, one event each.

    Parameters
    ----------
    feed
        Where readings come from.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send readings until the client goes or the feed ends."""
        try:
            with self._feed.follow() as client:
                body = self._body(client) if scope["method"] == "GET" else ()
                await StreamingResponse(body, media_type="text/event-stream")(scope, receive, send)
        except CrowdedError:
            await PlainTextResponse(_CROWDED, 503)(scope, receive, send)

    @staticmethod
    async def _body(client: Client) -> AsyncIterator[str]:
        yield f"retry: {_RETRY_MILLISECONDS}\n\n"
        async for message in client.messages():
            yield f"data: {message}\n\n"


def create_app(feed: Feed, metrics: Metrics) -> Starlette:
    """Return the application.

    Parameters
    ----------
    feed
        Where readings come from.
    metrics
        What the monitoring is told.
    """

    async def state(request: Request) -> Response:
        if feed.newest is None:
            return PlainTextResponse("There is no reading yet.\n", 503)
        return Response(feed.newest_json, media_type="application/json")

    async def timeline(request: Request) -> Response:
        return JSONResponse(feed.timeline.to_json())

    async def health(request: Request) -> Response:
        return PlainTextResponse(f"{feed.ailment or 'healthy'}\n", 503 if feed.ailment else 200)

    async def numbers(request: Request) -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    routes: list[BaseRoute] = [_page(path, name, kind) for path, (name, kind) in _PAGES.items()]
    routes += [
        WebSocketRoute("/ws", Socket(feed)),
        Route("/events", Events(feed)),
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
