"""Clipping, a dead channel, inverted polarity: noticed after seconds, withdrawn when fixed, never in good audio."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edmlive.sources.inspection import Inspector
from tests.music import render

RATE = 8_000
MUSIC = render(20, RATE)


def balance(left: float, right: float) -> NDArray[np.float32]:
    """A factor for each channel."""
    return np.array([[left, right]], np.float32)


SILENCE = np.zeros((20 * RATE, 2), np.float32)


def notices(samples: NDArray[np.float32]) -> list[str]:
    """The notices after each second."""
    inspector = Inspector(RATE)
    said = []
    for start in range(0, len(samples), RATE):
        assert sum(len(part) for part in inspector.parts(samples[start : start + RATE])) == RATE
        said.append(" ".join(inspector.notices))
    return said


@pytest.mark.parametrize(
    "samples",
    [
        MUSIC,
        MUSIC[:, :1],
        MUSIC[:, [0, 0]],
        SILENCE,
        MUSIC * balance(1, 0.05),
        MUSIC * balance(1, -0.3),
    ],
    ids=["stereo", "one channel", "mono in both", "silence", "far to one side", "turned but not alike"],
)
def test_good_sound_gives_no_notices(samples: NDArray[np.float32]) -> None:
    assert set(notices(samples)) == {""}


@pytest.mark.parametrize("scale", [1.0, 32_767 / 32_768], ids=["float", "16 bits"])
def test_clipping_is_noticed_and_withdrawn(scale: float) -> None:
    clipped = np.clip(MUSIC[: 12 * RATE] * 4, -scale, scale)
    said = notices(np.concatenate((MUSIC, clipped, MUSIC)))
    assert said[:20] == [""] * 20
    assert "clips" in said[24] and "clips" in said[31]
    assert said[37:] == [""] * 15


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (MUSIC * balance(1, 0), "only the first plays: check the cable of the second"),
        (MUSIC * balance(0, 1), "only the second plays"),
        (MUSIC[:, [0, 0]] * balance(1, -1), "cancel each other"),
    ],
    ids=["second dead", "first dead", "turned"],
)
def test_faulty_cable_is_noticed_after_some_seconds_until_it_is_fixed(fault: NDArray[np.float32], words: str) -> None:
    said = notices(np.concatenate((MUSIC, fault, SILENCE, MUSIC)))
    assert said[:24] == [""] * 24
    assert all(words in now for now in said[24:61])  # silence proves nothing
    assert said[61:] == [""] * 19


def test_short_break_of_one_channel_is_no_fault() -> None:
    samples = MUSIC.copy()
    samples[5 * RATE : 8 * RATE] *= balance(1, 0)
    assert set(notices(samples)) == {""}


@given(st.lists(st.integers(0, 3 * RATE), max_size=8))
def test_any_blocks_give_the_same_notices_at_the_same_places(cuts: list[int]) -> None:
    samples = np.clip(render(8, RATE) * 4, -1, 1) * balance(1, 0)
    inspector, heard, said = Inspector(RATE), 0, {}
    for block in np.split(samples, sorted(cuts)):
        for part in inspector.parts(block):
            heard += len(part)
            said[heard] = inspector.notices
    whole = Inspector(RATE)
    expected, heard = {}, 0
    for part in whole.parts(samples):
        heard += len(part)
        expected[heard] = whole.notices
    assert heard == len(samples)
    assert {at: said[at] for at in expected} == expected
    assert expected[8 * RATE] != ()
