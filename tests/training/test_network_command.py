"""``edmlive train network`` as a user runs it, kill and resume included."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edmlive.cli import app
from edmlive.errors import UserError
from edmlive.models.checkpoint import Checkpoint
from edmlive.training.store import FeatureStore

OPTIONS = ("--model", "fourier", "--width", "2", "--batch", "8")


def train(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["train", "network", *map(str, arguments)])


def test_trains_tests_and_reports(store: FeatureStore, tmp_path: Path) -> None:
    result = train(store.folder, "-o", tmp_path / "run", *OPTIONS, "--recipe", "paper", "--epochs", 1, "--seed", 3)
    assert result.exit_code == 0, result.output
    assert "song-level accuracy" in result.output
    checkpoint = Checkpoint.load(tmp_path / "run" / "model.safetensors")
    assert checkpoint.training.seed == 3 and checkpoint.training.recipe == "paper"
    assert set(checkpoint.spec.provenance.measured) >= {"chunk-level accuracy", "song-level accuracy"}
    assert checkpoint.spec.provenance.measured_on == "3 test tracks of store"


def test_goes_on_after_a_kill(store: FeatureStore, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "edmlive", "train", "network", str(store.folder), "-o", str(run), *OPTIONS]
    process = subprocess.Popen([*command, "--epochs", "500"], start_new_session=True, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not (run / "last.ckpt").exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    _, said = process.communicate()
    assert process.returncode == -signal.SIGKILL, said.decode()
    assert not (run / "model.safetensors").exists()
    result = train(store.folder, "-o", run, *OPTIONS, "--epochs", 500, "--seed", 1)
    assert isinstance(result.exception, UserError) and "another seed" in str(result.exception)
    settings = run / "settings.json"
    settings.write_text(settings.read_text().replace('"epochs": 500', '"epochs": 2'))
    result = train(store.folder, "-o", run, *OPTIONS, "--epochs", 2)
    assert result.exit_code == 0, result.output
    assert (run / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((), "no finished feature store"), (("--span", "100", "200"), "no chunk")],
    ids=["no store", "span"],
)
def test_bad_input_is_one_sentence(store: FeatureStore, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    folder = store.folder if arguments else tmp_path
    result = train(folder, "-o", tmp_path / "run", *OPTIONS, *arguments)
    assert isinstance(result.exception, UserError), result.output
    assert words in str(result.exception)
    assert "\n" not in str(result.exception)
