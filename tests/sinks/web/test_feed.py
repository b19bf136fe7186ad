import asyncio

import pytest

from edmlive.realtime.reading import State
from edmlive.sinks.web import feed as feeds
from edmlive.sinks.web.feed import CrowdedError, Feed
from edmlive.sources.health import Liveness
from tests.sinks.web.conftest import at


def taken(client: feeds.Client) -> list[str]:
    """What a client is given before the feed ends."""

    async def take() -> list[str]:
        return [message async for message in client.messages()]

    client.close()
    return asyncio.run(take())


def test_a_slow_client_is_given_the_newest() -> None:
    feed = Feed()
    with feed.follow() as client:
        for number in range(100):
            feed.publish(at(number), str(number))
        assert taken(client) == [str(number) for number in range(100 - feeds.QUEUE_LENGTH, 100)]
        assert feed.dropped == 100 - feeds.QUEUE_LENGTH
    assert feed.dropped == 100 - feeds.QUEUE_LENGTH
    assert feed.clients == 0


def test_a_client_who_comes_late_is_given_the_newest_at_once() -> None:
    feed = Feed()
    feed.publish(at(1), "one")
    feed.publish(at(2), "two")
    with feed.follow() as client:
        assert taken(client) == ["two"]


def test_nobody_is_given_a_stale_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Feed()
    feed.publish(at(1), "one")
    now = feeds.time.monotonic()
    monkeypatch.setattr(feeds.time, "monotonic", lambda: now + feeds.STALE_SECONDS + 1)
    with feed.follow() as client:
        assert taken(client) == []
    assert feed.ailment == "The newest reading is 6 s old."


def test_a_long_hop_is_no_ailment(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Feed()
    feed.publish(at(1), "one")
    now = feeds.time.monotonic()
    monkeypatch.setattr(feeds.time, "monotonic", lambda: now + 60)
    feed.publish(at(61), "two")
    monkeypatch.setattr(feeds.time, "monotonic", lambda: now + 119)
    assert feed.ailment is None


def test_no_more_clients_than_may_be() -> None:
    feed = Feed()
    followed = [feed.follow() for _ in range(feeds.MOST_CLIENTS)]
    for follow in followed:
        follow.__enter__()
    with pytest.raises(CrowdedError), feed.follow():
        pass
    followed.pop().__exit__(None, None, None)
    with feed.follow():
        pass


def test_what_ails() -> None:
    feed = Feed()
    assert feed.ailment == "There is no reading yet."
    feed.publish(at(1), "")
    assert feed.ailment is None
    feed.publish(at(2, state=State.NO_INPUT, liveness=Liveness.RECOVERING), "")
    assert feed.ailment == "The input is recovering."
    feed.publish(at(3, liveness=Liveness.STALLED), "")
    assert feed.ailment == "The input is stalled."
