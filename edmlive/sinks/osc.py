"""Readings for lights and visuals: Open Sound Control over UDP, one bundle per reading.

Every bundle is complete, so that a receiver that joins late or misses a datagram is up to date after the next one.
Its time tag is when the newest audio was captured.
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
"""Last value of ``/edmlive/state``."""

TEMPO_COUNT = 3
"""Tempi sent with each reading."""

_QUIETEST_DBFS = -120.0


class OscSender:
    """Sends one bundle per reading.

    With UDP, nobody has to be listening, and the network may come and go.

    Parameters
    ----------
    destination
        ``HOST:PORT`` or ``[IPv6]:PORT``; may be a broadcast address. The name is resolved once, to IPv4 if possible,
        because most receivers support nothing else.

    Raises
    ------
    SinkError
        The destination is not valid, or its host name cannot be resolved.
    """

    def __init__(self, destination: str) -> None:
        host, port = _host_and_port(destination)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError):
            raise SinkError(
                f"OSC cannot be sent to {destination}: the name '{host}' cannot be resolved. "
                "Check the spelling, or give its IP address."
            ) from None
        family, kind, protocol, _, address = min(found, key=lambda info: info[0] != socket.AF_INET)
        self._address = address
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self._genre = Switch("is")
        self._family = Switch("is-family")

    def write(self, reading: Reading) -> None:
        """Send one bundle."""
        moment = datetime.datetime.fromisoformat(reading.clock).timestamp() if reading.clock else IMMEDIATELY
        switches = [*self._genre.to(reading.genre), *self._family.to(reading.family)]
        self._send(moment, [*_messages(reading), *switches])

    def close(self) -> None:
        """Send a last bundle with the state `STOPPED`."""
        self._send(
            IMMEDIATELY,
            [
                _message("genre", ""),
                _message("confidence", 0.0),
                _message("family", ""),
                _message("family_confidence", 0.0),
                _message("mixing", 0.0),
                _message("bpm", 0.0),
                _message("level", _QUIETEST_DBFS),
                _message("state", STOPPED),
                *self._genre.to(None),
                *self._family.to(None),
            ],
        )
        self._socket.close()

    def _send(self, moment: float, messages: list[OscMessage]) -> None:
        bundle = OscBundleBuilder(moment)  # type: ignore[arg-type]  # documented as seconds, as a float
        for message in messages:
            bundle.add_content(message)
        with contextlib.suppress(OSError):
            self._socket.sendto(bundle.build().dgram, self._address)


class Switch:
    """An address for each name, of which one is on.

    Parameters
    ----------
    folder
        What the addresses begin with.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._name: str | None = None
        self._previous: str | None = None

    def to(self, name: str | None) -> Iterator[OscMessage]:
        """Yield 1 for the name and 0 for the one before it."""
        if name != self._name:
            self._previous = self._name or self._previous
            self._name = name
        if self._previous is not None and self._previous != name:
            yield _message(f"{self._folder}/{address_part(self._previous)}", 0.0)
        if name is not None:
            yield _message(f"{self._folder}/{address_part(name)}", 1.0)


def address_part(genre: str) -> str:
    """Return a genre as part of an OSC address, in which many characters of a label are not allowed.

    >>> address_part("Techno (Peak Time-Driving)")
    'techno-peak-time-driving'
    """
    return re.sub(r"[\W_]+", "-", genre.casefold()).strip("-")


def _messages(reading: Reading) -> Iterator[OscMessage]:
    yield _message("genre", reading.genre or "")
    yield _message("confidence", reading.confidence or 0.0)
    yield _message("family", reading.family or "")
    yield _message("family_confidence", reading.family_confidence or 0.0)
    yield _message("set", *(reading.set or ("",)))
    yield _message("mixing", float(reading.mixing))
    yield _message("bpm", reading.bpm or 0.0)
    for place, tempo in enumerate(reading.bpm_candidates[:TEMPO_COUNT]):
        yield _message(f"tempo/{place + 1}", tempo.bpm, tempo.probability)
    for place in range(len(reading.bpm_candidates), TEMPO_COUNT):
        yield _message(f"tempo/{place + 1}", 0.0, 0.0)
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
