"""The newest reading, the night so far, and the clients that follow; all of it on the server's own thread."""

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


class CrowdedError(Exception):
    """There are as many clients as there may be."""


class Client:
    """One who follows: a queue of messages in which the newest push out the oldest.

    Attributes
    ----------
    dropped
        Messages pushed out before they were taken.
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
        """End the messages, once those queued are taken."""
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
    """Hands every reading to every client.

    Attributes
    ----------
    newest
        The newest reading; ``None`` before the first.
    newest_json
        The same as `Reading.to_json` has it.
    timeline
        The night so far.
    dropped
        Messages that clients who have gone had no time for.
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
        """Clients that follow."""
        return len(self._clients)

    @property
    def dropped(self) -> int:
        """Messages that slow clients had no time for."""
        return self._dropped + sum(client.dropped for client in self._clients)

    @property
    def age(self) -> float:
        """Seconds since the newest reading came."""
        return time.monotonic() - self._arrived

    @property
    def fresh(self) -> bool:
        """Whether the newest reading is of now; a long hop gives it longer."""
        return self.newest is not None and self.age <= max(STALE_SECONDS, 3 * self._interval)

    @property
    def ailment(self) -> str | None:
        """Why nobody knows what is playing now; ``None`` while the input is healthy."""
        if self.newest is None:
            return "There is no reading yet."
        if not self.fresh:
            return f"The newest reading is {self.age:.0f} s old."
        if self.newest.state is State.NO_INPUT or self.newest.liveness is not Liveness.HEALTHY:
            return f"The input is {self.newest.liveness}."
        return None

    def publish(self, reading: Reading, json: str) -> None:
        """Take a reading, and its JSON."""
        self._interval = self.age if self.newest is not None else 0.0
        self._arrived = time.monotonic()
        self.newest, self.newest_json = reading, json
        self.timeline.push(reading)
        for client in self._clients:
            client.offer(json)

    @contextmanager
    def follow(self) -> Iterator[Client]:
        """Lend a client that is given the newest reading, unless it is stale, and every later one.

        Raises
        ------
        CrowdedError
            There are `MOST_CLIENTS` already.
        """
        if len(self._clients) >= MOST_CLIENTS:
            raise CrowdedError
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
        """Let every client come to its end."""
        for client in self._clients:
            client.close()
