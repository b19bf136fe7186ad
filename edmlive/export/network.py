"""A trained network as an ONNX graph: raw features in, probabilities out, its spec inside."""

import logging
import warnings
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnx import helper
from torch import Tensor, nn

from edmlive.errors import ModelError
from edmlive.kernels.tables import HOP_LENGTH, SAMPLE_RATE
from edmlive.models.checkpoint import TRAINING_KEY, Checkpoint
from edmlive.models.column_reuse import ColumnReuse
from edmlive.overlap import SHIFT_FRAMES, Features, classify_with
from edmlive.spec import METADATA_KEY, OUTPUT_NAME, ModelSpec

OPSET = 18
TOLERANCE = 1e-5
"""Largest difference in logits that an exported graph may show."""
_ROUNDING = 8 * float(np.finfo(np.float32).eps)
"""What rounding may cost, as a share of the largest logit: more than `TOLERANCE` where that is above 10."""


def network_graph(checkpoint: Checkpoint, *, half: bool = False) -> onnx.ModelProto:
    """Trace a checkpoint's network.

    Parameters
    ----------
    checkpoint
        The network with its spec.
    half
        Weights and arithmetic in 16-bit floating point, but for the inputs, their standardisation, the softmax and
        the output: raw mel powers span more than 16 bits can tell apart.

    Returns
    -------
    onnx.ModelProto
        Any number of chunks at once; batch normalisation folded into the convolutions; the `ModelSpec` and the
        `Training` in its metadata.
    """
    network = deepcopy(checkpoint.network)
    if half:
        network.half().standardise.float()
    model = traced(_Positional(network, [i.name for i in checkpoint.spec.inputs]), checkpoint.spec)
    model.metadata_props.add(key=TRAINING_KEY, value=checkpoint.training.to_json())
    return model


def remembering_graph(checkpoint: Checkpoint) -> onnx.ModelProto:
    """Trace a checkpoint's network over chunks that follow each other, which computes what they share once.

    Parameters
    ----------
    checkpoint
        The network with its spec.

    Returns
    -------
    onnx.ModelProto
        One chunk at a time, to be run by `edmlive.overlap.Remembering`; its spec asks for a decision each
        `SHIFT_FRAMES`.

    Raises
    ------
    ModelError
        The network's chunks share nothing.
    """
    network = ColumnReuse(checkpoint.network)
    vote = replace(checkpoint.spec.vote, hop_seconds=SHIFT_FRAMES * HOP_LENGTH / SAMPLE_RATE)
    spec = replace(checkpoint.spec, vote=vote)
    examples: dict[str, Tensor] = {i.name: torch.rand(1, *i.shape) for i in spec.inputs}
    examples |= {piece.past: torch.rand(1, *piece.shape) for piece in network.pieces}
    outputs = [OUTPUT_NAME, *dict.fromkeys(piece.present for piece in network.pieces)]
    model = _exported(_Remembering(network, [*examples], outputs), examples, outputs, spec)
    model.metadata_props.add(key=TRAINING_KEY, value=checkpoint.training.to_json())
    return model


def traced(network: nn.Module, spec: ModelSpec) -> onnx.ModelProto:
    """Trace a network that maps the spec's inputs, in order, to logits; a softmax follows, and the spec is inside."""
    examples: dict[str, Tensor] = {i.name: torch.rand(2, *i.shape) for i in spec.inputs}
    return _exported(_Probabilities(network), examples, [OUTPUT_NAME], spec, {0: torch.export.Dim("batch")})


def _exported(
    network: nn.Module,
    examples: Mapping[str, Tensor],
    outputs: Sequence[str],
    spec: ModelSpec,
    free: Mapping[int, Any] | None = None,
) -> onnx.ModelProto:
    """Export a network that takes the examples in order; ``free`` says which axes of all of them may differ."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision, which nothing here needs
        program = torch.onnx.export(
            network.eval(),
            tuple(examples.values()),
            dynamo=True,
            verbose=False,
            external_data=False,
            opset_version=OPSET,
            input_names=[*examples],
            output_names=[*outputs],
            dynamic_shapes=None if free is None else (tuple(free for _ in examples),),
        )
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    helper.set_model_props(model, {METADATA_KEY: spec.to_json()})
    onnx.checker.check_model(model, full_check=True)
    return model


def verify(model: onnx.ModelProto, checkpoint: Checkpoint, features: Features) -> float:
    """Compare a graph with the network it was made from.

    Parameters
    ----------
    model
        The graph, in single precision.
    checkpoint
        The network.
    features
        Real raw features by input name, (batch, ...) each.

    Returns
    -------
    float
        Largest difference in logits.

    Raises
    ------
    ModelError
        It exceeds `TOLERANCE`.
    """
    with torch.inference_mode():
        expected = checkpoint.network({name: torch.from_numpy(array) for name, array in features.items()}).numpy()
    difference = float(np.abs(_logits(model, features) - expected).max())
    if not difference <= max(TOLERANCE, _ROUNDING * float(np.abs(expected).max())):
        raise ModelError(
            f"The exported graph's logits differ from the network's by {difference:.2g}, so nothing was written."
        )
    return difference


def session(model: onnx.ModelProto) -> ort.InferenceSession:
    """Open a graph on one CPU thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


class _Positional(nn.Module):
    """A `SubgenreNetwork` that takes its inputs in order: a graph's inputs have no dictionary."""

    def __init__(self, network: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.network, self._names = network, names

    def forward(self, *features: Tensor) -> Tensor:
        logits: Tensor = self.network(dict(zip(self._names, features, strict=True)))
        return logits


class _Probabilities(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *features: Tensor) -> Tensor:
        logits: Tensor = self.network(*features)
        return logits.float().softmax(dim=1)


class _Remembering(nn.Module):
    """A `ColumnReuse` that takes its inputs and yields its outputs in order."""

    def __init__(self, network: ColumnReuse, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        super().__init__()
        self.network, self._inputs, self._outputs = network, inputs, outputs

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        inputs = dict(zip(self._inputs, tensors, strict=True))
        logits, present = self.network(inputs, inputs)
        answers = {OUTPUT_NAME: logits.softmax(dim=1), **present}
        return tuple(answers[name] for name in self._outputs)


def _logits(model: onnx.ModelProto, features: Features) -> NDArray[np.float32]:
    """Run a graph without its softmax."""
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    (softmax,) = (node for node in shown.graph.node if OUTPUT_NAME in node.output)
    softmax.op_type = "Identity"
    del softmax.attribute[:]
    return classify_with(session(shown))(features)
