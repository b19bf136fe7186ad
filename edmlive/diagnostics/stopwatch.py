"""CPU time of contenders measured in turn, and the distribution of repeated measurements."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spread:
    """Quantiles of repeated measurements, in seconds."""

    p50: float
    p95: float
    p99: float
    worst: float


def spread(seconds: Sequence[float]) -> Spread:
    """Return the quantiles of at least one measurement in seconds."""
    p50, p95, p99, worst = np.quantile(seconds, (0.5, 0.95, 0.99, 1.0))
    return Spread(float(p50), float(p95), float(p99), float(worst))


def cpu_seconds(contenders: Mapping[str, Callable[[], object]], rounds: int = 9) -> dict[str, float]:
    """Measure contenders in turn, so that other load on the machine affects them all alike.

    Each runs once beforehand, to warm up caches.

    Parameters
    ----------
    contenders
        The work of each, by name.
    rounds
        Measurements of each.

    Returns
    -------
    dict
        Median CPU time of one call of each, in seconds, summed over all threads of this process.
    """
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for work in contenders.values():
        work()
    for _ in range(rounds):
        for name, work in contenders.items():
            started = time.process_time()
            work()
            taken[name].append(time.process_time() - started)
    return {name: float(np.median(seconds)) for name, seconds in taken.items()}
