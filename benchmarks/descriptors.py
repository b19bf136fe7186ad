"""CPU time of the timbre descriptors, ours and pyAudioAnalysis's, on the same minute of audio.

python benchmarks/descriptors.py
"""

import os
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from edmlive.realtime.timbre import TimbreStatistics

RATE = 22050
SECONDS = 60
BLOCK = 256
"""Samples in a push: about what 512 at 44.1 kHz leave after resampling."""


def music() -> NDArray[np.float32]:
    """Make a minute of four-to-the-floor."""
    seconds = np.arange(SECONDS * RATE) / RATE
    beat = seconds % (60 / 128)
    kick = np.exp(-12 * beat) * np.sin(2 * np.pi * 50 * beat)
    noise = np.random.default_rng(1).standard_normal(len(seconds))
    return (0.6 * kick + 0.1 * np.sin(2 * np.pi * 440 * seconds) + 0.03 * noise).astype(np.float32)


def once(samples: NDArray[np.float32]) -> None:
    """Describe the minute once, as for a file."""
    timbre = TimbreStatistics(SECONDS)
    timbre.push(samples)
    timbre.read(SECONDS)


def live(samples: NDArray[np.float32]) -> None:
    """Describe the last minute after every second, from small pushes."""
    timbre = TimbreStatistics(SECONDS)
    timbre.push(samples)
    for second in samples.reshape(SECONDS, RATE):
        for start in range(0, RATE, BLOCK):
            timbre.push(second[start : start + BLOCK])
        timbre.read(SECONDS)


def milliseconds(work: Callable[[NDArray[np.float32]], object], samples: NDArray[np.float32]) -> float:
    """CPU milliseconds that a second of audio costs, the best of three runs."""
    times = []
    for _ in range(3):
        start = time.process_time()
        work(samples)
        times.append(time.process_time() - start)
    return 1e3 * min(times) / SECONDS


def main() -> None:
    samples = music()
    file, stream = milliseconds(once, samples), milliseconds(live, samples)
    stream -= file  # the minute before the first reading
    print("CPU per second of audio")
    print(f"edmlive, a file          {file:8.3f} ms")
    print(f"edmlive, live            {stream:8.3f} ms, {SECONDS} s read every second")
    try:
        from pyAudioAnalysis.MidTermFeatures import mid_feature_extraction
    except ImportError as missing:
        needed = "pyAudioAnalysis eyed3 pydub tqdm matplotlib hmmlearn imblearn plotly scikit-learn"
        print(f"To compare with pyAudioAnalysis ({missing}), run: pip install {needed}")
        return
    frame, pcm = round(0.05 * RATE), np.rint(samples * 32767).astype(np.int16)
    theirs = milliseconds(lambda _: mid_feature_extraction(pcm, RATE, RATE, RATE, frame, frame), samples)
    print(f"pyAudioAnalysis, a file  {theirs:8.3f} ms: {theirs / file:.0f} times as much")
    print(f"  live, redone each time {theirs * SECONDS:8.0f} ms: {theirs * SECONDS / stream:.0f} times as much")


if __name__ == "__main__":
    main()
