"""A trained network as an ONNX graph: raw features in, probabilities out, its spec inside."""

import logging
import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnx import helper
from torch import Tensor, nn

from edmlive.errors import ModelError
from edmlive.models.checkpoint import TRAINING_KEY, Checkpoint
from edmlive.spec import METADATA_KEY, OUTPUT_NAME, Features, ModelSpec

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


def traced(network: nn.Module, spec: ModelSpec) -> onnx.ModelProto:
    """Trace a network that maps the spec's inputs, in order, to logits; a softmax follows, and the spec is inside."""
    batch = {0: torch.export.Dim("batch")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision, which nothing here needs
        program = torch.onnx.export(
            _Probabilities(network).eval(),
            tuple(torch.rand(2, *i.shape) for i in spec.inputs),
            dynamo=True,
            verbose=False,
            external_data=False,
            opset_version=OPSET,
            input_names=[i.name for i in spec.inputs],
            output_names=[OUTPUT_NAME],
            dynamic_shapes=(tuple(batch for _ in spec.inputs),),
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


def classify_with(session: ort.InferenceSession) -> Callable[[Features], NDArray[np.float32]]:
    """Return what maps a batch of chunks to probabilities of shape (batch, labels)."""
    return lambda features: np.asarray(session.run([OUTPUT_NAME], dict(features))[0])


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


def _logits(model: onnx.ModelProto, features: Features) -> NDArray[np.float32]:
    """Run a graph without its softmax."""
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    (softmax,) = (node for node in shown.graph.node if OUTPUT_NAME in node.output)
    softmax.op_type = "Identity"
    del softmax.attribute[:]
    return classify_with(session(shown))(features)
