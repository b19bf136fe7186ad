"""Readings for lights and visuals: Open Sound Control over UDP, one bundle a reading.

Every bundle holds everything, so that a receiver that joins late, or misses a datagram, is right after the next one.
Its time tag is the moment the newest audio was captured.
"""

import contextlib
import datetime
import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from edmlive.errors import SinkError
from edmlive.realtime.reading import TOP_COUNT, Reading

ROOT = "/edmlive"
STOPPED = "stopped"
"""What ``/edmlive/state`` says last of all."""

_QUIETEST_DBFS = -120.0


class OscSender:
    """Sends one bundle a reading.

    UDP does not tell whether anybody listens, so a network that goes and comes back ends nothing.

    Parameters
    ----------
    destination
        ``HOST:PORT`` or ``[IPv6]:PORT``; a broadcast address will do. The name is looked up once, IPv4 first, because
        most receivers have nothing else.

    Raises
    ------
    SinkError
        The destination makes no sense, or its name is not known.
    """

    def __init__(self, destination: str) -> None:
        host, port = _host_and_port(destination)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError):
            raise SinkError(
                f"OSC cannot be sent to {destination}: no computer is known by the name '{host}'. "
                "Check the spelling, or give its IP address."
            ) from None
        family, kind, protocol, _, address = min(found, key=lambda info: info[0] != socket.AF_INET)
        self._address = address
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self._genre: str | None = None
        self._left: str | None = None

    def write(self, reading: Reading) -> None:
        """Send one bundle."""
        moment = datetime.datetime.fromisoformat(reading.clock).timestamp() if reading.clock else IMMEDIATELY
        self._turn_to(reading.genre)
        self._send(moment, [*_messages(reading), *self._switches()])

    def close(self) -> None:
        """Say that nothing more will come."""
        self._turn_to(None)
        self._send(
            IMMEDIATELY,
            [
                _message("genre", ""),
                _message("confidence", 0.0),
                _message("bpm", 0.0),
                _message("level", _QUIETEST_DBFS),
                _message("state", STOPPED),
                *self._switches(),
            ],
        )
        self._socket.close()

    def _turn_to(self, genre: str | None) -> None:
        if genre != self._genre:
            self._left = self._genre or self._left
            self._genre = genre

    def _switches(self) -> Iterator[OscMessage]:
        """Yield 1 for the genre that is on, 0 for the one before it."""
        if self._left is not None and self._left != self._genre:
            yield _message(f"is/{address_part(self._left)}", 0.0)
        if self._genre is not None:
            yield _message(f"is/{address_part(self._genre)}", 1.0)

    def _send(self, moment: float, messages: list[OscMessage]) -> None:
        bundle = OscBundleBuilder(moment)  # type: ignore[arg-type]  # its own documentation says seconds as a float
        for message in messages:
            bundle.add_content(message)
        with contextlib.suppress(OSError):
            self._socket.sendto(bundle.build().dgram, self._address)


def address_part(genre: str) -> str:
    """Return a genre as part of an OSC address, in which many signs of a label are not allowed.

    >>> address_part("Techno (Peak Time-Driving)")
    'techno-peak-time-driving'
    """
    return re.sub(r"[\W_]+", "-", genre.casefold()).strip("-")


def _messages(reading: Reading) -> Iterator[OscMessage]:
    yield _message("genre", reading.genre or "")
    yield _message("confidence", reading.confidence or 0.0)
    yield _message("bpm", reading.bpm or 0.0)
    yield _message("level", reading.level_dbfs)
    yield _message("state", reading.state)
    yield _message("liveness", reading.liveness)
    for place in range(TOP_COUNT):
        candidate = reading.top[place] if place < len(reading.top) else None
        values = (candidate.genre, candidate.confidence) if candidate else ("", 0.0)
        yield _message(f"top/{place + 1}", *values)


def _message(name: str, *values: str | float) -> OscMessage:
    message = OscMessageBuilder(f"{ROOT}/{name}")
    for value in values:
        message.add_arg(str(value) if isinstance(value, str) else float(value))
    return message.build()


def _host_and_port(destination: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{destination}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or destination != parts.netloc or "@" in destination:
        raise SinkError(
            f"'{destination}' is not a destination for OSC: give HOST:PORT, such as localhost:7700 or [::1]:7700."
        )
    return host, port
