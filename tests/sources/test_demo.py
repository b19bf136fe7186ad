"""The demo set as a source: its samples, its truth, and its pace."""

from itertools import islice

import numpy as np
import pytest

from edmlive.sources import open_source
from edmlive.sources.audio import Playing
from edmlive.sources.demo import DemoSource
from edmlive.synth import deck
from edmlive.synth.audio import RATE
from edmlive.synth.demo import DemoSet
from tests.conftest import FakeClock
from tests.synth.clicks import clicks


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deck, "render", clicks)


def test_blocks_are_the_set_with_its_truth() -> None:
    expected = DemoSet(7)
    with open_source("demo:7") as source:
        assert (source.rate, source.channels, source.live) == (RATE, 2, False)
        for block in islice(source, 5):
            np.testing.assert_array_equal(block.samples, expected.read(len(block.samples)))
            assert block.truth == Playing(
                expected.playing.genre, round(expected.playing.tempo_at(expected.position), 1), 0.0
            )


@pytest.mark.parametrize("pace", [True, False])
def test_pace_is_that_of_the_music_or_none(pace: bool, clock: FakeClock) -> None:
    started = clock.now
    with DemoSource(0, pace=pace) as source:
        seconds = sum(len(block.samples) for block in islice(source, 10)) / RATE
    assert seconds == pytest.approx(1.0)
    assert clock.now - started == pytest.approx(1.0 if pace else 0.0)
