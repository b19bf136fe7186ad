"""The demo set as a source: its samples, its truth, and its pace."""

import time
from itertools import islice

import numpy as np
import pytest

from edmlive.sources import open_source
from edmlive.sources.audio import Playing
from edmlive.sources.demo import DemoSource
from edmlive.synth import deck
from edmlive.synth.audio import RATE
from edmlive.synth.demo import DemoSet
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
def test_pace_is_that_of_the_music_or_none(pace: bool) -> None:
    with DemoSource(0, pace=pace) as source:
        started = time.monotonic()
        seconds = sum(len(block.samples) for block in islice(source, 10)) / RATE
        took = time.monotonic() - started
    assert seconds == pytest.approx(1.0)
    assert took == pytest.approx(1.0, abs=0.3) if pace else took < 0.5
