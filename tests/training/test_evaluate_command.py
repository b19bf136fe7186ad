"""``edmlive evaluate`` and ``edmlive plot``."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from edmlive.cli import app
from edmlive.errors import ModelError, UserError
from edmlive.export.network import network_graph
from edmlive.models.checkpoint import Checkpoint
from edmlive.models.networks import SubgenreNetwork
from edmlive.realtime.classifier import Classifier
from edmlive.training.corpus import Recording
from edmlive.training.experiment import Experiment
from edmlive.training.features import compute_features
from edmlive.training.figures import tempo
from edmlive.training.recipes import PAPER
from edmlive.training.split import split
from edmlive.training.store import FeatureStore
from tests import models
from tests.training import corpora
from tests.training.corpora import TEMPI


@pytest.fixture
def checkpoint(store: FeatureStore) -> Checkpoint:
    experiment = Experiment(store, "fourier", 2, PAPER)
    torch.manual_seed(0)
    return Checkpoint(SubgenreNetwork("fourier", 3, 2).eval(), experiment.spec("mine"), experiment.training())


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_reports_checkpoint_and_onnx_alike(checkpoint: Checkpoint, store: FeatureStore, tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "c.safetensors")
    (tmp_path / "m.onnx").write_bytes(network_graph(checkpoint).SerializeToString())
    report = tmp_path / "r.html"
    result = run("evaluate", store.folder, tmp_path / "c.safetensors", tmp_path / "m.onnx", "-o", report)
    assert result.exit_code == 0, result.output
    facts = json.loads((tmp_path / "r.json").read_text())["models"]
    one, two = facts["mine"], facts[str(tmp_path / "m.onnx")]
    assert one["songs"] == two["songs"] and one["figures"] == pytest.approx(two["figures"], abs=1e-4)
    assert set(one["songs"]) == {track.name for track in split(store.tracks, 0).test}, "the test split only"
    assert one["chunks"] == 9 and np.sum(one["confusion"]) == 3
    page = report.read_text()
    assert page.count("<svg") == 4 and "http://" not in page.replace("http://www.w3.org", "").replace(
        "http://purl.org", ""
    ).replace("http://creativecommons.org", "")
    for said in ("song-level accuracy", "mine", "jungle"):
        assert said in page


def test_another_store_is_taken_whole(checkpoint: Checkpoint, store: FeatureStore, tmp_path: Path) -> None:
    training = dataclasses.replace(checkpoint.training, store="another")
    dataclasses.replace(checkpoint, training=training).save(tmp_path / "c.safetensors")
    result = run("evaluate", store.folder, tmp_path / "c.safetensors", "-o", tmp_path / "r.html")
    assert result.exit_code == 0, result.output
    assert len(json.loads((tmp_path / "r.json").read_text())["models"]["mine"]["songs"]) == len(store.tracks)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (models.spec(), "takes descriptors"),
        (models.spec(models.CHUNK, window="hann"), "hann window"),
        (models.spec(models.CHUNK, window="hamming"), "no recording, long enough, of a genre"),
    ],
    ids=["descriptors", "window", "genres"],
)
def test_a_model_that_does_not_fit_the_store_is_refused(
    store: FeatureStore, tmp_path: Path, spec: models.ModelSpec, words: str
) -> None:
    path = models.save(tmp_path / "m.onnx", spec)
    result = run("evaluate", store.folder, path, "-o", tmp_path / "r.html")
    assert isinstance(result.exception, UserError) and words in str(result.exception)
    assert not (tmp_path / "r.html").exists()


def test_files_that_are_no_models_are_refused(store: FeatureStore, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"\xffnothing")
    for name in ("m.onnx", "none.onnx", "none.safetensors"):
        result = run("evaluate", store.folder, tmp_path / name, "-o", tmp_path / "r.html")
        assert isinstance(result.exception, ModelError) and name in str(result.exception)
        assert "\n" not in str(result.exception)


def test_plots(store: FeatureStore, tmp_path: Path) -> None:
    track = store.folder.parent / "corpus" / store.tracks[0].name
    for arguments in ((track, "-o", tmp_path / "a.png"), ("tempo", store.folder, "-o", tmp_path / "b.svg")):
        assert run("plot", *arguments).exit_code == 0
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "jungle" in (tmp_path / "b.svg").read_text()
    result = run("plot", "tempo", store.folder, "-o", tmp_path / "b.xyz")
    assert isinstance(result.exception, UserError) and "b.xyz" in str(result.exception)


def test_tempo_is_the_rendered_one(store: FeatureStore) -> None:
    for track in store.tracks:
        bpm = TEMPI[track.genre] + int(Path(track.name).stem) / 2
        octaves = np.log2(tempo(store.frames(track)[:, 128]) / bpm)
        assert abs(octaves - round(octaves)) < 0.01


@pytest.fixture
def distilled(taught_store: FeatureStore) -> Checkpoint:
    experiment = Experiment(taught_store, "fourier", 2, PAPER, distil=True)
    torch.manual_seed(0)
    return Checkpoint(SubgenreNetwork("fourier", 4, 2).eval(), experiment.spec("student"), experiment.training())


def test_networks_are_held_against_the_stores_teacher(
    distilled: Checkpoint, checkpoint: Checkpoint, taught_store: FeatureStore, tmp_path: Path
) -> None:
    distilled.save(tmp_path / "d.safetensors")
    checkpoint.save(tmp_path / "c.safetensors")
    report = tmp_path / "r.html"
    result = run("evaluate", taught_store.folder, tmp_path / "d.safetensors", tmp_path / "c.safetensors", "-o", report)
    assert result.exit_code == 0, result.output
    facts = json.loads((tmp_path / "r.json").read_text())
    assert facts["teacher"] == "small"
    agreeing = facts["agreement"]["student"]
    expected = split(taught_store.tracks, 0, labelled=False).test
    assert set(agreeing["songs"]) == {track.name for track in expected}, "with and without a genre, not trained on"
    assert any(track.genre is None for track in expected)
    assert agreeing["compared by"] == "labels" and 0 <= agreeing["mean top-3 overlap"] <= 3
    assert "mine" not in facts["agreement"], "jungle is none of the common classes"
    assert facts["models"]["student"]["compared by"] == "common classes"
    assert facts["models"]["mine"]["compared by"] == "labels" and facts["models"]["mine"]["tracks"] == 12
    assert facts["models"]["small (teacher)"]["tracks"] == 8, "breaks and house"
    for said in ("Agreement with small", "small (teacher)", "common classes"):
        assert said in report.read_text()
    assert "song-level agreement" in result.output and "of 3" in result.output


def test_recordings_without_a_genre_are_enough(distilled: Checkpoint, teacher: Path, tmp_path: Path) -> None:
    path = corpora.write(tmp_path / "music/a.flac", 120, seed=9)
    compute_features([Recording(path, "a.flac", None)], tmp_path / "store", teacher=teacher)
    distilled.save(tmp_path / "d.safetensors")
    result = run("evaluate", tmp_path / "store", tmp_path / "d.safetensors", "-o", tmp_path / "r.html")
    assert result.exit_code == 0, result.output
    facts = json.loads((tmp_path / "r.json").read_text())
    assert facts["models"] == {} and facts["agreement"]["student"]["tracks"] == 1
    result = run("plot", "tempo", tmp_path / "store", "-o", tmp_path / "b.svg")
    assert isinstance(result.exception, UserError) and "known genre" in str(result.exception)
    compute_features([Recording(path, "a.flac", None)], tmp_path / "store")
    result = run("evaluate", tmp_path / "store", tmp_path / "d.safetensors", "-o", tmp_path / "r.html")
    assert isinstance(result.exception, UserError) and "nor answers of a teacher" in str(result.exception)


def test_a_distilled_network_is_exported_by_its_agreement(
    distilled: Checkpoint, taught_store: FeatureStore, tmp_path: Path
) -> None:
    distilled.save(tmp_path / "d.safetensors")
    arguments = ("--int8", "--calibrate", taught_store.folder, "--force")
    result = run("export", tmp_path / "d.safetensors", "-o", tmp_path / "d.onnx", *arguments)
    assert result.exit_code == 0, result.output
    assert "agreement with the teacher is" in result.output
    assert Classifier(tmp_path / "d.onnx", "cpu").spec == distilled.spec
