"""A whole session: what reaches the sinks and the recording, and what is reported when something fails."""

import dataclasses
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edmlive.errors import DeviceError, SinkError
from edmlive.realtime.classifier import Classifier
from edmlive.realtime.engine import Engine
from edmlive.realtime.reading import Reading
from edmlive.realtime.session import Session, Summary
from edmlive.sinks import Sink, sink_thread
from edmlive.sinks.sink_thread import SinkThread
from edmlive.sources.audio import AudioBlock, Source
from edmlive.sources.health import Liveness
from edmlive.sources.recorder import Recorder
from tests import small_models
from tests.conftest import decode
from tests.music import render
from tests.realtime.blocks import BlockSource, cut
from tests.realtime.readings import truth

RATE = 22_050
MUSIC = render(8, RATE)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return Classifier(small_models.save(tmp_path_factory.mktemp("model") / "small.onnx", small_models.spec()))


@pytest.fixture
def engine(classifier: Classifier) -> Engine:
    return Engine(classifier, RATE)


class ListSink:
    """Keeps readings, or fails."""

    def __init__(self, error: SinkError | None = None) -> None:
        self.readings: list[Reading] = []
        self.closed = False
        self._error = error

    def write(self, reading: Reading) -> None:
        if self._error is not None:
            raise self._error
        self.readings.append(reading)

    def close(self) -> None:
        self.closed = True


def source(**fields: Any) -> BlockSource:
    return BlockSource(cut(MUSIC, range(RATE // 4, len(MUSIC), RATE // 4)), RATE, **fields)


def run(source: Source, engine: Engine, sinks: Sequence[Sink], *rest: Any, **options: Any) -> Summary:
    return Session(source, engine, [SinkThread(sink, live=source.live) for sink in sinks], *rest, **options).run()


def test_every_reading_reaches_every_sink_and_the_summary(engine: Engine) -> None:
    sinks = [ListSink(), ListSink()]
    summary = run(source(), engine, sinks)
    assert [r.time for r in sinks[0].readings] == list(range(1, 9))
    assert sinks[0].readings == sinks[1].readings
    assert all(sink.closed for sink in sinks)
    named = [r for r in sinks[0].readings if r.genre is not None]
    assert summary.genres.total() == len(named) > 0
    assert summary.genres[named[-1].genre or ""] > 0
    tempos = [r.bpm for r in sinks[0].readings if r.bpm is not None]
    assert summary.bpm == (tempos[-1] if tempos else None)
    assert (summary.seconds, summary.frames_lost, summary.dropped, summary.failures) == (8, 0, 0, [])


def test_truth_of_the_source_is_in_the_readings_and_scored(classifier: Classifier, engine: Engine) -> None:
    playing, sink = truth("house"), ListSink()
    known = source()
    known.blocks = [dataclasses.replace(block, truth=playing) for block in known.blocks]
    summary = run(known, engine, [sink])
    assert [r.truth for r in sink.readings] == [playing] * 8
    assert summary.score.readings == {"house": 8}
    assert summary.score.share_right == 0.0  # the small model knows other names only
    assert run(source(), Engine(classifier, RATE), []).score.share_right is None


def test_recording_holds_everything_the_source_gave(engine: Engine, tmp_path: Path) -> None:
    blocks = source().blocks
    blocks[9] = dataclasses.replace(blocks[9], gap=500)
    recorder = Recorder(tmp_path / "set.wav", RATE, 2)
    summary = run(BlockSource(blocks, RATE), engine, [ListSink()], recorder)
    np.testing.assert_array_equal(decode(tmp_path / "set.wav")[0], MUSIC)
    assert summary.frames_lost == 500


def test_interrupted_session_ends_in_order(engine: Engine, tmp_path: Path) -> None:
    sink = ListSink()
    recorder = Recorder(tmp_path / "set.wav", RATE, 2)
    summary = run(source(error=KeyboardInterrupt()), engine, [sink], recorder)
    assert summary.failures == []
    assert summary.seconds == 8
    assert sink.closed
    np.testing.assert_array_equal(decode(tmp_path / "set.wav")[0], MUSIC)


def test_failure_of_the_source_is_reported_after_its_audio_is_processed(engine: Engine) -> None:
    sink = ListSink()
    summary = run(source(error=DeviceError("The mixer has gone.")), engine, [sink])
    assert summary.failures == ["The mixer has gone."]
    assert len(sink.readings) == 8
    assert sink.closed


def test_fault_of_the_source_is_reported_with_its_name(engine: Engine) -> None:
    summary = run(source(fault="ends at 0:08 of the 0:20 that it claims"), engine, [ListSink()])
    assert summary.failures == ["memory is broken: ends at 0:08 of the 0:20 that it claims."]


def test_failed_sink_is_reported_once_and_the_other_gets_everything(engine: Engine) -> None:
    good = ListSink()
    summary = run(source(), engine, [ListSink(SinkError("The disk is full.")), good])
    assert summary.failures == ["The disk is full."]
    assert len(good.readings) == 8


class Slow(ListSink):
    """Takes longer for a reading than the next takes to arrive."""

    def write(self, reading: Reading) -> None:
        time.sleep(0.05)
        super().write(reading)


def test_readings_count_those_that_a_slow_sink_dropped(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_thread, "QUEUE_LENGTH", 1)
    quick, slow = ListSink(), Slow()
    live = source(live=True)
    live.blocks *= 4
    summary = run(live, engine, [quick, slow])
    dropped = [r.counts.readings_dropped for r in quick.readings]
    assert dropped[0] == 0 and dropped == sorted(dropped)
    assert summary.dropped >= dropped[-1] > 0


def test_notices_are_reported_once_each_time_they_come_up(engine: Engine) -> None:
    notified: list[str] = []
    known = source()
    gone, nothing = ("The mixer has gone.",), np.zeros((0, 2), np.float32)
    lost = AudioBlock(nothing, 0.0, liveness=Liveness.RECOVERING, notices=gone)
    known.blocks = [*known.blocks[:8], lost, lost, *known.blocks[8:24], lost, *known.blocks[24:]]
    summary = run(known, engine, [ListSink()], notify=notified.append)
    assert notified == [*gone, *gone]
    assert summary.failures == []


class Endless(BlockSource):
    """Plays the same music for a simulated hour, far longer than any sink's failure takes to show."""

    def __iter__(self) -> Iterator[AudioBlock]:
        for _ in range(450):
            yield from self.blocks


def test_session_ends_when_no_sink_is_left(engine: Engine) -> None:
    endless = Endless(source().blocks, RATE)
    summary = run(endless, engine, [ListSink(SinkError("The pipe is closed."))])
    assert summary.failures == ["The pipe is closed."]
    assert summary.seconds < 3600


def test_session_without_sinks_runs_to_the_end_of_its_source(engine: Engine, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "set.wav", RATE, 2)
    assert run(source(), engine, [], recorder).seconds == 8
    assert len(decode(tmp_path / "set.wav")[0]) == len(MUSIC)


def test_failed_recording_is_reported_and_the_session_continues(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "set.wav"
    path.symlink_to("/dev/full")
    sink = ListSink()
    long = source()
    long.blocks *= 4
    summary = run(long, engine, [sink], Recorder(path, RATE, 2))
    assert len(summary.failures) == 1
    assert "no space left" in summary.failures[0]
    assert len(sink.readings) == 32
