"""``edmlive export`` as a function: from a checkpoint to a verified ONNX file in the requested precision."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soxr

from edmlive.errors import ModelError
from edmlive.export.network import Classify, classify_with, network_graph, session, verify, write_model
from edmlive.export.precision import gate, to_int8
from edmlive.features.windows import Windows
from edmlive.kernels.tables import SAMPLE_RATE
from edmlive.models.checkpoint import Checkpoint
from edmlive.spec import Features, ModelSpec
from edmlive.synth.audio import RATE
from edmlive.synth.render import render

VERIFICATION_CHUNKS = 16
CALIBRATION_CHUNKS = 512
_RENDERED_SECONDS = 30

Precision = Literal["float32", "int8", "fp16"]


@dataclass(frozen=True)
class Calibration:
    """Real recordings to verify, quantise and score a network on, such as `edmlive.training.calibration_from` a store.

    Parameters
    ----------
    batches
        Given a number of chunks, returns the raw features of at most that many of the training data, spread evenly:
        batches of arrays by input name, (batch, *shape of the input) each.
    score
        Returns the accuracy of a classifier, 0..1, on chunks that the network was not trained on.
    source
        What the recordings are, for messages, such as ``recordings of STORE``.
    metric
        What `score` measures, for messages.
    """

    batches: Callable[[int], Iterable[Features]]
    score: Callable[[Classify], float]
    source: str
    metric: str = "accuracy"


@dataclass(frozen=True)
class Exported:
    """What was written and measured.

    Parameters
    ----------
    path
        The model.
    size
        Of the file, in bytes.
    difference
        Largest difference between the logits of the graph in single precision and those of the network.
    source
        What that was measured on.
    metric
        What `accuracy` is.
    accuracy, float32_accuracy
        In the lower precision and in single precision, 0..1; ``None`` if single precision was requested.
    """

    path: Path
    size: int
    difference: float
    source: str
    metric: str = "accuracy"
    accuracy: float | None = None
    float32_accuracy: float | None = None


def export(
    checkpoint: Checkpoint,
    output: Path,
    *,
    precision: Precision = "float32",
    calibration: Calibration | None = None,
    force: bool = False,
) -> Exported:
    """Export a network as an ONNX file for live use, verified against the network.

    Parameters
    ----------
    checkpoint
        The trained network.
    output
        The file to write; an earlier one is replaced only by a complete one.
    precision
        ``float32``; ``int8`` for a quarter of the size and speed on CPUs; ``fp16`` for half the size, on GPUs.
    calibration
        Recordings to verify on, and to measure lower precision on; without them, the graph is verified on rendered
        music.
    force
        Write the model whatever accuracy lower precision costs.

    Raises
    ------
    ModelError
        The graph differs from the network, lower precision costs too much accuracy or lacks calibration, or the file
        cannot be written.

    Examples
    --------
    >>> from edmlive.export import export
    >>> from edmlive.models.checkpoint import Checkpoint
    >>> export(Checkpoint.load(Path("run/model.safetensors")), Path("mine.onnx")).size  # doctest: +SKIP
    49412344
    """
    model = network_graph(checkpoint)
    if calibration is None:
        if precision != "float32":
            raise ModelError("Lower precision is measured on real features: give calibration data.")
        difference = verify(model, checkpoint, _rendered_chunks(checkpoint.spec))
        return Exported(output, write_model(output, model), difference, "rendered music")
    difference = verify(model, checkpoint, next(iter(calibration.batches(VERIFICATION_CHUNKS))))
    if precision == "float32":
        return Exported(output, write_model(output, model), difference, calibration.source)
    if precision == "int8":
        lower = to_int8(model, calibration.batches(CALIBRATION_CHUNKS))
    else:
        lower = network_graph(checkpoint, half=True)
    before, after = (calibration.score(classify_with(session(graph))) for graph in (model, lower))
    gate(before, after, force=force)
    size = write_model(output, lower)
    return Exported(output, size, difference, calibration.source, calibration.metric, after, before)


def _rendered_chunks(spec: ModelSpec) -> Features:
    """Return what a model sees of half a minute of rendered music, second by second."""
    stereo = render("house", _RENDERED_SECONDS, 0).samples
    music = soxr.resample(stereo.mean(axis=1), RATE, SAMPLE_RATE).astype(np.float32)
    windows, seen = Windows(spec), []
    for second in np.array_split(music, _RENDERED_SECONDS):
        windows.push(second)
        if (tensors := windows.read().tensors) is not None:
            seen.append(tensors)
    return {name: np.stack([tensors[name] for tensors in seen]) for name in seen[0]}
