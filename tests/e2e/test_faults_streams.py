"""What can befall an internet radio in a night: the stream is found again, and sinks hear that it was away."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edmlive.realtime.classifier import Classifier
from edmlive.realtime.reading import State
from edmlive.sources.health import Liveness
from edmlive.sources.stream import StreamSource
from tests.e2e.ear import ANSWER_SECONDS, NOTICE_SECONDS, Ear
from tests.e2e.icecast import CODECS, IcecastServer

pytestmark = pytest.mark.e2e

Record = Callable[[str, object], None]
LISTEN_SECONDS = 4.0
"""Longer than for a device: an encoder fills a page of sound before it sends the first."""


@pytest.fixture
def hear(classifier: Classifier) -> Iterator[Callable[[IcecastServer], Ear]]:
    """Listen to a server's stream from its first audio on."""
    ears: list[Ear] = []

    def start(server: IcecastServer) -> Ear:
        ears.append(Ear(StreamSource(server.url), classifier).__enter__())
        ears[-1].hear(2)
        return ears[-1]

    yield start
    for ear in ears:
        ear.__exit__()


def settle(ear: Ear, genres: set[str], record: Record, noticed: float, listening: float) -> None:
    """Check what every case has in common."""
    answered = ear.wait_for_genre(genres)
    for name, seconds in (("noticed", noticed), ("listening", listening), ("answered", answered)):
        record(name, round(seconds, 3))
    assert noticed <= NOTICE_SECONDS
    assert listening <= LISTEN_SECONDS
    assert answered <= ANSWER_SECONDS
    away = [r for _, r in ear.readings if r.liveness not in (Liveness.STARTING, Liveness.HEALTHY)]
    assert {r.state for r in away} == {State.NO_INPUT}
    assert all(r.genre is None and r.notices for r in away)


@pytest.mark.parametrize("codec", CODECS)
def test_encoder_stopped_and_started_again(
    icecast_server: IcecastServer,
    hear: Callable[..., Ear],
    music: Path,
    genres: set[str],
    record_property: Record,
    codec: str,
) -> None:
    icecast_server.start()
    icecast_server.play(music, codec)
    ear = hear(icecast_server)
    icecast_server.stop_encoder()
    noticed = ear.wait_for_loss()
    time.sleep(1)
    icecast_server.play(music, codec)
    settle(ear, genres, record_property, noticed, ear.wait_for_audio())
    assert ear.engine.counts.reconnects == 1
    assert ear.frames_lost > 1 * ear.source.rate


def test_server_killed_and_started_again(
    icecast_server: IcecastServer, hear: Callable[..., Ear], music: Path, genres: set[str], record_property: Record
) -> None:
    icecast_server.start()
    icecast_server.play(music, "MP3")
    ear = hear(icecast_server)
    icecast_server.kill()
    noticed = ear.wait_for_loss()
    time.sleep(1)
    icecast_server.start()
    icecast_server.play(music, "MP3")
    settle(ear, genres, record_property, noticed, ear.wait_for_audio())


def test_connection_that_falls_silent(
    icecast_server: IcecastServer, hear: Callable[..., Ear], music: Path, genres: set[str], record_property: Record
) -> None:
    icecast_server.start()
    icecast_server.play(music, "Ogg Vorbis")
    ear = hear(icecast_server)
    icecast_server.freeze()
    noticed = ear.wait_for_loss()
    ear.wait(lambda: ear.source.liveness is Liveness.RECOVERING, 8, "given up")
    icecast_server.thaw()
    settle(ear, genres, record_property, noticed, ear.wait_for_audio())
    assert Liveness.STALLED in ear.liveness()


def test_recording_on_a_server_ends_with_its_last_sample(
    icecast_server: IcecastServer, classifier: Classifier, music: Path
) -> None:
    (icecast_server.folder / "podcast.wav").write_bytes(music.read_bytes()[: 48_000 * 8 * 5])
    icecast_server.start()
    source = StreamSource(icecast_server.url.replace("/edm", "/podcast.wav"))
    with source:
        frames = sum(len(block.samples) for block in source)
    assert frames == pytest.approx(48_000 * 5, abs=100)
    assert source.liveness is Liveness.HEALTHY
