"""How long decisions take, step by step: to the device, the run, and back."""

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
from edmlive.realtime.providers import Running
from edmlive.spec import Features, ModelSpec

LARGEST_DIFFERENCE = 1e-4
"""How far a GPU's probabilities in float32 are meant to be from the CPU's at most."""

_COMPARED = 16
_MUSIC_SECONDS = 16


@dataclass(frozen=True)
class StepTimes:
    """How long the steps of decisions took: features to the device, the session's run, probabilities back, and all."""

    transfer: Spread
    inference: Spread
    back: Spread
    total: Spread


def step_times(steps: Iterable[tuple[float, float, float]]) -> StepTimes:
    """Sum up `Inference.steps`, of which there must be one at least."""
    seconds = np.array(list(steps))
    return StepTimes(*(spread(step) for step in (*seconds.T, seconds.sum(axis=1))))


@dataclass(frozen=True)
class Latency(StepTimes):
    """How long batches of decisions took, with each step waited for before the clock was read.

    Parameters
    ----------
    model
        The model's name.
    provider
        What it truly ran on.
    batch
        Windows judged at once.
    decisions
        Windows judged in all.
    per_second
        Decisions a second, one batch after the other.
    difference
        Greatest difference from the probabilities that the CPU gives for the same file; ``None`` on a CPU itself.
    """

    model: str
    provider: Running
    batch: int
    decisions: int
    per_second: float
    difference: float | None


def latency(classifier: Classifier, decisions: int, cpu: Classifier | None = None) -> Latency:
    """Time decisions on rendered music, as many at once as the classifier takes.

    Parameters
    ----------
    classifier
        The model.
    decisions
        At least so many, in whole batches.
    cpu
        The same model on the CPU, to compare with.
    """
    inference, batch = classifier.inference, classifier.inference.batch
    heard = _windows(classifier.spec)
    steps = []
    for _ in range(math.ceil(decisions / batch)):
        inference(list(islice(heard, batch)))
        steps.append(inference.steps[-1])
    difference = None
    if cpu is not None:
        compared = list(islice(heard, _COMPARED))
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
    """Yield what a model sees of music without end, decision by decision.

    Of noise, networks are so sure that all answers are alike.
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
