"""How long decisions take, step by step: to the device, the run, and back."""

import math
import time
from dataclasses import dataclass

import numpy as np

from edmlive.kernels.tables import SAMPLE_RATE
from edmlive.realtime.bench.stages import music, seconds_to_fill
from edmlive.realtime.classifier import Classifier
from edmlive.realtime.inference import Features
from edmlive.realtime.providers import Running
from edmlive.realtime.windows import Windows
from edmlive.spec import ModelSpec
from edmlive.stopwatch import Spread, spread

LARGEST_DIFFERENCE = 1e-4
"""How far a GPU's probabilities in float32 are meant to be from the CPU's at most."""

_WINDOWS = 16


@dataclass(frozen=True)
class Latency:
    """How long decisions took, with each step waited for before the clock was read.

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
    transfer, inference, back, total
        Features to the device, the session's run, probabilities back, and all three: seconds for one batch.
    per_second
        Decisions a second, one batch after the other.
    difference
        Greatest difference from the probabilities that the CPU gives for the same file; ``None`` on a CPU itself.
    """

    model: str
    provider: Running
    batch: int
    decisions: int
    transfer: Spread
    inference: Spread
    back: Spread
    total: Spread
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
    batches = [[heard[(first + k) % _WINDOWS] for k in range(batch)] for first in range(_WINDOWS)]
    clock = np.empty((math.ceil(decisions / batch), 4))
    for number, times in enumerate(clock):
        times[0] = time.perf_counter()
        inference.write(batches[number % _WINDOWS])
        times[1] = time.perf_counter()
        inference.run()
        times[2] = time.perf_counter()
        inference.read(batch)
        times[3] = time.perf_counter()
    transfer, run, back = np.diff(clock).T.tolist()
    total = (clock[:, 3] - clock[:, 0]).tolist()
    difference = None
    if cpu is not None:
        difference = float(np.abs(classifier.probabilities_of(heard) - cpu.probabilities_of(heard)).max())
    return Latency(
        model=classifier.spec.name,
        provider=classifier.provider,
        batch=batch,
        decisions=batch * len(clock),
        transfer=spread(transfer),
        inference=spread(run),
        back=spread(back),
        total=spread(total),
        per_second=batch * len(clock) / sum(total),
        difference=difference,
    )


def _windows(spec: ModelSpec) -> list[Features]:
    """Return what a model sees of music, a second apart; of noise, networks are so sure that all answers are alike."""
    windows, heard = Windows(spec), list[Features]()
    audio = music(seconds_to_fill(spec) + _WINDOWS, SAMPLE_RATE)
    windows.push(audio[: -_WINDOWS * SAMPLE_RATE])
    for second in audio[-_WINDOWS * SAMPLE_RATE :].reshape(-1, SAMPLE_RATE):
        windows.push(second)
        tensors = windows.read().tensors
        assert tensors is not None
        heard.append(dict(tensors))
    return heard
