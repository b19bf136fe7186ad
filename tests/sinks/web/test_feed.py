import asyncio
import time

import pytest

from edmlive.realtime.reading import State
from edmlive.sinks.web import feed as feeds
from edmlive.sinks.web.feed import Feed, TooManyClientsError
from edmlive.sources.health import Liveness
from tests.sinks.web.conftest import at


def received(client: feeds.Client) -> list[str]:
    """What a client is sent before the feed ends."""

    async def take() -> list[str]:
        return [message async for message in client.messages()]

    client.close()
    return asyncio.run(take())


def test_a_slow_client_gets_the_newest() -> None:
    feed = Feed()
    with feed.connect() as client:
        for number in range(100):
            feed.publish(at(number), str(number))
        assert received(client) == [str(number) for number in range(100 - feeds.QUEUE_LENGTH, 100)]
        assert feed.dropped == 100 - feeds.QUEUE_LENGTH
    assert feed.dropped == 100 - feeds.QUEUE_LENGTH
    assert feed.clients == 0


def test_a_client_that_connects_late_gets_the_newest_at_once() -> None:
    feed = Feed()
    feed.publish(at(1), "one")
    feed.publish(at(2), "two")
    with feed.connect() as client:
        assert received(client) == ["two"]


def test_a_stale_reading_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Feed()
    feed.publish(at(1), "one")
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + feeds.STALE_SECONDS + 1)
    with feed.connect() as client:
        assert received(client) == []
    assert feed.unhealthy_reason == "The newest reading is 6 s old."


def test_a_long_hop_is_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Feed()
    feed.publish(at(1), "one")
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 60)
    feed.publish(at(61), "two")
    monkeypatch.setattr(time, "monotonic", lambda: now + 119)
    assert feed.unhealthy_reason is None


def test_clients_are_limited() -> None:
    feed = Feed()
    clients = [feed.connect() for _ in range(feeds.MOST_CLIENTS)]
    for client in clients:
        client.__enter__()
    with pytest.raises(TooManyClientsError), feed.connect():
        pass
    clients.pop().__exit__(None, None, None)
    with feed.connect():
        pass


def test_unhealthy_reasons() -> None:
    feed = Feed()
    assert feed.unhealthy_reason == "There is no reading yet."
    feed.publish(at(1), "")
    assert feed.unhealthy_reason is None
    feed.publish(at(2, state=State.NO_INPUT, liveness=Liveness.RECOVERING), "")
    assert feed.unhealthy_reason == "The input is recovering."
    feed.publish(at(3, liveness=Liveness.STALLED), "")
    assert feed.unhealthy_reason == "The input is stalled."
