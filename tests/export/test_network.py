"""Networks as ONNX files: PyTorch's answers, nearly so in lower precision, and the same live as offline."""

import dataclasses
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from edmlive.cli import app
from edmlive.errors import ModelError, UserError
from edmlive.export import Calibration
from edmlive.export import export as export_network
from edmlive.export.network import network_graph, session, verify, write_model
from edmlive.export.precision import gate, to_int8
from edmlive.features.windows import Windows
from edmlive.models.checkpoint import Checkpoint, Training
from edmlive.models.inputs import Architecture, inputs_of
from edmlive.models.networks import SubgenreNetwork
from edmlive.realtime.classifier import Classifier
from edmlive.spec import Features, ModelSpec
from edmlive.training.candidates import open_candidate, parts
from edmlive.training.chunks import chunk_features
from edmlive.training.experiment import Experiment
from edmlive.training.module import standardise
from edmlive.training.recipes import MODERN
from edmlive.training.store import FeatureStore
from tests import small_models
from tests.conftest import decode
from tests.training import corpora

LABELS = tuple(corpora.TEMPI)


def untrained(architecture: Architecture, width: int = 4) -> Checkpoint:
    """A network whose weights are random, but not its batch statistics: what traps an export."""
    torch.manual_seed(0)
    network = SubgenreNetwork(architecture, 3, width).eval()
    for buffer in network.buffers():
        if buffer.dtype == torch.float32:
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    spec = ModelSpec(architecture, LABELS, inputs_of(architecture), window="hamming", mel_scale="db")
    return Checkpoint(network, spec, Training(architecture, width, "modern", 1, "0", 0, 0.0, 1e9, (), ()))


@pytest.fixture(scope="module")
def checkpoint(store: FeatureStore) -> Checkpoint:
    """Late fusion with real standardisation, calmed by random features and otherwise untrained."""
    experiment = Experiment(store, "late-fusion", 4, MODERN)
    torch.manual_seed(0)
    network = SubgenreNetwork("late-fusion", 3, 4)
    chunks = experiment.chunks("train")
    standardise(network, chunks, seed=0)
    batch = {
        i.name: torch.from_numpy(np.stack([chunks[k][0][i.name] for k in range(len(chunks))])) for i in network.inputs
    }
    for _ in range(20):
        network(batch)
    return Checkpoint(network.eval(), experiment.spec("m"), experiment.training())


def drawn_features(checkpoint: Checkpoint, count: int = 16) -> dict[str, NDArray[np.float32]]:
    """Draw raw features as widely spread as those of the training split."""
    random = np.random.default_rng(0)
    drawn: dict[str, NDArray[np.float32]] = {}
    for i in checkpoint.spec.inputs:
        standardise = checkpoint.network.standardise[i.name]
        mean, deviation = (standardise.get_buffer(name).numpy() for name in ("mean", "deviation"))
        level = random.standard_normal((count, *i.shape), np.float32)
        drawn[i.name] = (mean + deviation * level).astype(np.float32)
    return drawn


@pytest.fixture(scope="module")
def model(checkpoint: Checkpoint) -> onnx.ModelProto:
    return network_graph(checkpoint)


@pytest.mark.parametrize("architecture", ["temporal-fusion", "metric-fusion"])
def test_graph_gives_the_networks_logits_and_carries_its_spec(architecture: Architecture) -> None:
    source = untrained(architecture)
    model = network_graph(source)
    features = drawn_features(source, count=5)
    assert verify(model, source, features) <= 1e-5
    (probabilities,) = session(model).run(None, features)
    np.testing.assert_allclose(probabilities, source.probabilities(features), atol=1e-5)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert ModelSpec.from_json(metadata["edmlive"]) == source.spec
    assert Training.from_json(metadata["edmlive_training"]) == source.training
    assert model.graph.node[-1].op_type == "Softmax"
    assert not any(node.op_type == "BatchNormalization" for node in model.graph.node)


def test_a_graph_that_differs_is_refused(checkpoint: Checkpoint, model: onnx.ModelProto) -> None:
    other = dataclasses.replace(checkpoint, network=SubgenreNetwork("late-fusion", 3, 4).eval())
    with pytest.raises(ModelError, match="logits differ from the network's by"):
        verify(model, other, drawn_features(checkpoint))


@pytest.mark.parametrize(("largest", "within", "beyond"), [(4.0, 0.8e-5, 1.2e-5), (40.0, 2e-5, 1e-4)])
def test_the_tolerance_is_in_logits_and_leaves_room_for_rounding_large_ones(
    largest: float, within: float, beyond: float
) -> None:
    source = untrained("fourier")
    last: Any = source.network.classify
    features = drawn_features(source, count=2)
    with torch.no_grad():
        logits = source.network({name: torch.from_numpy(array) for name, array in features.items()})
        last.weight *= largest / logits.abs().max()
        last.bias *= largest / logits.abs().max()
        model = network_graph(source)
        last.bias += within
        assert verify(model, source, features) == pytest.approx(within, rel=0.5)
        last.bias += beyond - within
        with pytest.raises(ModelError, match="nothing was written"):
            verify(model, source, features)


def test_int8_is_unsigned_activations_and_signed_weights_by_channel(
    checkpoint: Checkpoint, model: onnx.ModelProto, store: FeatureStore
) -> None:
    chunks = Experiment(store, "late-fusion", 4, MODERN).chunks("train")
    features: dict[str, NDArray[np.float32]] = {
        name: np.stack([chunks[k][0][name] for k in range(4)]) for name in chunks[0][0]
    }
    quantised = to_int8(model, [features])
    tensors = {tensor.name: tensor for tensor in quantised.graph.initializer}
    quantisers = [node for node in quantised.graph.node if node.op_type == "QuantizeLinear"]
    assert quantisers
    assert {tensors[node.input[2]].data_type for node in quantisers} == {onnx.TensorProto.UINT8}
    kinds = {name: t for name, t in tensors.items() if name.endswith("weight_quantized")}
    assert len(kinds) == 22 and {t.data_type for t in kinds.values()} == {onnx.TensorProto.INT8}
    scales = [t for name, t in tensors.items() if name.endswith("weight_scale") and "blocks.3" in name]
    assert all(list(t.dims) == [8] for t in scales), "a scale for each channel"
    (answer,) = session(quantised).run(None, features)
    np.testing.assert_allclose(answer, checkpoint.probabilities(features), atol=0.05)
    assert quantised.metadata_props == model.metadata_props


def test_a_relu_costs_nothing_where_its_input_is_quantised(checkpoint: Checkpoint, model: onnx.ModelProto) -> None:
    """What it would cut off, the scale leaves out."""
    quantised = to_int8(model, [drawn_features(checkpoint, count=2)])
    makers = {output: node.op_type for node in quantised.graph.node for output in node.output}
    left = [makers[node.input[0]] for node in quantised.graph.node if node.op_type == "Relu"]
    assert left == ["Conv"] * 9, "of the convolutions of one channel, which are not"


def test_float16_takes_and_gives_single_precision(
    checkpoint: Checkpoint, model: onnx.ModelProto, store: FeatureStore
) -> None:
    chunks = Experiment(store, "late-fusion", 4, MODERN).chunks("train")
    features: dict[str, NDArray[np.float32]] = {name: array[np.newaxis] for name, array in chunks[0][0].items()}
    features["fourier_tempogram"] = features["fourier_tempogram"] * 1e3  # beyond what 16 bits hold
    half = network_graph(checkpoint, half=True)
    assert half.ByteSize() < 0.65 * model.ByteSize()
    (answer,) = session(half).run(None, features)
    assert answer.dtype == np.float32
    np.testing.assert_allclose(answer, checkpoint.probabilities(features), atol=0.01)


def test_gate_lets_half_a_point_through() -> None:
    gate(0.600, 0.596, force=False)
    gate(0.6, 0.5, force=True)
    gate(0.5, 0.6, force=False)
    with pytest.raises(ModelError, match=r"costs 0\.6 points of accuracy \(60\.0% to 59\.4%\)"):
        gate(0.600, 0.594, force=False)


def export(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


@pytest.mark.parametrize("options", [(), ("--int8", "--force"), ("--fp16", "--force")], ids=" ".join)
def test_command_writes_a_model_that_answers_live_as_offline(
    checkpoint: Checkpoint, store: FeatureStore, tmp_path: Path, options: tuple[str, ...]
) -> None:
    source, target = tmp_path / "c.safetensors", tmp_path / "m.onnx"
    checkpoint.save(source)
    result = export(source, "-o", target, "--calibrate", store.folder, *options)
    assert result.exit_code == 0, result.output
    assert "Logits are within" in result.output and "on recordings of" in result.output
    classifier = Classifier(target, "cpu")
    track = parts(store, checkpoint.training).train[0]  # in whose range 8 bits are calibrated
    windows = Windows(classifier.spec)
    windows.push(decode(store.folder.parent / "corpus" / track.name)[0][: 399 * 512 + 1024, 0])
    live = windows.read().tensors
    assert live is not None
    rows = store.frames(track)
    offline = chunk_features(rows, 200, classifier.spec.inputs, classifier.spec.mel_scale)
    expected = checkpoint.probabilities({name: array[np.newaxis] for name, array in offline.items()})[0]
    np.testing.assert_allclose(classifier.probabilities(live), expected, atol=0.05 if "--force" in options else 1e-5)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("seed", "x", "malformed at 'seed'"),
        ("architecture", "gru", "malformed at 'architecture'"),
        ("width", 0, "width of 0"),
    ],
)
def test_a_checkpoint_with_malformed_training_metadata_is_refused(
    tmp_path: Path, field: str, value: Any, words: str
) -> None:
    path, source = tmp_path / "c.safetensors", untrained("fourier")
    dataclasses.replace(source, training=dataclasses.replace(source.training, **{field: value})).save(path)
    with pytest.raises(ModelError, match=words) as caught:
        Checkpoint.load(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_to_be_evaluated_is_checked_like_one_for_live_use(tmp_path: Path) -> None:
    model = small_models.build(small_models.spec(small_models.CHUNK))
    onnx.save(model, tmp_path / "outside.onnx", save_as_external_data=True, size_threshold=0)
    model = small_models.build(small_models.spec(small_models.CHUNK))
    small_models.carry(model, small_models.spec(small_models.CHUNK[:1]).to_json())
    onnx.save(model, tmp_path / "other.onnx")
    for name, words in (("outside.onnx", "keeps weights outside itself"), ("other.onnx", "but its spec says")):
        with pytest.raises(ModelError, match=words):
            open_candidate(tmp_path / name)


def test_command_verifies_without_a_store(tmp_path: Path) -> None:
    untrained("fourier").save(tmp_path / "c.safetensors")
    result = export(tmp_path / "c.safetensors", "-o", tmp_path / "m.onnx")
    assert result.exit_code == 0, result.output
    assert "on rendered music" in " ".join(result.output.split())
    assert Classifier(tmp_path / "m.onnx", "cpu").spec.name == "fourier"


def test_refused_precision_leaves_the_earlier_model(checkpoint: Checkpoint, tmp_path: Path) -> None:
    target = tmp_path / "m.onnx"
    target.write_text("earlier")
    accuracies = iter((0.9, 0.5))
    drawn = Calibration(lambda most: [drawn_features(checkpoint, 2)], lambda _: next(accuracies), "drawn features")
    with pytest.raises(ModelError, match=r"costs 40\.0 points"):
        export_network(checkpoint, target, precision="int8", calibration=drawn)
    with pytest.raises(ModelError, match="calibration"):
        export_network(checkpoint, target, precision="int8")
    assert target.read_text() == "earlier"


def test_reports_what_it_measured(checkpoint: Checkpoint, tmp_path: Path) -> None:
    accuracies, asked = iter((0.9, 0.5)), []

    def batches(most: int) -> list[Features]:
        asked.append(most)
        return [drawn_features(checkpoint, 2)]

    drawn = Calibration(batches, lambda _: next(accuracies), "drawn features", "agreement")
    target = tmp_path / "m.onnx"
    exported = export_network(checkpoint, target, precision="fp16", calibration=drawn, force=True)
    assert exported.size == target.stat().st_size and 0 < exported.difference < 1e-5
    assert (exported.source, exported.metric) == ("drawn features", "agreement")
    assert (exported.float32_accuracy, exported.accuracy) == (0.9, 0.5)
    assert asked == [16]
    exported = export_network(checkpoint, target, calibration=drawn)
    assert exported.accuracy is None and asked == [16, 16], "single precision is not scored"


def test_importing_export_does_not_load_torch() -> None:
    code = "import sys, edmlive.export, edmlive.training; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"torch", "onnx", "sklearn", "onnxruntime"}.isdisjoint(loaded)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_leaves_the_earlier_model(tmp_path: Path) -> None:
    target = tmp_path / "m.onnx"
    target.write_text("earlier")
    (tmp_path / "m.onnx.part").symlink_to("/dev/full")
    with pytest.raises(ModelError, match=r"m\.onnx cannot be written: no space left on device\.$"):
        write_model(target, small_models.build(small_models.spec()))
    assert target.read_text() == "earlier" and [path.name for path in tmp_path.iterdir()] == ["m.onnx"]


def test_no_room_for_quantisation_is_one_sentence(checkpoint: Checkpoint, model: onnx.ModelProto) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(ModelError, match=r"needs room for temporary files in .*: file too large\.$"):
            to_int8(model, [drawn_features(checkpoint, count=1)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_contradictions_are_refused(tmp_path: Path) -> None:
    for arguments, words in (
        (("-o", "m.onnx", "--int8", "--fp16"), "not both"),
        (("-o", "m.onnx", "--int8"), "--calibrate STORE"),
        (("-o", "m.pb"), ".onnx file"),
    ):
        result = export(tmp_path / "c.safetensors", *arguments)
        assert result.exit_code == 2 and words in result.output
    assert isinstance(export(tmp_path / "none.safetensors", "-o", tmp_path / "m.onnx").exception, UserError)
