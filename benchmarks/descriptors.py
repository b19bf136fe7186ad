"""CPU time of the 68 timbre descriptors against pyAudioAnalysis's, per second of audio: of a file at once, and live.

Run from the repository root: ``python -m benchmarks.descriptors``. The peer is pyAudioAnalysis 0.3.14 (``pip install
--group peers``), which also takes the statistics of the differences from frame to frame. Live, both describe the newest
minute after every second: edmlive from pushes of 256 samples, pyAudioAnalysis, which knows only whole recordings, from
the minute anew. Both must agree on the minute.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.table import Row, options, show
from edmlive.diagnostics.stopwatch import cpu_seconds
from edmlive.features.timbre import TimbreStatistics

RATE = 22_050
SECONDS = 60
BLOCK = 256
"""Samples in a push: about what 512 at 44.1 kHz leave after resampling."""


def music() -> NDArray[np.float32]:
    """Make a minute of four-to-the-floor in 16 bits, which is what pyAudioAnalysis takes."""
    seconds = np.arange(SECONDS * RATE) / RATE
    beat = seconds % (60 / 128)
    kick = np.exp(-12 * beat) * np.sin(2 * np.pi * 50 * beat)
    noise = np.random.default_rng(1).standard_normal(len(seconds))
    samples = 0.6 * kick + 0.1 * np.sin(2 * np.pi * 440 * seconds) + 0.03 * noise
    return (np.rint(32768 * samples) / 32768).astype(np.float32)


def describe(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Describe a minute at once, as a file."""
    timbre = TimbreStatistics(SECONDS)
    timbre.push(samples)
    return timbre.read(SECONDS)


def push_and_read(timbre: TimbreStatistics, second: NDArray[np.float32]) -> NDArray[np.float64]:
    """Push one more second block by block, and describe the newest minute."""
    for start in range(0, RATE, BLOCK):
        timbre.push(second[start : start + BLOCK])
    return timbre.read(SECONDS)


def their_description(samples: NDArray[np.float32]) -> Callable[[], NDArray[np.float64]] | None:
    """Return how pyAudioAnalysis describes the same samples, if it is installed."""
    try:
        from pyAudioAnalysis.MidTermFeatures import mid_feature_extraction
    except ImportError as missing:
        print(f"pyAudioAnalysis is skipped ({missing}): pip install --group peers.")
        return None
    pcm, frame = (samples * 32768).astype(np.int16), round(0.05 * RATE)

    def describe_theirs() -> NDArray[np.float64]:
        statistics = mid_feature_extraction(pcm, RATE, RATE, RATE, frame, frame)[0].mean(axis=1)
        return np.concatenate((statistics[:34], statistics[68:102]))  # without those of the differences

    return describe_theirs


def main() -> None:
    chosen = options(__doc__)
    samples = music()
    timbre, theirs = TimbreStatistics(SECONDS), their_description(samples)
    timbre.push(samples)
    work = {"file": lambda: describe(samples), "live": lambda: push_and_read(timbre, samples[:RATE])}
    if theirs is not None:
        work["theirs"] = theirs
        np.testing.assert_allclose(describe(samples), theirs(), rtol=1e-3, atol=1e-3)
    taken = cpu_seconds(work, rounds=1 if chosen.quick else 9)
    peer = "pyAudioAnalysis" if theirs is not None else ""
    minute, unit = taken.get("theirs"), "ms CPU per s of audio"
    at_once = minute / SECONDS * 1e3 if minute is not None else None
    each_second = minute * 1e3 if minute is not None else None
    rows = [
        Row("a minute of audio, at once", peer, taken["file"] / SECONDS * 1e3, at_once, unit),
        Row("the newest minute, every second", peer, taken["live"] * 1e3, each_second, unit),
    ]
    show(rows, chosen)


if __name__ == "__main__":
    main()
