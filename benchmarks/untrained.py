"""Networks for timing: random weights cost what trained ones cost."""

import numpy as np
import torch

from edmlive.models.checkpoint import Checkpoint, Training
from edmlive.models.inputs import inputs_of
from edmlive.models.networks import SubgenreNetwork
from edmlive.spec import ModelSpec

LABELS = tuple(f"Genre {number}" for number in range(1, 31))
# Where log-mel levels and tempograms of music lie, roughly.
_LEVELS = {"mel": (-20.0, 20.0), "fourier_tempogram": (10.0, 10.0), "autocorrelation_tempogram": (0.3, 0.2)}


def late_fusion(width: int) -> Checkpoint:
    """Return a late-fusion network of 30 classes whose batch statistics fit its random weights."""
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    network = SubgenreNetwork("late-fusion", len(LABELS), width)
    drawn = {}
    for i in network.inputs:
        mean, deviation = _LEVELS[i.name]
        network.standardise[i.name].get_buffer("mean").fill_(mean)
        network.standardise[i.name].get_buffer("deviation").fill_(deviation)
        drawn[i.name] = torch.from_numpy((mean + deviation * random.standard_normal((8, *i.shape))).astype(np.float32))
    with torch.no_grad():
        for _ in range(10):
            network(drawn)
    spec = ModelSpec(f"untrained-{width}", LABELS, inputs_of("late-fusion"), window="hamming", mel_scale="db")
    return Checkpoint(network.eval(), spec, Training("late-fusion", width, "modern", 1, "0", 0, 0.0, 1e9, (), ()))
