"""Loading a model: a graph that contradicts its spec is refused, and the reported provider is the one that runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from edmlive.errors import ModelError
from edmlive.realtime import classifier as module
from edmlive.realtime import providers
from edmlive.realtime.classifier import Classifier, find_model, zoo
from edmlive.spec import OUTPUT_NAME
from tests import small_models

DESCRIPTORS = len(small_models.DESCRIPTORS.descriptors)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return small_models.save(tmp_path / "small.onnx", small_models.spec())


def cast_output(proto: onnx.ModelProto, kind: int) -> None:
    proto.graph.node[-1].output[0] = "soft"
    proto.graph.node.append(helper.make_node("Cast", ["soft"], [OUTPUT_NAME], to=kind))
    proto.graph.output[0].type.tensor_type.elem_type = kind


def rename_input(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].name = proto.graph.node[0].input[0] = "features"


def add_input(proto: onnx.ModelProto) -> None:
    proto.graph.input.append(small_models.tensor("mel", ("batch", 1, 128, 200)))


def widen_input(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].CopyFrom(small_models.tensor("descriptors", ("batch", DESCRIPTORS + 1)))
    proto.graph.initializer[0].CopyFrom(
        small_models.weights("descriptors_weights", np.zeros((DESCRIPTORS + 1, len(small_models.LABELS)), np.float32))
    )


def take_doubles(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    proto.graph.node.insert(0, helper.make_node("Cast", ["descriptors"], ["single"], to=TensorProto.FLOAT))
    proto.graph.node[1].input[0] = "single"


def take_four_at_once(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].CopyFrom(small_models.tensor("descriptors", (4, DESCRIPTORS)))
    proto.graph.output[0].CopyFrom(small_models.tensor(OUTPUT_NAME, (4, len(small_models.LABELS))))


def rename_output(proto: onnx.ModelProto) -> None:
    proto.graph.node[-1].output[0] = proto.graph.output[0].name = "scores"


def drop_a_label(proto: onnx.ModelProto) -> None:
    small_models.carry(proto, small_models.spec(labels=small_models.LABELS[:-1]).to_json())


def output_integers(proto: onnx.ModelProto) -> None:
    cast_output(proto, TensorProto.INT64)


def output_doubles(proto: onnx.ModelProto) -> None:
    cast_output(proto, TensorProto.DOUBLE)


def invent_an_operator(proto: onnx.ModelProto) -> None:
    proto.graph.node[0].op_type = "Divine"


def fail_when_run(proto: onnx.ModelProto) -> None:
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.array([99], np.int64), "far"))
    proto.graph.node.insert(-1, helper.make_node("Gather", ["sum", "far"], ["gone"], axis=1))
    proto.graph.node.insert(-1, helper.make_node("Add", ["sum", "gone"], ["spoilt"]))
    proto.graph.node[-1].input[0] = "spoilt"


def output_nan(proto: onnx.ModelProto) -> None:
    proto.graph.initializer[0].CopyFrom(
        small_models.weights(
            "descriptors_weights", np.full((DESCRIPTORS, len(small_models.LABELS)), np.nan, np.float32)
        )
    )


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (rename_input, r"takes inputs \['features'\]"),
        (add_input, r"takes inputs \['descriptors', 'mel'\]"),
        (widen_input, "'descriptors' as"),
        (take_doubles, "'descriptors' as"),
        (take_four_at_once, "takes 4 of 'descriptors' at once, not 1"),
        (rename_output, f"output '{OUTPUT_NAME}'"),
        (drop_a_label, rf"shape \(batch, {len(small_models.LABELS) - 1}\)"),
        (output_integers, f"output '{OUTPUT_NAME}'"),
        (output_doubles, f"output '{OUTPUT_NAME}'"),
        (invent_an_operator, "cannot be run"),
        (fail_when_run, "cannot be run"),
        (output_nan, "probabilities"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_graph_that_contradicts_its_spec_is_refused_in_one_sentence(
    tmp_path: Path, spoil: Callable[[onnx.ModelProto], None], words: str
) -> None:
    proto = small_models.build(small_models.spec())
    spoil(proto)
    path = tmp_path / "spoilt.onnx"
    onnx.save(proto, path)
    with pytest.raises(ModelError, match=words) as refusal:
        Classifier(path)
    assert "\n" not in str(refusal.value)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize(
    "inputs",
    [(small_models.DESCRIPTORS,), small_models.CHUNK, (*small_models.CHUNK, small_models.DESCRIPTORS)],
    ids=len,
)
def test_probabilities_are_what_the_graph_computes(tmp_path: Path, inputs: tuple[Any, ...]) -> None:
    spec = small_models.spec(inputs)
    path = small_models.save(tmp_path / "model.onnx", spec)
    random = np.random.default_rng(1)
    features = {i.name: random.standard_normal(i.shape).astype(np.float32) for i in inputs}
    loaded = Classifier(path)
    probabilities = loaded.probabilities(features)
    layers = {i.name: onnx.numpy_helper.to_array(i) for i in onnx.load(path).graph.initializer}
    scores = sum(features[i.name].ravel() @ layers[f"{i.name}_weights"] for i in inputs)
    np.testing.assert_allclose(probabilities, np.exp(scores) / np.exp(scores).sum(), rtol=1e-4)
    assert probabilities.dtype == np.float32
    assert min(loaded.inference.steps[-1]) > 0


def test_metadata_is_that_of_the_file(small: Path) -> None:
    assert Classifier(small).metadata == {entry.key: entry.value for entry in onnx.load(small).metadata_props}


def test_provider_is_cpu_if_requested(small: Path) -> None:
    assert Classifier(small, "cpu").provider == "cpu"


def test_cuda_is_refused_if_onnx_runtime_lacks_it(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(ModelError, match="has no CUDA"):
        Classifier(small, "cuda")
    assert Classifier(small, "auto").provider == "cpu"


def test_cuda_that_is_listed_but_does_not_start_is_not_reported(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As onnxruntime-gpu without CUDA's libraries: it lists the provider, then runs on the CPU in silence.
    session = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda data, options, providers, enable_fallback: session(data, options, providers=["CPUExecutionProvider"]),
    )
    assert Classifier(small, "auto").provider == "cpu"
    with pytest.raises(ModelError, match="CUDA did not start"):
        Classifier(small, "cuda")


@pytest.mark.parametrize(
    ("fails", "words"),
    [
        (lambda options: options.get("enable_cuda_graph") == "1", "CUDA did not start"),  # the CPU answers for the GPU
        (lambda options: "enable_cuda_graph" in options, "cannot be run: a GPU that is too old"),
    ],
    ids=["graph", "driver"],
)
def test_session_that_fails_on_the_gpu_is_retried_without_a_graph_and_auto_falls_back_to_the_cpu(
    small: Path, monkeypatch: pytest.MonkeyPatch, fails: Callable[[dict[str, str]], bool], words: str
) -> None:
    session = onnxruntime.InferenceSession
    tried: list[bool] = []

    def create(data: bytes, options: Any, providers: Any, enable_fallback: int) -> Any:
        assert not enable_fallback
        tried.append(fails(providers[0][1]))
        if tried[-1]:
            raise RuntimeError("a GPU that is too old")
        return session(data, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    monkeypatch.setattr(onnxruntime, "InferenceSession", create)
    monkeypatch.setattr(providers, "has_nvidia_driver", lambda: True)
    assert Classifier(small, "auto").provider == "cpu"
    assert tried[0] and not tried[-1]
    with pytest.raises(ModelError, match=words):
        Classifier(small, "cuda")


def test_zoo_lists_shipped_models_by_name(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(path.is_file() and path.stem == name for name, path in zoo().items())
    assert module.DEFAULT_MODEL in zoo()
    assert find_model(module.DEFAULT_MODEL) == zoo()[module.DEFAULT_MODEL]
    assert find_model(str(small)) == small


def test_default_model_loads_and_has_a_provenance() -> None:
    spec = Classifier().spec
    assert spec.name == module.DEFAULT_MODEL
    assert len(spec.labels) == 32
    provenance = spec.provenance
    assert provenance.data and provenance.date and provenance.licence and provenance.measured_on
    assert provenance.measured
