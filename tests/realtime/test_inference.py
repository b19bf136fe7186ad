"""A session on preallocated tensors: the same code on any device, tested on the CPU and, where there is one, a GPU."""

import threading
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import helper

from edmlive.export.network import network_graph
from edmlive.features.windows import Windows
from edmlive.kernels.tables import SAMPLE_RATE
from edmlive.realtime import providers
from edmlive.realtime.classifier import Classifier, zoo
from edmlive.realtime.inference import Inference
from edmlive.realtime.onnx_file import read_model
from edmlive.spec import OUTPUT_NAME, Features, ModelSpec
from tests import small_models
from tests.export.test_network import untrained
from tests.music import render

on_gpu = pytest.mark.skipif(
    not Path("/proc/driver/nvidia/version").exists() or providers.CUDA not in onnxruntime.get_available_providers(),
    reason="no NVIDIA GPU on this machine, or an ONNX Runtime without CUDA",
)
every_model = pytest.mark.parametrize("path", zoo().values(), ids=zoo())


def hear(spec: ModelSpec, count: int) -> list[Features]:
    """What a model sees of music, a second apart: of noise, networks are so sure that all answers are the same."""
    windows = Windows(spec)
    heard: list[Features] = []
    for second in render(count + 10, SAMPLE_RATE, 1).reshape(-1, SAMPLE_RATE):
        windows.push(second)
        tensors = windows.read().tensors
        if tensors is not None:
            heard.append(tensors)
    return heard[:count]


def plain_run(session: onnxruntime.InferenceSession, window: Features) -> NDArray[np.float32]:
    answer: NDArray[np.float32] = session.run([OUTPUT_NAME], {name: value[None] for name, value in window.items()})[0][
        0
    ]
    return answer


@every_model
def test_bound_tensors_give_the_same_bits_as_a_plain_run(path: Path) -> None:
    file = read_model(path)
    session = providers.open_session(file.data, [(providers.CPU, {})], 1)
    inference = Inference(session, file.spec, 1)
    windows = hear(file.spec, 3)
    answers = [inference([window])[0] for window in windows]  # all are kept: none may be overwritten by the next
    for answer, window in zip(answers, windows, strict=True):
        np.testing.assert_array_equal(answer, plain_run(session, window))


@every_model
def test_single_steps_make_a_decision(path: Path) -> None:
    classifier = Classifier(path, "cpu")
    (window,) = hear(classifier.spec, 1)
    inference = classifier.inference
    inference.write([window])
    inference.run()
    labels = inference.read(1)[0, : len(classifier.spec.labels)]
    np.testing.assert_allclose(labels / labels.sum(), classifier.probabilities(window), rtol=1e-5)


@every_model
def test_windows_in_a_batch_are_classified_independently_and_in_order(path: Path) -> None:
    one, four = Classifier(path, "cpu"), Classifier(path, "cpu", batch=4)
    windows = hear(one.spec, 10)  # two whole batches and a half
    singles = np.stack([one.probabilities(window) for window in windows])
    np.testing.assert_allclose(four.probabilities_of(windows), singles, atol=1e-6)
    np.testing.assert_allclose(four.probabilities(windows[7]), singles[7], atol=1e-6)
    assert len(np.unique(singles, axis=0)) == len(windows)
    assert four.probabilities_of([]).shape == (0, len(one.spec.labels))


def test_threads_may_share_a_session(tmp_path: Path) -> None:
    classifier = Classifier(
        small_models.save(tmp_path / "m.onnx", small_models.spec(small_models.CHUNK), scale=5), "cpu"
    )
    windows = hear(classifier.spec, 4)
    expected = [classifier.probabilities(window) for window in windows]
    wrong: list[int] = []

    def stream(number: int) -> None:
        for _ in range(200):
            if not np.array_equal(classifier.probabilities(windows[number]), expected[number]):
                wrong.append(number)

    threads = [threading.Thread(target=stream, args=(number,)) for number in range(len(windows))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_features_of_another_shape_are_refused(tmp_path: Path) -> None:
    classifier = Classifier(small_models.save(tmp_path / "m.onnx", small_models.spec(small_models.CHUNK)), "cpu")
    (window,) = hear(classifier.spec, 1)
    for wrong in (np.zeros((1, 200, 128), np.float32), np.zeros((200,), np.float32)):
        with pytest.raises(ValueError):
            classifier.probabilities({**window, "mel": wrong})


def test_file_in_half_precision_loads_and_agrees_approximately(tmp_path: Path) -> None:
    checkpoint = untrained("late-fusion")
    for name in ("single", "half"):
        onnx.save(network_graph(checkpoint, half=name == "half"), tmp_path / f"{name}.onnx")
    single, half = (Classifier(tmp_path / f"{name}.onnx", "cpu") for name in ("single", "half"))
    (window,) = hear(single.spec, 1)
    answer = half.probabilities(window)
    assert answer.dtype == np.float32
    np.testing.assert_allclose(answer, single.probabilities(window), atol=0.02)
    assert not np.array_equal(answer, single.probabilities(window))


@every_model
def test_all_shapes_of_a_gpu_session_are_fixed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The providers are those of a GPU, but the session is on the CPU; the shapes are fixed all the same.
    create = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda data, options, providers, enable_fallback: create(data, options, providers=["CPUExecutionProvider"]),
    )
    file = read_model(path)
    spec = file.spec
    session = providers.open_session(file.data, [(providers.CUDA, {}), (providers.CPU, {})], 3)
    assert {i.name: tuple(i.shape) for i in session.get_inputs()} == {i.name: (3, *i.shape) for i in spec.inputs}
    windows = hear(spec, 3)
    expected = Classifier(path, "cpu").probabilities_of(windows)
    output = Inference(session, spec, 3)(windows)
    assert output.shape == (3, spec.outputs)
    labels = output[:, : len(spec.labels)]
    np.testing.assert_allclose(labels / labels.sum(axis=1, keepdims=True), expected, atol=1e-6)


@on_gpu
@every_model
@pytest.mark.parametrize("batch", [1, 8])
def test_cuda_agrees_with_the_cpu_on_every_window(path: Path, batch: int) -> None:
    cpu, cuda = Classifier(path, "cpu"), Classifier(path, "cuda", batch)
    assert cuda.provider == "cuda"
    windows = hear(cpu.spec, 12)  # a captured graph that read old tensors would repeat the first answer
    allowed = 0.05 if "int8" in path.stem else 1e-4  # 8 bits round where the providers differ in the last bit
    np.testing.assert_allclose(cuda.probabilities_of(windows), cpu.probabilities_of(windows), atol=allowed)


@on_gpu
def test_graph_with_a_node_that_the_gpu_has_no_kernel_for_runs_on_cuda(tmp_path: Path) -> None:
    proto = small_models.build(small_models.spec())
    trees = helper.make_node(
        "TreeEnsembleRegressor",
        ["sum"],
        ["leaf"],
        domain="ai.onnx.ml",
        n_targets=1,
        nodes_treeids=[0],
        nodes_nodeids=[0],
        nodes_featureids=[0],
        nodes_modes=["LEAF"],
        nodes_values=[0.0],
        nodes_truenodeids=[0],
        nodes_falsenodeids=[0],
        target_treeids=[0],
        target_nodeids=[0],
        target_ids=[0],
        target_weights=[1.0],
    )
    proto.graph.node.insert(len(proto.graph.node) - 1, trees)
    proto.graph.node.insert(len(proto.graph.node) - 1, helper.make_node("Add", ["sum", "leaf"], ["grown"]))
    proto.graph.node[-1].input[0] = "grown"
    proto.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    onnx.save(proto, tmp_path / "trees.onnx")
    cpu, cuda = (Classifier(tmp_path / "trees.onnx", provider) for provider in ("cpu", "cuda"))
    (window,) = hear(cpu.spec, 1)
    np.testing.assert_allclose(cuda.probabilities(window), cpu.probabilities(window), atol=1e-4)
