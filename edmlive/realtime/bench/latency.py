"""How long decisions take, step by step: to the device, the run, and back."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

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

_COMPARED = 16
_MUSIC_SECONDS = 16


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
    clock = np.empty((math.ceil(decisions / batch), 4))
    for times in clock:
        windows = list(islice(heard, batch))
        times[0] = time.perf_counter()
        inference.write(windows)
        times[1] = time.perf_counter()
        inference.run()
        times[2] = time.perf_counter()
        inference.read(batch)
        times[3] = time.perf_counter()
    transfer, run, back = np.diff(clock).T.tolist()
    total = (clock[:, 3] - clock[:, 0]).tolist()
    difference = None
    if cpu is not None:
        compared = list(islice(heard, _COMPARED))
        difference = float(np.abs(classifier.probabilities_of(compared) - cpu.probabilities_of(compared)).max())
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


def _windows(spec: ModelSpec) -> Iterator[Features]:
    """Yield what a model sees of music without end, decision by decision.

    Of noise, networks are so sure that all answers are alike; and one that remembers wants windows that follow.
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
