"""How cost and memory grow: with the length of the audio, with the number of inputs, with the votes that are counted.

Run from the repository root, in the environment of ``make test``: ``python -m benchmarks.growth``. There is no peer: a
line that bends upwards is the finding. Length is that of one stream through one engine, each in a fresh process;
inputs share a model session, 20 s each; votes are those that a `Voter` over 30 genres looks back on. `plots` draws what
``--json`` keeps.
"""

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import psutil

from benchmarks.streams import RATE, Inputs
from benchmarks.table import keep, options
from edmlive.realtime.voter import Voter
from tests.music import render

MODEL = "beatport-2021"
SECONDS = 20
VOTES_TAKEN = 20_000


@dataclass(frozen=True)
class Point:
    """CPU seconds and MB of resident memory at one size of one quantity."""

    quantity: str
    size: int
    cpu_seconds: float
    megabytes: float


def of_length(seconds: int) -> Point:
    """Measure listening to one input for a number of seconds."""
    return Point("seconds of audio", seconds, *_listen(1, seconds))


def of_inputs(count: int) -> Point:
    """Measure listening to a number of inputs."""
    return Point("inputs", count, *_listen(count, SECONDS))


def of_votes(count: int) -> Point:
    """Measure the vote over a number of decisions."""
    random = np.random.default_rng(0)
    decisions = random.dirichlet(np.ones(30), 1_000).astype(np.float32)
    voter = Voter(tuple(map(str, range(30))), count)
    for index in range(count):
        voter.push(decisions[index % 1_000])
    started = time.process_time()
    for index in range(VOTES_TAKEN):
        voter.push(decisions[index % 1_000])
    return Point("votes", count, (time.process_time() - started) / VOTES_TAKEN, _resident())


def _listen(count: int, seconds: int) -> tuple[float, float]:
    inputs = Inputs(count, MODEL, render(90, RATE))
    try:
        inputs.listen(5)  # compiles, where it still has to
        return inputs.listen(seconds)[0], _resident()
    finally:
        inputs.close()


def _resident() -> float:
    return psutil.Process().memory_info().rss / 1e6


def main() -> None:
    chosen = options(__doc__)
    curves: list[tuple[Callable[[int], Point], tuple[int, ...]]] = [
        (of_length, (10, 30) if chosen.quick else (10, 30, 100, 300, 1_000, 3_000, 10_000)),
        (of_inputs, (1, 3) if chosen.quick else (1, 3, 10, 30, 100, 300)),
        (of_votes, (5, 50) if chosen.quick else (5, 50, 500, 5_000)),
    ]
    points = []
    for measure, sizes in curves:
        for size in sizes:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                point = pool.apply(measure, (size,))
            print(
                f"{point.quantity:<18} {size:>7} {point.cpu_seconds:12.6f} s CPU {point.megabytes:8.0f} MB", flush=True
            )
            points.append(point)
    keep([asdict(point) for point in points], chosen)


if __name__ == "__main__":
    main()
