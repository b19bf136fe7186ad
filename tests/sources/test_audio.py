"""Channels counted from one, and samples made safe."""

import numpy as np
import pytest

from edmlive.errors import SourceError
from edmlive.sources.audio import FULL_SCALE_LIMIT, choose_channels, sanitise


def test_channels_are_counted_from_one_and_kept_in_order() -> None:
    assert choose_channels(4, (3, 4), "mixer") == (2, 3)
    assert choose_channels(4, (2, 1), "mixer") == (1, 0)
    assert choose_channels(2, None, "mixer") == (0, 1)


@pytest.mark.parametrize("channel", [0, -1, 3])
def test_channel_that_does_not_exist_is_refused_with_the_range(channel: int) -> None:
    with pytest.raises(SourceError, match=rf"mixer has no channel {channel}.* 1 to 2"):
        choose_channels(2, (1, channel), "mixer")


def test_good_samples_are_returned_as_they_are() -> None:
    samples = np.array([[0.5, -1.0], [2.0, FULL_SCALE_LIMIT]], np.float32)
    assert sanitise(samples) is samples
    nothing = np.zeros((0, 2), np.float32)
    assert sanitise(nothing) is nothing


@pytest.mark.parametrize(
    ("bad", "good"),
    [(np.nan, 0.0), (np.inf, FULL_SCALE_LIMIT), (-np.inf, -FULL_SCALE_LIMIT), (1e20, FULL_SCALE_LIMIT)],
)
def test_only_bad_samples_are_replaced(bad: float, good: float) -> None:
    samples = np.array([[0.1, 0.2], [bad, 0.3]], np.float32)
    clean = sanitise(samples)
    np.testing.assert_array_equal(clean, np.array([[0.1, 0.2], [good, 0.3]], np.float32))
    assert clean.dtype == np.float32
