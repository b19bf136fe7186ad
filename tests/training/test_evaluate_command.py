"""``edmlive evaluate`` and ``edmlive plot``."""

import dataclasses
import json
import re
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import ModelProto
from typer.testing import CliRunner, Result

from edmlive.cli import app
from edmlive.errors import ModelError, UserError
from edmlive.export.network import network_graph
from edmlive.models.checkpoint import TRAINING_KEY, Checkpoint
from edmlive.models.networks import SubgenreNetwork
from edmlive.realtime.classifier import Classifier
from edmlive.spec import ModelSpec
from edmlive.training.corpus import Recording, read_corpus
from edmlive.training.experiment import Experiment
from edmlive.training.features import compute_features
from edmlive.training.figures import tempo
from edmlive.training.recipes import PAPER
from edmlive.training.split import split
from edmlive.training.store import FeatureStore
from tests import small_models
from tests.training import corpora
from tests.training.corpora import TEMPI


@pytest.fixture
def checkpoint(store: FeatureStore) -> Checkpoint:
    experiment = Experiment(store, "fourier", 2, PAPER)
    torch.manual_seed(0)
    return Checkpoint(SubgenreNetwork("fourier", 3, 2).eval(), experiment.spec("mine"), experiment.training())


def foreign(model: ModelProto) -> ModelProto:
    """Take away what a network says of its training."""
    for entry in model.metadata_props:
        if entry.key == TRAINING_KEY:
            model.metadata_props.remove(entry)
    return model


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, [str(argument) for argument in arguments])


def test_reports_checkpoint_and_onnx_alike(checkpoint: Checkpoint, store: FeatureStore, tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "c.safetensors")
    (tmp_path / "m.onnx").write_bytes(network_graph(checkpoint).SerializeToString())
    report = tmp_path / "r.html"
    result = run("evaluate", store.folder, tmp_path / "c.safetensors", tmp_path / "m.onnx", "-o", report)
    assert result.exit_code == 0, result.output
    written = json.loads((tmp_path / "r.json").read_text())
    assert set(written["tested on"].values()) == {"recordings that it was not trained on"}
    facts = written["models"]
    one, two = facts["mine"], facts[str(tmp_path / "m.onnx")]
    assert one["songs"] == two["songs"] and one["figures"] == pytest.approx(two["figures"], abs=1e-4)
    assert set(one["songs"]) == {track.name for track in split(store.tracks, 0).test}, "the test split only"
    assert one["chunks"] == 9 and np.sum(one["confusion"]) == 3
    page = report.read_text()
    assert page.count("<svg") == page.count('role="img" aria-label=') == 4
    assert set(re.findall(r"https?://[^/]+", page)) == {"http://www.w3.org"}, "names of XML only"
    assert "data:image/png" in page and "img-src data:" in page, "the matrices' colours are pictures inside the page"
    for said in ("song-level", "mine", "jungle", "Confusion matrix of mine"):
        assert said in page
    *table, _, last = result.output.splitlines()
    assert "…" not in result.output and max(map(len, table)) <= 80 and str(report) in last
    assert f"Tested on recordings that it was not trained on: {', '.join(facts)}." in " ".join(result.output.split())


def test_seeds_are_one_row(checkpoint: Checkpoint, store: FeatureStore, tmp_path: Path) -> None:
    for seed in range(3):
        torch.manual_seed(seed)
        training = dataclasses.replace(checkpoint.training, train=(), validation=(), seed=seed)
        network = SubgenreNetwork("fourier", 3, 2).eval()
        spec = dataclasses.replace(checkpoint.spec, name=f"fourier-{seed}")
        Checkpoint(network, spec, training).save(tmp_path / f"{seed}.safetensors")
    paths = [tmp_path / f"{seed}.safetensors" for seed in range(3)]
    result = run("evaluate", store.folder, *paths, "-o", tmp_path / "r.html")
    assert result.exit_code == 0, result.output
    facts = json.loads((tmp_path / "r.json").read_text())
    row = facts["seeds"]["models"]["fourier-0 (3 seeds)"]
    assert row["networks"] == ["fourier-0", "fourier-1", "fourier-2"]
    figures = [facts["models"][name]["figures"] for name in row["networks"]]
    for figure, value in row["mean"].items():
        assert value == pytest.approx(np.mean([f[figure] for f in figures]))
        assert row["deviation"][figure] == pytest.approx(np.std([f[figure] for f in figures], ddof=1))
    error, deviation = (100 * row[of]["chunk-level calibration error"] for of in ("mean", "deviation"))
    assert deviation > 0
    for shown in (result.output, (tmp_path / "r.html").read_text()):
        assert f"{error:.1f} ± {deviation:.1f}" in shown


def test_a_broken_model_is_noticed_before_any_is_tested(
    checkpoint: Checkpoint, store: FeatureStore, tmp_path: Path
) -> None:
    checkpoint.save(tmp_path / "c.safetensors")
    (tmp_path / "broken.onnx").write_bytes(b"nothing")
    result = run(
        "evaluate", store.folder, tmp_path / "c.safetensors", tmp_path / "broken.onnx", "-o", tmp_path / "r.html"
    )
    assert isinstance(result.exception, ModelError) and "broken.onnx" in str(result.exception)
    assert result.output == ""


def test_a_full_disk_leaves_the_former_report_and_the_table(
    checkpoint: Checkpoint, store: FeatureStore, tmp_path: Path
) -> None:
    checkpoint.save(tmp_path / "c.safetensors")
    for name in ("r.html", "r.json"):
        (tmp_path / name).write_text("former")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        result = run("evaluate", store.folder, tmp_path / "c.safetensors", "-o", tmp_path / "r.html")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert isinstance(result.exception, UserError) and "r.html: file too large" in str(result.exception)
    assert "chunk-level" in result.output, "the tables are printed all the same"
    assert {path.name: path.read_text() for path in tmp_path.glob("r.*")} == {"r.html": "former", "r.json": "former"}


def test_another_store_is_taken_whole(checkpoint: Checkpoint, store: FeatureStore, tmp_path: Path) -> None:
    training = dataclasses.replace(checkpoint.training, train=("00000000aaaaaaaa",), validation=("00000000bbbbbbbb",))
    dataclasses.replace(checkpoint, training=training).save(tmp_path / "c.safetensors")
    (tmp_path / "m.onnx").write_bytes(foreign(network_graph(checkpoint)).SerializeToString())
    result = run("evaluate", store.folder, tmp_path / "c.safetensors", tmp_path / "m.onnx", "-o", tmp_path / "r.html")
    assert result.exit_code == 0, result.output
    facts = json.loads((tmp_path / "r.json").read_text())
    assert len(facts["models"]["mine"]["songs"]) == len(store.tracks)
    unknown = "all recordings, as its training data is not known"
    assert list(facts["tested on"].values()) == ["all recordings, none of which it was trained on", unknown]
    for said in (result.output, (tmp_path / "r.html").read_text()):
        assert "Tested on all recordings, none of which it was trained on: mine. Tested on" in " ".join(said.split())


def test_a_copied_corpus_is_recognised(checkpoint: Checkpoint, store: FeatureStore, tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "c.safetensors")
    names = {}
    for track in store.tracks:
        copy = tmp_path / "copied" / f"{track.genre}" / f"copy of {Path(track.name).name}"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(store.folder.parent / "corpus" / track.name, copy)
        names[track.name] = f"{track.genre}/{copy.name}"
    compute_features(tmp_path / "copied", tmp_path / "store")
    result = run("evaluate", tmp_path / "store", tmp_path / "c.safetensors", "-o", tmp_path / "r.html")
    assert result.exit_code == 0, result.output
    assert "Tested on recordings that it was not trained on: mine." in " ".join(result.output.split())
    facts = json.loads((tmp_path / "r.json").read_text())
    assert set(facts["models"]["mine"]["songs"]) == {names[track.name] for track in split(store.tracks, 0).test}


def test_a_network_of_an_earlier_version_may_know_the_recordings(
    checkpoint: Checkpoint, store: FeatureStore, tmp_path: Path
) -> None:
    training = dataclasses.replace(checkpoint.training, train=("0000aaaa",), validation=("0000bbbb",))
    dataclasses.replace(checkpoint, training=training).save(tmp_path / "c.safetensors")
    result = run("evaluate", store.folder, tmp_path / "c.safetensors", "-o", tmp_path / "r.html")
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "perhaps some that it was trained on" in said and "earlier edmlive" in said


def test_a_store_that_grew_keeps_back_what_it_was_trained_on(
    checkpoint: Checkpoint, store: FeatureStore, tmp_path: Path
) -> None:
    checkpoint.save(tmp_path / "c.safetensors")
    new = corpora.write(tmp_path / "new.flac", 120, seed=9)
    recordings = [*read_corpus(store.folder.parent / "corpus"), Recording(new, "new.flac", "house")]
    shutil.copytree(store.folder, tmp_path / "store")
    grown = compute_features(recordings, tmp_path / "store")
    assert grown.digest != store.digest
    result = run("evaluate", grown.folder, tmp_path / "c.safetensors", "-o", tmp_path / "r.html")
    assert result.exit_code == 0, result.output
    facts = json.loads((tmp_path / "r.json").read_text())
    assert set(facts["models"]["mine"]["songs"]) == {"new.flac", *(t.name for t in split(store.tracks, 0).test)}


def test_a_store_of_training_data_only_is_refused(checkpoint: Checkpoint, store: FeatureStore, tmp_path: Path) -> None:
    everything = tuple(track.identity for track in store.tracks)
    training = dataclasses.replace(checkpoint.training, train=everything)
    dataclasses.replace(checkpoint, training=training).save(tmp_path / "c.safetensors")
    result = run("evaluate", store.folder, tmp_path / "c.safetensors", "-o", tmp_path / "r.html")
    assert isinstance(result.exception, UserError) and "'mine' was trained on all" in str(result.exception)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (small_models.spec(), "takes descriptors"),
        (small_models.spec(small_models.CHUNK, window="hann"), "hann window"),
        (small_models.spec(small_models.CHUNK, window="hamming"), "no recording, long enough, of a genre"),
    ],
    ids=["descriptors", "window", "genres"],
)
def test_a_model_that_does_not_fit_the_store_is_refused(
    store: FeatureStore, tmp_path: Path, spec: ModelSpec, words: str
) -> None:
    path = small_models.save(tmp_path / "m.onnx", spec)
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
    for name in ("b.xyz", "b", "missing/b.png"):
        result = run("plot", "tempo", store.folder, "-o", tmp_path / name)
        assert isinstance(result.exception, UserError) and f"{tmp_path / name}: name a .svg" in str(result.exception)


def test_tempo_is_the_rendered_one(store: FeatureStore) -> None:
    for track in store.tracks:
        bpm = TEMPI[str(track.genre)] + int(Path(track.name).stem) / 2
        octaves = np.log2(tempo(store.frames(track)[:, 128]) / bpm)
        assert abs(octaves - round(octaves)) < 0.01


@pytest.fixture
def distilled(teacher_store: FeatureStore) -> Checkpoint:
    experiment = Experiment(teacher_store, "fourier", 2, PAPER, distil=True)
    torch.manual_seed(0)
    return Checkpoint(SubgenreNetwork("fourier", 4, 2).eval(), experiment.spec("student"), experiment.training())


def test_networks_are_held_against_the_stores_teacher(
    distilled: Checkpoint, checkpoint: Checkpoint, teacher_store: FeatureStore, tmp_path: Path
) -> None:
    distilled.save(tmp_path / "d.safetensors")
    elsewhere = dataclasses.replace(checkpoint.training, train=("00000000aaaaaaaa",), validation=())
    dataclasses.replace(checkpoint, training=elsewhere).save(tmp_path / "c.safetensors")
    report = tmp_path / "r.html"
    result = run("evaluate", teacher_store.folder, tmp_path / "d.safetensors", tmp_path / "c.safetensors", "-o", report)
    assert result.exit_code == 0, result.output
    facts = json.loads((tmp_path / "r.json").read_text())
    assert facts["teacher"] == "small"
    agreeing = facts["agreement"]["student"]
    expected = split(teacher_store.tracks, 0, labelled=False).test
    assert set(agreeing["songs"]) == {track.name for track in expected}, "with and without a genre, not trained on"
    assert any(track.genre is None for track in expected)
    assert agreeing["compared by"] == "labels" and 0 <= agreeing["mean top-3 overlap"] <= 3
    assert "mine" not in facts["agreement"], "jungle is none of the common classes"
    assert facts["models"]["student"]["compared by"] == "common classes"
    assert facts["models"]["mine"]["compared by"] == "labels" and facts["models"]["mine"]["tracks"] == 12
    assert facts["models"]["small (teacher)"]["tracks"] == 8, "breaks and house"
    assert facts["seeds"] == {"models": {}, "agreement": {}}
    for said in ("Agreement with small", "small (teacher)", "Accuracy by common classes", "top-3s"):
        assert said in report.read_text() and said in result.output
    for heading in ("Accuracy by subgenre", "Accuracy by common class"):
        assert f"<h2>{heading}</h2>" in report.read_text(), "what has other labels has a figure of its own"


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
    distilled: Checkpoint, teacher_store: FeatureStore, tmp_path: Path
) -> None:
    distilled.save(tmp_path / "d.safetensors")
    arguments = ("--int8", "--calibrate", teacher_store.folder, "--force")
    result = run("export", tmp_path / "d.safetensors", "-o", tmp_path / "d.onnx", *arguments)
    assert result.exit_code == 0, result.output
    assert "agreement with the teacher is" in result.output
    assert Classifier(tmp_path / "d.onnx", "cpu").spec == distilled.spec
