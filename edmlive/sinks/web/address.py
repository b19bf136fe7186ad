"""Where the page is served, and the token that other computers need."""

import ipaddress
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edmlive.errors import SinkError

TOKEN_VARIABLE = "EDMLIVE_WEB_TOKEN"
TOKEN_FILE_VARIABLE = "EDMLIVE_WEB_TOKEN_FILE"
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{16,512}", re.ASCII)
_TOKEN_RULE = "at least 16 letters and digits, such as the output of `openssl rand -hex 16`"
_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.%]+)]|(?P<name>[^\s:/\[\]@?#]+)):(?P<port>[0-9]{1,5})", re.ASCII)


@dataclass(frozen=True)
class Address:
    """A host, by name or number, and a TCP port; port 0 is any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Parse ``HOST:PORT``, with an IPv6 address in brackets; raise `SinkError` if it is not that."""
        match = _ADDRESS.fullmatch(text)
        if match is None or int(match["port"]) > 65_535:
            raise SinkError(f"'{text}' is not an address: give --web HOST:PORT, such as 127.0.0.1:8765.")
        return cls(match["six"] or match["name"], int(match["port"]))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def listen(address: Address, *, has_token: bool) -> socket.socket:
    """Open a listening socket; without a token, only one that other computers cannot reach.

    Raises
    ------
    SinkError
        Other computers could reach it and there is no token; the host is unknown; or the port is taken.
    """
    try:
        family, _, _, _, where = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        if not has_token and not _is_loopback(where):
            raise SinkError(
                f"Other computers can reach {address}, so the page needs a token: set {TOKEN_VARIABLE} or "
                f"{TOKEN_FILE_VARIABLE} ({_TOKEN_RULE}), or serve it on 127.0.0.1 only."
            )
        return socket.create_server(where[:2], family=family)
    except (OSError, UnicodeError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise SinkError(f"The page cannot be served on {address} ({reason}): give --web another HOST:PORT.") from None


def _is_loopback(where: tuple[Any, ...]) -> bool:
    return ipaddress.ip_address(where[0].partition("%")[0]).is_loopback


def read_token(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the token from the environment or from the file that it names; ``None`` if neither is set.

    Raises
    ------
    SinkError
        The file cannot be read, or the token is not valid.
    """
    path = environment.get(TOKEN_FILE_VARIABLE)
    token = environment.get(TOKEN_VARIABLE)
    if path:
        try:
            token = Path(path).read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            reason = error.strerror.lower() if isinstance(error, OSError) and error.strerror else "it is not text"
            raise SinkError(f"{TOKEN_FILE_VARIABLE} names {path}, which cannot be read ({reason}).") from None
    if token is None:
        return None
    if not _TOKEN.fullmatch(token):
        raise SinkError(f"The web page's token is not valid: set {TOKEN_VARIABLE} to {_TOKEN_RULE}.")
    return token
