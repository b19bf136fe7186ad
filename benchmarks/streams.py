"""How many inputs one core can listen to: many engines, one model session, one process.

Run from the repository root, in the environment of ``make test``: ``python -m benchmarks.streams``.

Each input is 48 kHz stereo in a ring of shared memory, as the capture process of a device fills it; each has an engine
of its own, read 20 ms at a time in turn with all others, and a decision a second. The rings are filled while the clock
stands still: in a show that is done by the capture processes. The peer is as many processes, each with one input and a
session of its own. Memory is what belongs to a process alone, and what each further input adds to it.
"""

import multiprocessing
import time
from collections.abc import Sequence

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks.table import Row, options, show
from edmlive.diagnostics.stages import seconds_to_fill
from edmlive.realtime.classifier import Classifier
from edmlive.realtime.engine import Engine
from edmlive.sources.audio import AudioBlock
from edmlive.sources.capture.ring import AudioRing, shared_file
from tests.music import render

RATE = 48_000
BLOCK = 960
FILL_SECONDS = 5


class Inputs:
    """Inputs that play the same music, each from a different position."""

    def __init__(self, count: int, model: str, music: NDArray[np.float32]) -> None:
        classifier = Classifier(model, "cpu")
        self.seconds_to_fill = seconds_to_fill(classifier.spec)
        self._music = music
        self._rings, self._files = [], []
        for _ in range(count):
            file = shared_file()
            self._files.append(file)
            self._rings.append(AudioRing(file.fileno(), 2 * FILL_SECONDS * RATE, 2, create=True))
        self._engines = [Engine(classifier, RATE) for _ in range(count)]
        self._position = 0

    def listen(self, seconds: int) -> tuple[float, list[float]]:
        """Process more of each input; return CPU seconds and the duration of each decision."""
        cpu, decisions = 0.0, []
        for _ in range(0, seconds, FILL_SECONDS):
            for index, ring in enumerate(self._rings):
                start = (self._position + index * RATE) % (len(self._music) - FILL_SECONDS * RATE)
                ring.write(self._music[start : start + FILL_SECONDS * RATE], time.monotonic())
            self._position += FILL_SECONDS * RATE
            started = time.process_time()
            for _ in range(FILL_SECONDS * RATE // BLOCK):
                for ring, engine in zip(self._rings, self._engines, strict=True):
                    samples, _, _ = ring.read(BLOCK)
                    began = time.perf_counter()
                    if list(engine.push(AudioBlock(samples, time.monotonic()))):
                        decisions.append(time.perf_counter() - began)
            cpu += time.process_time() - started
        return cpu, decisions

    def close(self) -> None:
        """Release the rings."""
        for ring, file in zip(self._rings, self._files, strict=True):
            ring.close()
            file.close()


def measure(count: int, model: str, seconds: int) -> tuple[float, float, float]:
    """Return the share of a core per input, MB of memory, and the seconds of the slowest decision."""
    music = render(90, RATE)
    inputs = Inputs(count, model, music)
    try:
        inputs.listen(inputs.seconds_to_fill)
        cpu, decisions = inputs.listen(seconds)
        return cpu / seconds / count, psutil.Process().memory_full_info().uss / 1e6, max(decisions)
    finally:
        inputs.close()


def in_processes(count: int, model: str, seconds: int, inputs: int) -> Sequence[tuple[float, float, float]]:
    """Measure in `count` fresh processes, with a number of inputs each."""
    with multiprocessing.get_context("spawn").Pool(count) as pool:
        return pool.starmap(measure, [(inputs, model, seconds)] * count)


def main() -> None:
    chosen = options(__doc__)
    count, seconds, processes = (4, 5, 1) if chosen.quick else (40, 20, 2)
    rows = []
    for model in ("beatport-2021", "late-fusion-distilled"):
        ((together, memory, slowest),) = in_processes(1, model, seconds, count)
        apart = in_processes(processes, model, seconds, 1)
        alone, its_memory = np.mean([share for share, _, _ in apart]), np.mean([uss for _, uss, _ in apart])
        peer = "a process each"
        rows += [
            Row(f"{model}: a core's share, {count} inputs", peer, 100 * together, 100 * float(alone), "% per input"),
            Row(
                f"{model}: memory",
                peer,
                (memory - float(its_memory)) / (count - 1),
                float(its_memory),
                "MB per further input",
            ),
            Row(f"{model}: inputs that fill a core", "", 1 / together, None, "inputs"),
            Row(f"{model}: slowest push with a decision", "", 1e3 * slowest, None, "ms"),
        ]
    show(rows, chosen)


if __name__ == "__main__":
    main()
