"""Small ONNX models with random weights, right and wrong, for tests that need a model but not its knowledge."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edmlive.features.timbre import TIMBRE_NAMES
from edmlive.spec import METADATA_KEY, OUTPUT_NAME, InputSpec, ModelSpec, VoteSpec

LABELS = tuple(f"genre {letter}" for letter in "ABCDEFGH")
DESCRIPTORS = InputSpec(
    "descriptors", (len(TIMBRE_NAMES),), descriptors=TIMBRE_NAMES, seconds=12.0, warm_up_seconds=3.0
)
CHUNK = (
    InputSpec("mel", (1, 128, 200)),
    InputSpec("fourier_tempogram", (193, 50), stride=4),
    InputSpec("autocorrelation_tempogram", (384, 50), stride=4),
)


def spec(inputs: Sequence[InputSpec] = (DESCRIPTORS,), **fields: Any) -> ModelSpec:
    defaults: dict[str, Any] = {"name": "small", "labels": LABELS, "inputs": tuple(inputs), "vote": VoteSpec(votes=3)}
    return ModelSpec(**defaults | fields)


def tensor(name: str, shape: Sequence[int | str], kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def weights(name: str, values: NDArray[np.float32]) -> onnx.TensorProto:
    return numpy_helper.from_array(values.astype(np.float32), name)


def build(model: ModelSpec, seed: int = 0, scale: float = 0.05) -> onnx.ModelProto:
    """A linear layer on each flattened input, their sum, and a softmax; it carries the spec."""
    random = np.random.default_rng(seed)
    nodes, initializers, terms = [], [], []
    for i in model.inputs:
        size = int(np.prod(i.shape))
        layer = random.standard_normal((size, len(model.labels))) * scale / np.sqrt(size)
        initializers.append(weights(f"{i.name}_weights", layer))
        nodes += [
            helper.make_node("Flatten", [i.name], [f"{i.name}_flat"]),
            helper.make_node("MatMul", [f"{i.name}_flat", f"{i.name}_weights"], [f"{i.name}_term"]),
        ]
        terms.append(f"{i.name}_term")
    nodes += [helper.make_node("Sum", terms, ["sum"]), helper.make_node("Softmax", ["sum"], [OUTPUT_NAME], axis=1)]
    inputs = [tensor(i.name, ("batch", *i.shape)) for i in model.inputs]
    graph = helper.make_graph(nodes, "small", inputs, [tensor(OUTPUT_NAME, ("batch", len(model.labels)))], initializers)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    carry(proto, model.to_json())
    return proto


def carry(proto: onnx.ModelProto, text: str) -> None:
    """Put this text where the spec belongs."""
    helper.set_model_props(proto, {METADATA_KEY: text})


def save(path: Path, model: ModelSpec, **options: Any) -> Path:
    """Build a model and write it to a file."""
    onnx.save(build(model, **options), path)
    return path
