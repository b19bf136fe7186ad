"""The night in a minute: what `benchmarks.soak` does for hours leaves no trace, and its counts add up."""

from pathlib import Path

import pytest

from benchmarks.soak import BLOCK, GAP, LOST_BLOCKS, RATE, Night, soak
from edmlive.realtime.classifier import Classifier

pytestmark = pytest.mark.e2e


def test_ten_minutes_of_everything_leaves_no_trace(classifier: Classifier, tmp_path: Path) -> None:
    night = Night(1 / 6)
    witness = soak(night, classifier, tmp_path, 30)
    counts = witness.counts
    assert night.frames >= 600 * RATE - BLOCK
    assert (counts.gaps, counts.frames_lost, counts.reconnects) == (night.rounds, night.rounds * GAP, night.rounds)
    assert (counts.decisions_skipped, counts.readings_dropped) == (0, 0)
    assert witness.lost == night.rounds * LOST_BLOCKS
    assert witness.decided == counts.decisions > 400
    early, late = witness.traces[len(witness.traces) // 4], witness.traces[-1]
    assert late.resident - early.resident < 4 << 20
    assert late.threads <= early.threads
    assert late.descriptors <= early.descriptors
    assert late.shared <= early.shared
