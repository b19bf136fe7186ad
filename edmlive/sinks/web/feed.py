"""The newest reading, the timeline, and the connected clients; used from the server's thread only."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from edmlive.realtime.reading import Reading, State
from edmlive.sinks.web.timeline import Timeline
from edmlive.sources.health import Liveness

MOST_CLIENTS = 200
QUEUE_LENGTH = 32
STALE_SECONDS = 5.0


class TooManyClientsError(Exception):
    """`MOST_CLIENTS` are connected already."""


class Client:
    """A connected client: a queue of messages, in which new ones replace the oldest when it is full.

    Attributes
    ----------
    dropped
        Messages replaced before they were sent.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._queue: deque[str] = deque(maxlen=QUEUE_LENGTH)
        self._changed = asyncio.Event()
        self._closed = False

    def offer(self, message: str) -> None:
        """Queue a message."""
        self.dropped += len(self._queue) == QUEUE_LENGTH
        self._queue.append(message)
        self._changed.set()

    def close(self) -> None:
        """End the messages, once those in the queue have been sent."""
        self._closed = True
        self._changed.set()

    async def messages(self) -> AsyncIterator[str]:
        """Yield each message as it comes, until the feed is closed."""
        while True:
            while self._queue:
                yield self._queue.popleft()
            if self._closed:
                return
            self._changed.clear()
            await self._changed.wait()


class Feed:
    """Passes every reading on to every client.

    Attributes
    ----------
    newest
        The newest reading; ``None`` before the first.
    newest_json
        The same as JSON.
    timeline
        Segments of the night so far.
    dropped
        Messages that clients were too slow for, including clients that have gone.
    """

    def __init__(self) -> None:
        self.newest: Reading | None = None
        self.newest_json = ""
        self.timeline = Timeline()
        self._clients: set[Client] = set()
        self._dropped = 0
        self._arrived = time.monotonic()
        self._interval = 0.0

    @property
    def clients(self) -> int:
        """Number of connected clients."""
        return len(self._clients)

    @property
    def dropped(self) -> int:
        """Messages dropped because clients were too slow."""
        return self._dropped + sum(client.dropped for client in self._clients)

    @property
    def age(self) -> float:
        """Seconds since the newest reading arrived."""
        return time.monotonic() - self._arrived

    @property
    def fresh(self) -> bool:
        """Whether the newest reading is current; with a long hop it stays so for longer."""
        return self.newest is not None and self.age <= max(STALE_SECONDS, 3 * self._interval)

    @property
    def unhealthy_reason(self) -> str | None:
        """Why it is not known what is playing now; ``None`` while the input is healthy."""
        if self.newest is None:
            return "There is no reading yet."
        if not self.fresh:
            return f"The newest reading is {self.age:.0f} s old."
        if self.newest.state is State.NO_INPUT or self.newest.liveness is not Liveness.HEALTHY:
            return f"The input is {self.newest.liveness}."
        return None

    def publish(self, reading: Reading, json: str) -> None:
        """Pass on a reading and its JSON."""
        self._interval = self.age if self.newest is not None else 0.0
        self._arrived = time.monotonic()
        self.newest, self.newest_json = reading, json
        self.timeline.push(reading)
        for client in self._clients:
            client.offer(json)

    @contextmanager
    def connect(self) -> Iterator[Client]:
        """Connect a client, which gets the newest reading, unless it is stale, and every later one.

        Raises
        ------
        TooManyClientsError
            `MOST_CLIENTS` are connected already.
        """
        if len(self._clients) >= MOST_CLIENTS:
            raise TooManyClientsError
        client = Client()
        if self.fresh:
            client.offer(self.newest_json)
        self._clients.add(client)
        try:
            yield client
        finally:
            self._clients.remove(client)
            self._dropped += client.dropped

    def close(self) -> None:
        """End every client's messages."""
        for client in self._clients:
            client.close()
