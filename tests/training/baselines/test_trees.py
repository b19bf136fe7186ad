"""Tree ensembles over descriptors, from a table to a report and a model that listens."""

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import onnxruntime as ort
import pytest
from typer.testing import CliRunner, Result

from edmlive.cli import app
from edmlive.errors import UserError
from edmlive.export.descriptors import write_verified
from edmlive.models.inputs import Ensemble
from edmlive.realtime.classifier import Classifier
from edmlive.spec import OUTPUT_NAME, Provenance
from edmlive.training.baselines.trees import fit
from edmlive.training.baselines.trees_graph import ensemble_graph
from edmlive.training.cross_validation import CrossValidation, cross_validate
from edmlive.training.datasets import Tracks, read_tracks
from edmlive.training.descriptor_report import confusion_graph
from edmlive.training.descriptors import DESCRIPTORS, TEMPO, describe
from tests.training.tables import TEMPI, save_2016, save_2021, table_of_2021


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> Tracks:
    return read_tracks(save_2021(tmp_path_factory.mktemp("data") / "2021.csv"), DESCRIPTORS)


def train(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


@pytest.mark.parametrize("model", get_args(Ensemble))
def test_same_seed_gives_the_same_predictions(tracks: Tracks, model: Ensemble) -> None:
    half = np.arange(len(tracks)) % 2 == 0
    ensembles = [fit(model, tracks[half], seed=seed) for seed in (0, 0, 1)]
    first, same, other = (ensemble.probabilities(tracks[~half].values) for ensemble in ensembles)
    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).max() > 1e-6
    np.testing.assert_allclose(first.sum(axis=1), 1)
    labels = np.unique(tracks.genres)
    assert (labels[first.argmax(axis=1)] == tracks.genres[~half]).mean() > 0.7


def test_what_decides_is_important(tracks: Tracks) -> None:
    names = tracks.names
    random = np.random.default_rng(0)
    values = random.standard_normal(tracks.values.shape)
    values[:, names.index(TEMPO)] = tracks.values[:, names.index(TEMPO)]
    importances = fit("extra-trees", Tracks(names, values, tracks.genres, tracks.artists)).importances()
    assert importances.sum() == pytest.approx(1)
    assert names[int(importances.argmax())] == TEMPO and importances.max() > 0.3


def test_learns_nothing_where_there_is_nothing_to_learn(tracks: Tracks) -> None:
    genres = np.random.default_rng(0).permutation(tracks.genres)
    shuffled = Tracks(tracks.names, tracks.values, genres, tracks.artists)
    result = cross_validate(shuffled, lambda known: fit("extra-trees", known), folds=3)
    assert result.figures()["top-1"] < 0.5


@pytest.mark.parametrize("genres", [4, 2])
@pytest.mark.parametrize("model", get_args(Ensemble))
def test_the_graph_answers_as_the_trees_do(tracks: Tracks, model: Ensemble, genres: int) -> None:
    labels = tuple(np.unique(tracks.genres)[:genres].tolist())
    random = np.random.default_rng(0)
    shuffled = replace(tracks, genres=random.permutation(tracks.genres))  # what is hard to tell makes deep trees
    ensemble = fit(model, shuffled[np.isin(shuffled.genres, labels)])
    ensemble.temperature = 0.4
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


def test_command_exports_and_reports(tmp_path: Path) -> None:
    table, model = save_2021(tmp_path / "2021.csv"), tmp_path / "mine.onnx"
    result = train(table, "--model", "extra-trees", "-o", model, "--folds", 3)
    assert result.exit_code == 0, result.output
    for said in ("3-fold top-1 ", "±", "artists apart", "0 answers differ", "mine.html"):
        assert said in result.output
    report = json.loads((tmp_path / "mine.json").read_text())
    assert set(report["importances"]) == set(DESCRIPTORS)
    assert list(report["importances"].values()) == sorted(report["importances"].values(), reverse=True)
    assert set(report["deviations"]) == {
        f"3-fold top-{k}{ending}" for k in (1, 3, 5) for ending in ("", ", artists apart")
    }
    page = (tmp_path / "mine.html").read_text()
    assert page.count("<svg") == 3 and "<script" not in page and "<link" not in page
    for said in ("Most important descriptors", "mistaken for which", "Drum&amp;Bass", "3-fold top-3"):
        assert said in page

    classifier = Classifier(model, "cpu")
    unseen = table_of_2021(5, seed=7)
    answers = [
        classifier.spec.labels[int(classifier.probabilities({"descriptors": row}).argmax())]
        for row in unseen[list(DESCRIPTORS)].to_numpy(np.float32)
    ]
    assert np.mean(np.array(answers) == unseen["genre"]) > 0.9


def test_a_table_without_artists_or_later_descriptors_will_do(tmp_path: Path) -> None:
    result = train(save_2016(tmp_path / "t.csv"), "--model", "extra-trees", "-o", tmp_path / "m.onnx", "--folds", 2)
    assert result.exit_code == 0, result.output
    assert "artists apart" not in result.output
    (taken,) = Classifier(tmp_path / "m.onnx", "cpu").spec.inputs
    assert taken.descriptors[-1] == TEMPO and set(Classifier(tmp_path / "m.onnx", "cpu").spec.labels) >= {"BigRoom"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "extra-trees", "--width", "64"), "--width is among the options of networks, and extra-trees is"),
        (("--model", "descriptors", "--recipe", "modern"), "--recipe is among the options of networks"),
        (("--model", "mfcc-mlp", "--folds", "10"), "--folds is among the options of models over descriptors"),
        (("--model", "adaboost", "--pool", "other.csv"), "--pool is an option of --model descriptors"),
    ],
)
def test_options_of_other_models_are_refused(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    result = train(save_2021(tmp_path / "2021.csv"), "-o", tmp_path / "m.onnx", *arguments)
    assert isinstance(result.exception, UserError) and words in str(result.exception)
    assert "\n" not in str(result.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["2021.csv"]


def test_the_graph_of_confusions_has_an_arrow_for_each_common_one() -> None:
    truth = np.repeat([0, 1, 2], 10)
    called = truth.copy()
    called[:3], called[10] = 1, 2  # three of ten a are called b, one of ten b is called c
    result = CrossValidation(tuple(TEMPI)[:3], truth, truth * 0, np.eye(3)[called])
    for least, arrows in ((0.05, 2), (0.2, 1), (0.4, 0)):
        (axes,) = confusion_graph(result, least).axes
        assert sum(getattr(text, "arrow_patch", None) is not None for text in axes.texts) == arrows
