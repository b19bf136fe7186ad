"""Which requests are allowed, and the security headers of every response."""

import secrets
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "edmlive_token"
_METHODS = ("GET", "HEAD")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    # One request per connection, so that idle connections differ from those that stream.
    "Connection": "close",
}


_ONCE = ("Host", "Origin", "Authorization", "Cookie")
"""Headers that decide who may ask. Of two, a proxy might have checked the other one."""


@dataclass
class Place:
    """What one connection may claim when places are scarce; passed along as ``scope["state"]["place"]``.

    Attributes
    ----------
    since
        When it was accepted, on the event loop's clock.
    asked
        Whether a request has arrived.
    trusted
        Whether it has shown the token.
    following
        Whether it is being sent readings as they come.
    """

    since: float
    asked: bool = False
    trusted: bool = False
    following: bool = False


class Guard:
    """ASGI middleware that only lets read-only requests through, to this host, from its own pages, with the token.

    A page of another site can make a browser send requests to this server. Such a request has the other site's name as
    its origin or, if that name has been pointed at this computer's address (DNS rebinding), as its host.

    Parameters
    ----------
    app
        Handles what is let through.
    host
        The name that the page is served on.
    token
        The token required; ``None`` if none is.
    """

    def __init__(self, app: ASGIApp, host: str, token: str | None) -> None:
        own = socket.gethostname().lower()
        self._app = app
        self._names = {"localhost", own, f"{own}.local", host.lower()}
        self._token = token.encode() if token is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request or a WebSocket, or refuse it."""

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        answer = self._answer(HTTPConnection(scope))
        place: Place = scope["state"]["place"]
        place.asked = True
        place.trusted = answer is None and self._token is not None
        await (answer or self._app)(scope, receive, send_safely)

    def _answer(self, asked: HTTPConnection) -> Response | None:
        if asked.scope.get("method", "GET") not in _METHODS:
            return _refuse(405, "This API is read-only: use GET or HEAD.", Allow=", ".join(_METHODS))
        for name in _ONCE:
            if len(asked.headers.getlist(name)) > 1:
                return _refuse(400, f"The header '{name}' was sent more than once.")
        if "transfer-encoding" in asked.headers or asked.headers.get("content-length", "0").strip("0"):
            return _refuse(400, "This API takes no request body.")
        host = asked.headers.get("host", "")
        if not self._is_here(host, asked.scope["server"][0]):
            return _refuse(421, "Unknown host: use this computer's name or IP address.")
        origin = asked.headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{host.lower()}", f"https://{host.lower()}"):
            return _refuse(403, "Requests from pages of other sites are not allowed.")
        if self._token is None:
            return None
        if asked.scope["path"] == "/" and self._knows(asked.query_params.get("token")):
            return self._let_in(self._token.decode())
        scheme, _, given = asked.headers.get("authorization", "").partition(" ")
        if self._knows(asked.cookies.get(COOKIE)) or (scheme.lower() == "bearer" and self._knows(given.strip())):
            return None
        return _refuse(
            401,
            "A token is required: open this page once with ?token=TOKEN appended to its address, "
            "or send the header 'Authorization: Bearer TOKEN'.",
            **{"WWW-Authenticate": "Bearer"},
        )

    def _is_here(self, host: str, address: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        return name == address or name in self._names

    def _knows(self, given: str | None) -> bool:
        assert self._token is not None
        return given is not None and secrets.compare_digest(given.encode(errors="replace"), self._token)

    @staticmethod
    def _let_in(token: str) -> Response:
        answer = RedirectResponse("/", 303)
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        return answer


def _refuse(status: int, sentence: str, **headers: str) -> Response:
    return PlainTextResponse(f"{sentence}\n", status, headers)
