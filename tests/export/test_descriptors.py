from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from edmlive.errors import ModelError
from edmlive.export.descriptors import TOLERANCE, descriptor_graph, write_verified
from edmlive.models.descriptors import DescriptorNetwork
from edmlive.realtime.classifier import Classifier
from edmlive.realtime.onnx_file import read_model
from edmlive.spec import OUTPUT_NAME, ModelSpec, Provenance
from edmlive.training.datasets import Tracks, read_tracks
from edmlive.training.descriptors import DESCRIPTORS, describe, fit
from tests.training.tables import save_2021


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> Tracks:
    return read_tracks(save_2021(tmp_path_factory.mktemp("data") / "2021.csv"), DESCRIPTORS)


@pytest.fixture(scope="module")
def network(tracks: Tracks) -> DescriptorNetwork:
    network = fit(tracks)
    network.temperature = 0.8
    return network


@pytest.fixture(scope="module")
def spec(tracks: Tracks) -> ModelSpec:
    return describe("small", tuple(np.unique(tracks.genres).tolist()), Provenance(measured={"10-fold top-1": 0.5}))


def answer(model: onnx.ModelProto, values: np.ndarray) -> np.ndarray:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run([OUTPUT_NAME], {"descriptors": values.astype(np.float32)})[0]


def test_the_graph_answers_as_the_network_does(network: DescriptorNetwork, spec: ModelSpec, tracks: Tracks) -> None:
    graph = descriptor_graph(network, spec)
    probabilities = answer(graph, tracks.values)
    np.testing.assert_allclose(probabilities, network.probabilities(tracks.values), atol=TOLERANCE)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(answer(graph, tracks.values[7:8]), probabilities[7:8], atol=1e-6)


def test_random_descriptors_agree_too(network: DescriptorNetwork, spec: ModelSpec, tracks: Tracks) -> None:
    random = np.random.default_rng(1)
    values = tracks.values[random.integers(0, len(tracks), 500)] * np.exp(random.normal(0, 1, (500, len(DESCRIPTORS))))
    values = values.astype(np.float32).astype(float)
    np.testing.assert_allclose(
        answer(descriptor_graph(network, spec), values), network.probabilities(values), atol=1e-3
    )


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf, 0.0, -1.0, 1e30])
def test_strange_descriptors_agree_too(
    network: DescriptorNetwork, spec: ModelSpec, tracks: Tracks, strange: float
) -> None:
    values = np.concatenate([tracks.values[:1].repeat(len(DESCRIPTORS), axis=0), np.empty((1, len(DESCRIPTORS)))])
    values[np.arange(len(DESCRIPTORS)), np.arange(len(DESCRIPTORS))] = strange  # one of them, then all
    values[-1] = strange
    probabilities = answer(descriptor_graph(network, spec), values)
    np.testing.assert_allclose(probabilities, network.probabilities(values), atol=1e-3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_two_genres_are_enough(tracks: Tracks) -> None:
    two = tracks[np.isin(tracks.genres, ["Dubstep", "Big Room"])]
    graph = descriptor_graph(fit(two), describe("two", ("Big Room", "Dubstep"), Provenance()))
    named = np.array(["Big Room", "Dubstep"])[answer(graph, two.values).argmax(axis=1)]
    assert (named == two.genres).mean() > 0.9


def test_the_file_is_one_that_the_live_path_takes(
    tmp_path: Path, network: DescriptorNetwork, spec: ModelSpec, tracks: Tracks
) -> None:
    path = tmp_path / "small.onnx"
    difference, disagreements = write_verified(path, descriptor_graph(network, spec), network, tracks.values)
    assert 0 < difference < TOLERANCE and disagreements == 0
    assert [p.name for p in tmp_path.iterdir()] == ["small.onnx"], "one file, nothing partial left"
    assert read_model(path).spec == spec
    classifier = Classifier(path, "cpu")
    row = tracks.values[0].astype(np.float32)
    np.testing.assert_allclose(
        classifier.probabilities({"descriptors": row}), network.probabilities(tracks.values[:1])[0], atol=TOLERANCE
    )


def test_only_standard_operators(network: DescriptorNetwork, spec: ModelSpec) -> None:
    model = descriptor_graph(network, spec)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 18)]
    assert {node.domain for node in model.graph.node} == {""}


def test_a_spec_of_something_else_is_refused(network: DescriptorNetwork, spec: ModelSpec) -> None:
    fewer = replace(spec.inputs[0], shape=(3,), descriptors=DESCRIPTORS[:3])
    with pytest.raises(ModelError, match="does not describe"):
        descriptor_graph(network, replace(spec, inputs=(fewer,)))


def test_a_graph_that_differs_replaces_nothing(
    tmp_path: Path, network: DescriptorNetwork, spec: ModelSpec, tracks: Tracks
) -> None:
    path = tmp_path / "small.onnx"
    path.write_bytes(b"the former model")
    other = deepcopy(network)
    other.temperature = 2.0
    with pytest.raises(ModelError, match="differs from the model by 0"):
        write_verified(path, descriptor_graph(other, spec), network, tracks.values)
    assert path.read_bytes() == b"the former model" and len(list(tmp_path.iterdir())) == 1
