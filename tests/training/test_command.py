import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from edmlive.cli import app
from edmlive.errors import UserError
from edmlive.realtime.classifier import Classifier
from edmlive.training import descriptor_pipeline, descriptors, train_descriptors
from edmlive.training.descriptors import DESCRIPTORS
from tests.training.tables import TEMPI, save_2016, save_2021, table_of_2021


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return save_2021(tmp_path / "2021.csv")


def train(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["train", "--model", "descriptors", *map(str, arguments)])


def test_trains_exports_and_reports(tmp_path: Path, dataset: Path) -> None:
    model, pool = tmp_path / "mine.onnx", save_2016(tmp_path / "2016.csv")
    result = train(dataset, "-o", model, "--pool", pool, "--folds", 3, "--licence", "CC0-1.0")
    assert result.exit_code == 0, result.output
    for said in ("3-fold top-1 ", "3-fold top-5, artists apart", "48 tracks and 18 pooled", "0 answers differ"):
        assert said in result.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["2016.csv", "2021.csv", "mine.html", "mine.json", "mine.onnx"]

    classifier = Classifier(model, "cpu")
    assert classifier.spec.name == "mine" and classifier.spec.labels == tuple(sorted(TEMPI))
    unseen = table_of_2021(5, seed=7)
    answers = [
        classifier.spec.labels[int(classifier.probabilities({"descriptors": row}).argmax())]
        for row in unseen[list(DESCRIPTORS)].to_numpy(np.float32)
    ]
    assert np.mean(np.array(answers) == unseen["genre"]) > 0.9

    report = json.loads((tmp_path / "mine.json").read_text())
    provenance = classifier.spec.provenance
    assert provenance.measured == report["figures"] and provenance.licence == "CC0-1.0"
    assert provenance.data.startswith("2021.csv (sha256 ") and "2016.csv" in provenance.data
    assert set(report["recall"]) == set(TEMPI) and report["figures"]["3-fold top-1"] > 0.9


def test_the_same_seed_gives_the_same_model(tmp_path: Path, dataset: Path) -> None:
    steps: list[tuple[int, int]] = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        path = tmp_path / name / "m.onnx"
        trained = train_descriptors(dataset, path, folds=2, advance=lambda done, total: steps.append((done, total)))
        assert trained.path == path and trained.page.is_file()
        assert (trained.tracks, trained.pooled, trained.disagreements) == (48, 0, 0) and trained.difference < 1e-4
        assert trained.spec.provenance.measured == trained.report.figures()
    assert steps == 2 * [(k, 5) for k in range(1, 6)]
    assert (tmp_path / "a" / "m.onnx").read_bytes() == (tmp_path / "b" / "m.onnx").read_bytes()


def test_complains_before_it_trains(tmp_path: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unexpected(*_: object, **__: object) -> None:
        raise AssertionError("trained")

    monkeypatch.setattr(descriptor_pipeline, "cross_validate", unexpected)
    model = tmp_path / "m.onnx"
    for arguments, complaint in (
        ((tmp_path / "none.csv", "-o", model), "none.csv cannot be read"),
        ((dataset, "-o", tmp_path / "nowhere" / "m.onnx"), "m.onnx: name a .onnx file in a folder"),
        ((dataset, "-o", tmp_path), "name a .onnx file"),
        ((dataset, "-o", tmp_path / "m.json"), "m.json: name a .onnx file"),
        ((dataset, "-o", tmp_path / "my\nmodel.onnx"), "No model can be called"),
        ((dataset, "-o", model, "--folds", 13), "has 12 tracks; 13 folds"),
        ((dataset, "-o", model, "--pool", tmp_path / "none.csv"), "none.csv cannot be read"),
    ):
        result = train(*arguments)
        assert isinstance(result.exception, UserError) and complaint in str(result.exception)
    assert train(dataset, "-o", model, "--folds", 1).exit_code == 2


def test_an_interrupted_training_leaves_nothing(tmp_path: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(descriptors, "fit", interrupt)
    result = train(dataset, "-o", tmp_path / "m.onnx", "--folds", 2)
    assert result.exit_code != 0
    assert [p.name for p in tmp_path.iterdir()] == ["2021.csv"]


def test_a_wrong_table_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "wrong.csv"
    table_of_2021().drop(columns="genre").to_csv(path, index=False)
    arguments = ["train", path, "--model", "descriptors", "-o", tmp_path / "m.onnx"]
    command = [sys.executable, "-m", "edmlive", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"edmlive: Dataset {path} has neither") and "'genre'" in line and "'class'" in line


def test_a_table_that_cannot_be_trained_on_is_refused_before_the_slow_imports(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    table = table_of_2021()
    table.loc[0, "genre"] = "gabber"
    table.to_csv(path, index=False)
    code = "import sys; sys.modules['torch'] = sys.modules['pandas'] = None; from edmlive.cli import main; main()"
    command = [sys.executable, "-c", code, "train", str(path), "--model", "descriptors", "-o", "m.onnx"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "'gabber' has one track" in line


@pytest.mark.parametrize("package", ["sklearn", "onnx"])
def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path, dataset: Path, package: str) -> None:
    code = f"import sys; sys.modules['{package}'] = None; from edmlive.cli import main; main()"
    command = [sys.executable, "-c", code, "train", str(dataset), "--model", "descriptors", "-o", "m.onnx"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"needs the package '{package}'" in line and "'edmlive[train]'" in line


def test_help_says_where_the_data_is() -> None:
    help_text = " ".join(CliRunner().invoke(app, ["train", "--help"]).output.split())
    for said in ("bandcamp-librarian 0.2.2", "2140e25c", "Caparrini/pyGenreClf"):
        assert said in help_text.replace("│ │ ", "")
