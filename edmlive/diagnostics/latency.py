"""Latency of decisions, step by step: copy to the device, inference, copy back."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from edmlive.diagnostics.stages import music, seconds_to_fill
from edmlive.diagnostics.stopwatch import Spread, spread
from edmlive.features.windows import Windows
from edmlive.kernels.tables import SAMPLE_RATE
from edmlive.realtime.classifier import Classifier
from edmlive.realtime.providers import ActiveProvider
from edmlive.spec import Features, ModelSpec

LARGEST_DIFFERENCE = 1e-4
"""Largest acceptable difference between the float32 probabilities of a GPU and of the CPU."""

_COMPARED = 16
_MUSIC_SECONDS = 16


@dataclass(frozen=True)
class StepTimes:
    """Time of each step of a decision: features to the device, inference, probabilities back, and all three."""

    transfer: Spread
    inference: Spread
    back: Spread
    total: Spread


def step_times(steps: Iterable[tuple[float, float, float]]) -> StepTimes:
    """Return the distribution of `Inference.steps`, at least one of them."""
    seconds = np.array(list(steps))
    return StepTimes(*(spread(step) for step in (*seconds.T, seconds.sum(axis=1))))


def describe_steps(provider: ActiveProvider, steps: Iterable[tuple[float, float, float]]) -> str:
    """Return the median and 99th percentile of each step as one sentence."""
    times = vars(step_times(steps))
    named = (f"{step} {taken.p50 * 1e3:.2f} / {taken.p99 * 1e3:.2f} ms" for step, taken in times.items())
    return f"A decision on {provider}, median / 99 %: {', '.join(named)}."


@dataclass(frozen=True)
class Latency(StepTimes):
    """Latency of batches of decisions; each step is complete before the clock is read.

    Parameters
    ----------
    model
        The model's name.
    provider
        The provider it actually ran on.
    batch
        Windows classified at once.
    decisions
        Windows classified in total.
    per_second
        Decisions per second, one batch after another.
    difference
        Largest difference from the probabilities that the CPU computes; ``None`` on a CPU itself.
    """

    model: str
    provider: ActiveProvider
    batch: int
    decisions: int
    per_second: float
    difference: float | None


def latency(classifier: Classifier, decisions: int, cpu: Classifier | None = None) -> Latency:
    """Time decisions on rendered music, in the classifier's batch size.

    Parameters
    ----------
    classifier
        The model.
    decisions
        How many to time at least, in whole batches.
    cpu
        The same model on the CPU, to compare the probabilities with.
    """
    inference, batch = classifier.inference, classifier.inference.batch
    windows = _windows(classifier.spec)
    steps = []
    for _ in range(math.ceil(decisions / batch)):
        inference(list(islice(windows, batch)))
        steps.append(inference.steps[-1])
    difference = None
    if cpu is not None:
        compared = list(islice(windows, _COMPARED))
        difference = float(np.abs(classifier.probabilities_of(compared) - cpu.probabilities_of(compared)).max())
    return Latency(
        **vars(step_times(steps)),
        model=classifier.spec.name,
        provider=classifier.provider,
        batch=batch,
        decisions=batch * len(steps),
        per_second=batch * len(steps) / float(np.sum(steps)),
        difference=difference,
    )


def _windows(spec: ModelSpec) -> Iterator[Features]:
    """Yield the windows of endless music, decision by decision.

    Not of noise: networks are so sure of it that all answers are the same.
    """
    windows = Windows(spec)
    audio = music(_MUSIC_SECONDS, SAMPLE_RATE)
    for _ in range(math.ceil(seconds_to_fill(spec) / _MUSIC_SECONDS)):
        windows.push(audio)
    hop = np.arange(round(spec.vote.hop_seconds * SAMPLE_RATE))
    while True:
        windows.push(audio[hop % len(audio)])
        hop += len(hop)
        tensors = windows.read().tensors
        assert tensors is not None
        yield tensors
