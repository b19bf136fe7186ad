"""What the default model calls unknown, through the engine: sounds that are no music, and music that is electronic."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

import edmlive
from edmlive.realtime.engine import Engine
from edmlive.realtime.reading import Reading, State
from tests.conftest import Row
from tests.realtime.blocks import BlockSource, cut

RATE = 22_050
SECONDS = 30
TIME = np.arange(SECONDS * RATE) / RATE
NOISE = np.random.default_rng(0).standard_normal(len(TIME))
NO_MUSIC = {
    "white noise": 0.05 * NOISE,
    "room noise": 10 ** (-50 / 20) * NOISE,
    "a tone": 0.3 * np.sin(2 * np.pi * 440 * TIME),
    "hum": 0.1 * sum(np.sin(2 * np.pi * 50 * k * TIME) / k for k in (1, 2, 3, 5)),
    "faint hum": 0.004 * sum(np.sin(2 * np.pi * 50 * k * TIME) / k for k in (1, 2, 3, 5)),
    "a sweep": 0.3 * np.sin(2 * np.pi * (50 * TIME + 7_950 * TIME**2 / (2 * SECONDS))),
}


@pytest.fixture(scope="module")
def classifier() -> edmlive.Classifier:
    return edmlive.Classifier(provider="cpu")


def listened(classifier: edmlive.Classifier, samples: NDArray[np.floating]) -> list[Reading]:
    stereo = np.repeat(samples.astype(np.float32)[:, np.newaxis], 2, axis=1)
    return list(Engine(classifier, RATE).run(BlockSource(cut(stereo, range(RATE, len(stereo), RATE)), RATE)))


@pytest.mark.parametrize("name", NO_MUSIC)
def test_what_is_no_music_has_no_genre(classifier: edmlive.Classifier, name: str) -> None:
    readings = listened(classifier, np.asarray(NO_MUSIC[name]))
    assert readings[-1].state is State.UNKNOWN
    assert not any(reading.genre for reading in readings)


def test_electronic_music_has_a_genre(
    classifier: edmlive.Classifier, reference_descriptors: list[Row], load_excerpt: Callable[[Row], NDArray[np.float32]]
) -> None:
    last = [listened(classifier, load_excerpt(row)[: SECONDS * RATE])[-1] for row in reference_descriptors[::5]]
    assert np.mean([reading.state is State.UNKNOWN for reading in last]) <= 0.2
    named = [reading for reading in last if reading.genre]
    assert all(reading.genre in reading.set and reading.family for reading in named)
