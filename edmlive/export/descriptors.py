"""Models over descriptors as ONNX files, and the graph of the network."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edmlive.errors import ModelError
from edmlive.export.file import write_model
from edmlive.models.descriptors import AMPLITUDES, CLIP, HARMONICS, REFERENCE_BPM, DescriptorNetwork
from edmlive.models.trees import TreeEnsemble
from edmlive.spec import METADATA_KEY, OUTPUT_NAME, ModelSpec

OPSET = 18
IR_VERSION = 10
TOLERANCE = 1e-4
"""Largest difference from the model in double precision that an exported graph may show."""


def write_verified(
    path: Path, graph: onnx.ModelProto, model: DescriptorNetwork | TreeEnsemble, values: NDArray[np.floating]
) -> tuple[float, int]:
    """Write the graph made of a model over descriptors, after a check in ONNX Runtime.

    Parameters
    ----------
    path
        The file to write; a former one is replaced only by a complete one.
    graph
        The graph, with its spec.
    model
        What it was made of.
    values
        Real descriptors to compare on, shape (tracks, descriptors), finite.

    Returns
    -------
    difference : float
        Largest absolute difference between the graph's probabilities and the model's.
    disagreements : int
        Tracks for which the two name different genres.

    Raises
    ------
    ModelError
        The difference exceeds `TOLERANCE`.
    """
    data = graph.SerializeToString()
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    answer = session.run([OUTPUT_NAME], {"descriptors": values.astype(np.float32)})[0]
    expected = model.probabilities(values)
    difference = float(np.abs(answer - expected).max())
    if not difference <= TOLERANCE:
        raise ModelError(f"The exported graph differs from the model by {difference:.2g}, so nothing was written.")
    write_model(path, data)
    return difference, int((answer.argmax(axis=1) != expected.argmax(axis=1)).sum())


def network_graph(network: DescriptorNetwork, spec: ModelSpec) -> onnx.ModelProto:
    """Build the graph: raw descriptors in, calibrated probabilities out, missing (NaN) descriptors allowed."""
    described = spec.input("descriptors")
    if described is None or described.shape != network.features.mean.shape:
        raise ModelError(f"Spec '{spec.name}' does not describe this network's {len(network.features.mean)} inputs.")
    nodes = [
        # descriptors -> levels within CLIP standard deviations of the mean
        helper.make_node("Max", ["descriptors", "floor"], ["above_floor"]),
        helper.make_node("Log", ["above_floor"], ["log"]),
        helper.make_node("Where", ["logged", "log", "descriptors"], ["level"]),
        helper.make_node("Sub", ["level", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "scale"], ["standard"]),
        helper.make_node("Clip", ["standard", "lowest", "highest"], ["clipped"]),
        # tempo -> Fourier features of its place within an octave
        helper.make_node("Gather", ["descriptors", "tempo"], ["bpm"], axis=1),
        helper.make_node("Div", ["bpm", "reference_bpm"], ["ratio"]),
        helper.make_node("Log", ["ratio"], ["log_ratio"]),
        helper.make_node("Mul", ["log_ratio", "frequencies"], ["angle"]),
        helper.make_node("Cos", ["angle"], ["cosine"]),
        helper.make_node("Sin", ["angle"], ["sine"]),
        helper.make_node("Mul", ["cosine", "amplitudes"], ["even"]),
        helper.make_node("Mul", ["sine", "amplitudes"], ["odd"]),
        # what is missing counts as the mean
        helper.make_node("Concat", ["clipped", "even", "odd"], ["joined"], axis=1),
        helper.make_node("IsNaN", ["joined"], ["missing"]),
        helper.make_node("Where", ["missing", "zero", "joined"], ["features"]),
        # perceptrons, one along axis 0 each
        helper.make_node("MatMul", ["features", "hidden_weights"], ["hidden_sum"]),
        helper.make_node("Add", ["hidden_sum", "hidden_biases"], ["hidden_level"]),
        helper.make_node("Relu", ["hidden_level"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "output_weights"], ["output_sum"]),
        helper.make_node("Add", ["output_sum", "output_biases"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["member_probabilities"], axis=-1),
        # their mean, calibrated
        helper.make_node("ReduceMean", ["member_probabilities", "members_axis"], ["mean_probabilities"], keepdims=0),
        helper.make_node("Log", ["mean_probabilities"], ["log_probabilities"]),
        helper.make_node("Div", ["log_probabilities", "temperature"], ["tempered"]),
        helper.make_node("Softmax", ["tempered"], [OUTPUT_NAME], axis=-1),
    ]
    graph = helper.make_graph(
        nodes,
        spec.name,
        [helper.make_tensor_value_info("descriptors", TensorProto.FLOAT, ("batch", *described.shape))],
        [helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, ("batch", len(spec.labels)))],
        [numpy_helper.from_array(array, name) for name, array in _constants(network)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    helper.set_model_props(model, {METADATA_KEY: spec.to_json()})
    onnx.checker.check_model(model, full_check=True)
    return model


def _constants(network: DescriptorNetwork) -> Iterator[tuple[str, NDArray[np.generic]]]:
    features = network.features
    yield "logged", features.logged
    yield "tempo", np.array([features.tempo])
    yield "members_axis", np.array([0])
    for name, values in {
        "floor": features.floor,
        "mean": features.mean,
        "scale": features.scale,
        "lowest": -CLIP,
        "highest": CLIP,
        "zero": 0.0,
        "reference_bpm": REFERENCE_BPM,
        "frequencies": 2 * np.pi * HARMONICS / np.log(2),
        "amplitudes": AMPLITUDES,
        "hidden_weights": network.hidden_weights,
        "hidden_biases": network.hidden_biases[:, np.newaxis],
        "output_weights": network.output_weights,
        "output_biases": network.output_biases[:, np.newaxis],
        "temperature": network.temperature,
    }.items():
        yield name, np.asarray(values, np.float32)
