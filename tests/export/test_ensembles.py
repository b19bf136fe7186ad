"""Tree ensembles as ONNX files: the same answers as scikit-learn's, on what it learnt from and on anything else."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import onnxruntime as ort
import pytest

from edmlive.export.descriptors import write_verified
from edmlive.export.ensembles import ensemble_graph
from edmlive.models.inputs import Ensemble
from edmlive.realtime.classifier import Classifier
from edmlive.spec import OUTPUT_NAME, Provenance
from edmlive.training.datasets import Tracks, read_tracks
from edmlive.training.descriptors import DESCRIPTORS, describe
from edmlive.training.ensembles import fit
from tests.training.tables import save_2021


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> Tracks:
    return read_tracks(save_2021(tmp_path_factory.mktemp("data") / "2021.csv"), DESCRIPTORS)


@pytest.mark.parametrize("genres", [4, 2])
@pytest.mark.parametrize("model", get_args(Ensemble))
def test_the_graph_answers_as_the_trees_do(tracks: Tracks, model: Ensemble, genres: int) -> None:
    labels = tuple(np.unique(tracks.genres)[:genres].tolist())
    random = np.random.default_rng(0)
    shuffled = replace(tracks, genres=random.permutation(tracks.genres))  # what is hard to tell makes deep trees
    ensemble = replace(fit(model, shuffled[np.isin(shuffled.genres, labels)]), temperature=0.4)
    graph = ensemble_graph(ensemble, describe("small", labels, Provenance()))
    session = ort.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    mixed = np.stack([random.choice(column, 300) for column in tracks.values.T], axis=1)
    for values in (tracks.values, mixed):
        (answer,) = session.run([OUTPUT_NAME], {"descriptors": values.astype(np.float32)})
        np.testing.assert_allclose(answer, ensemble.probabilities(values), atol=1e-4)
        assert len(np.unique(answer.argmax(axis=1))) == genres


def test_a_descriptor_at_a_threshold_stays_on_its_side(tracks: Tracks) -> None:
    ensemble = fit("extra-trees", tracks)
    graph = ensemble_graph(ensemble, describe("small", tuple(np.unique(tracks.genres).tolist()), Provenance()))
    session = ort.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    values = tracks.values[:1].astype(np.float32).repeat(400, axis=0)
    for row, member in zip(values, ensemble.estimator.estimators_, strict=True):
        row[member.tree_.feature[0]] = member.tree_.threshold[0]
    (answer,) = session.run([OUTPUT_NAME], {"descriptors": values})
    np.testing.assert_allclose(answer, ensemble.probabilities(values), atol=1e-4)


def test_the_file_runs_live(tracks: Tracks, tmp_path: Path) -> None:
    spec = describe("small", tuple(np.unique(tracks.genres).tolist()), Provenance())
    ensemble = fit("extra-trees", tracks)
    graph = ensemble_graph(ensemble, spec)
    difference, disagreements = write_verified(tmp_path / "m.onnx", graph, ensemble, tracks.values)
    assert difference < 1e-4 and disagreements == 0
    classifier = Classifier(tmp_path / "m.onnx", "cpu")
    answers = [classifier.probabilities({"descriptors": row.astype(np.float32)}).argmax() for row in tracks.values]
    assert np.mean(np.array(spec.labels)[answers] == tracks.genres) == 1
