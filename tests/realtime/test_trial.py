"""An untrusted model is run in another process first; nothing it does there reaches this one."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import platformdirs
import pytest
from onnx import helper, numpy_helper

from edmlive.errors import ModelError
from edmlive.realtime import inference, trial
from edmlive.realtime.classifier import Classifier
from edmlive.spec import Features
from tests import small_models
from tests.fuzz.mutate import no_longer_than


def rewired(proto: onnx.ModelProto, *nodes: onnx.NodeProto, **constants: np.ndarray) -> None:
    """Let nodes make ``probabilities`` out of ``answer``, which is what the model answered before, and constants."""
    (last,) = (node for node in proto.graph.node if "probabilities" in node.output)
    last.output[0] = "answer"
    proto.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    proto.graph.node.extend(nodes)


def gigabytes(proto: onnx.ModelProto) -> None:
    rewired(
        proto,
        helper.make_node("ConstantOfShape", ["shape"], ["huge"]),
        helper.make_node("ReduceSum", ["huge"], ["sum"], keepdims=0),
        helper.make_node("Add", ["answer", "sum"], ["probabilities"]),
        shape=np.array([8, 1 << 30], np.int64),
    )


def on_sound(proto: onnx.ModelProto, value: float) -> None:
    """Add something to the answer, but not in silence, as a warm-up is."""
    rewired(
        proto,
        helper.make_node("ReduceMax", ["descriptors"], ["most"], keepdims=0),
        helper.make_node("Greater", ["most", "zero"], ["loud"]),
        helper.make_node("Where", ["loud", "value", "zero"], ["added"]),
        helper.make_node("Add", ["answer", "added"], ["probabilities"]),
        zero=np.array(0, np.float32),
        value=np.array(value, np.float32),
    )


def slow_on_sound(proto: onnx.ModelProto) -> None:
    """Multiply matrices for minutes, but of no size in silence."""
    chain = [helper.make_node("MatMul", [f"m{k}", "m0"], [f"m{k + 1}"]) for k in range(2_000)]
    rewired(
        proto,
        helper.make_node("ReduceMax", ["descriptors"], ["most"], keepdims=0),
        helper.make_node("Greater", ["most", "threshold"], ["loud"]),
        helper.make_node("Where", ["loud", "large", "small"], ["shape"]),
        helper.make_node("Expand", ["zero", "shape"], ["m0"]),
        *chain,
        helper.make_node("ReduceSum", [f"m{len(chain)}"], ["total"], keepdims=0),
        helper.make_node("Add", ["answer", "total"], ["probabilities"]),
        threshold=np.array(2, np.float32),
        zero=np.array(0, np.float32),
        large=np.array([1_500, 1_500], np.int64),
        small=np.array([1, 1], np.int64),
    )


def not_a_number_on_sound(proto: onnx.ModelProto) -> None:
    on_sound(proto, np.nan)


def infinite_on_sound(proto: onnx.ModelProto) -> None:
    on_sound(proto, np.inf)


def failure_on_sound(proto: onnx.ModelProto) -> None:
    labels = len(small_models.LABELS)
    rewired(
        proto,
        helper.make_node("ReduceMax", ["descriptors"], ["most"], keepdims=0),
        helper.make_node("Greater", ["most", "zero"], ["loud"]),
        helper.make_node("Where", ["loud", "wrong", "right"], ["shape"]),
        helper.make_node("Reshape", ["answer", "shape"], ["probabilities"]),
        zero=np.array(0, np.float32),
        wrong=np.array([1, labels + 1], np.int64),
        right=np.array([1, labels], np.int64),
    )


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[Callable[[onnx.ModelProto], None]], Path]:
    def save(change: Callable[[onnx.ModelProto], None]) -> Path:
        proto = small_models.build(small_models.spec())
        change(proto)
        path = tmp_path / "model.onnx"
        path.write_bytes(proto.SerializeToString())
        return path

    return save


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (gigabytes, "cannot be run"),
        (failure_on_sound, "cannot be run"),
        (not_a_number_on_sound, "sum to 1"),
        (infinite_on_sound, "sum to 1"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_model_that_fails_on_sound_is_refused_before_it_is_loaded(
    saved: Callable[[Callable[[onnx.ModelProto], None]], Path], change: Callable[[onnx.ModelProto], None], words: str
) -> None:
    path = saved(change)
    with pytest.raises(ModelError, match=words) as refusal:
        Classifier(path, "cpu")
    assert str(refusal.value).startswith(f"Model {path} ") and "\n" not in str(refusal.value)


def test_trusted_model_that_fails_later_is_a_model_error_too(
    saved: Callable[[Callable[[onnx.ModelProto], None]], Path],
) -> None:
    classifier = Classifier(saved(failure_on_sound), "cpu", trusted=True)
    with pytest.raises(ModelError, match="cannot be run"):
        classifier.probabilities({i.name: np.ones(i.shape, np.float32) for i in classifier.spec.inputs})


def test_model_that_does_not_return_is_given_up(
    saved: Callable[[Callable[[onnx.ModelProto], None]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "TRIAL_SECONDS", 0.01)
    with pytest.raises(ModelError, match="does not answer within"):
        Classifier(saved(lambda proto: proto.graph.node[0].__setattr__("name", "slow")), "cpu")


def test_run_that_does_not_return_is_ended_and_the_next_one_runs(
    saved: Callable[[Callable[[onnx.ModelProto], None]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "RUN_SECONDS", 0.5)
    classifier = Classifier(saved(slow_on_sound), "cpu")

    def filled(value: float) -> Features:
        return {i.name: np.full(i.shape, value, np.float32) for i in classifier.spec.inputs}

    with no_longer_than(20), pytest.raises(ModelError, match=r"cannot be run: it does not return within 0\.5 s\."):
        classifier.probabilities(filled(3))
    assert classifier.probabilities(filled(0)).sum() == pytest.approx(1, abs=1e-3)


def test_same_file_is_tried_once(
    saved: Callable[[Callable[[onnx.ModelProto], None]], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / name)
    path = saved(lambda proto: None)
    runs, run = [], subprocess.run

    def counted(*arguments: Any, **options: Any) -> subprocess.CompletedProcess[bytes]:
        runs.append(arguments)
        return run(*arguments, **options)

    monkeypatch.setattr(subprocess, "run", counted)
    Classifier(path, "cpu")
    Classifier(path, "cpu")
    assert len(runs) == 1
    proto = onnx.load(path)
    proto.producer_name = "another"
    onnx.save(proto, path)
    Classifier(path, "cpu")
    assert len(runs) == 2
