"""A trained network as an ONNX graph: raw features in, probabilities out, its spec inside."""

import logging
import warnings
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnx import helper
from torch import nn

from edmlive.errors import ModelError
from edmlive.models.checkpoint import TRAINING_KEY, Checkpoint
from edmlive.spec import METADATA_KEY, OUTPUT_NAME, Features, ModelSpec
from edmlive.util.files import replacing

OPSET = 18
TOLERANCE = 1e-5
"""Largest difference in logits that an exported graph may show."""
_ROUNDING = 8 * float(np.finfo(np.float32).eps)
"""What rounding may cost, as a share of the largest logit: more than `TOLERANCE` where that is above 10."""

Classify = Callable[[Features], NDArray[np.float32]]
"""Maps a batch of raw features by input name to probabilities of shape (batch, labels)."""


def network_graph(checkpoint: Checkpoint, *, half: bool = False) -> onnx.ModelProto:
    """Trace a checkpoint's network.

    Parameters
    ----------
    checkpoint
        The network with its spec.
    half
        Weights and arithmetic in 16-bit floating point, except for the inputs, their standardisation, the softmax and
        the output: raw mel powers span more than 16 bits can tell apart.

    Returns
    -------
    onnx.ModelProto
        Takes any number of chunks at once; batch normalisation is folded into the convolutions; the `ModelSpec` and
        the `Training` are in its metadata.
    """
    network = deepcopy(checkpoint.network)
    if half:
        network.half().standardise.float()
    model = traced(network, checkpoint.spec)
    model.metadata_props.add(key=TRAINING_KEY, value=checkpoint.training.to_json())
    return model


def traced(network: nn.Module, spec: ModelSpec) -> onnx.ModelProto:
    """Trace a network and append a softmax.

    Parameters
    ----------
    network
        Maps a dictionary of the spec's inputs, float32, to logits, float32.
    spec
        What the network expects and means; it goes into the graph's metadata.
    """
    inputs = {i.name: torch.rand(2, *i.shape) for i in spec.inputs}
    batch = {0: torch.export.Dim("batch")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns of torchvision, which nothing here needs
        program = torch.onnx.export(
            nn.Sequential(network, nn.Softmax(dim=1)).eval(),
            (inputs, {}),  # a dictionary that came last would be taken for keyword arguments
            dynamo=True,
            verbose=False,
            external_data=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=[OUTPUT_NAME],
            dynamic_shapes=(dict.fromkeys(inputs, batch),),
        )
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    for node in model.graph.node:
        del node.metadata_props[:]  # stack traces, with the paths of the machine that exported
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


def classify_with(session: ort.InferenceSession) -> Classify:
    """Return a session as a function from features to probabilities."""
    return lambda features: np.asarray(session.run([OUTPUT_NAME], dict(features))[0])


def write_model(path: Path, model: onnx.ModelProto) -> int:
    """Write a model file and return its size in bytes; an earlier file is replaced only by a complete one.

    Raises
    ------
    ModelError
        It cannot be written.
    """
    data = model.SerializeToString()
    try:
        with replacing(path) as partial:
            partial.write_bytes(data)
    except OSError as error:
        raise ModelError(f"Model {path} cannot be written: {(error.strerror or str(error)).lower()}.") from None
    return len(data)


def _logits(model: onnx.ModelProto, features: Features) -> NDArray[np.float32]:
    """Run a graph without its softmax."""
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    (softmax,) = (node for node in shown.graph.node if OUTPUT_NAME in node.output)
    softmax.op_type = "Identity"
    del softmax.attribute[:]
    return classify_with(session(shown))(features)
