"""``edmlive train`` of a network as a user runs it, kill and resume included."""

import csv
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
from edmlive.realtime.classifier import Classifier
from edmlive.realtime.engine import classify
from edmlive.training.store import FeatureStore

OPTIONS = ("--model", "fourier", "--width", "2", "--batch", "8")


def train(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


def test_trains_tests_and_reports(store: FeatureStore, tmp_path: Path) -> None:
    result = train(store.folder, "-o", tmp_path / "run", *OPTIONS, "--recipe", "paper", "--epochs", 1, "--seed", 3)
    assert result.exit_code == 0, result.output
    assert "song-level accuracy" in result.output
    checkpoint = Checkpoint.load(tmp_path / "run" / "model.safetensors")
    assert checkpoint.training.seed == 3 and checkpoint.training.recipe == "paper"
    assert set(checkpoint.spec.provenance.measured) >= {"chunk-level accuracy", "song-level accuracy"}
    assert checkpoint.spec.provenance.measured_on == "3 test tracks of store"


def test_processes_of_torchrun_share_one_training(store: FeatureStore, tmp_path: Path) -> None:
    options = (store.folder, "-o", tmp_path / "run", *OPTIONS, "--recipe", "paper", "--epochs", 2)
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "edmlive", "train")
    done = subprocess.run([*torchrun, *map(str, options)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("song-level accuracy") == 1, "one of them reports"
    (log,) = (tmp_path / "run").glob("logs/*/metrics.csv")
    steps = [int(row["step"]) for row in csv.DictReader(log.open())]
    # Of 18 chunks in batches of 8, each process takes 4 at a time: 9 each, of which the last makes no whole batch.
    assert max(steps) + 1 == 2 * 2
    assert Checkpoint.load(tmp_path / "run" / "model.safetensors").spec.provenance.measured


def test_from_a_killed_training_to_listening(store: FeatureStore, tmp_path: Path) -> None:
    run, model = tmp_path / "run", tmp_path / "model.onnx"
    options = (store.folder, "-o", run, *OPTIONS, "--recipe", "paper", "--epochs", 40)
    command = [sys.executable, "-m", "edmlive", "train", *map(str, options)]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 300
    while not (run / "last.ckpt").exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGSTOP)
    meanwhile = train(*options)
    os.killpg(process.pid, signal.SIGKILL)
    _, said = process.communicate()
    assert process.returncode == -signal.SIGKILL, said.decode()
    assert (run / "last.ckpt").exists() and not (run / "model.safetensors").exists()
    assert isinstance(meanwhile.exception, UserError) and "Another process is training in" in str(meanwhile.exception)

    other = train(*options, "--seed", 1)
    assert isinstance(other.exception, UserError) and "another seed" in str(other.exception)
    resumed = train(*options)
    assert resumed.exit_code == 0, resumed.output
    first_epochs = [path.read_text().splitlines()[1].partition(",")[0] for path in sorted(run.glob("logs/*/*.csv"))]
    assert first_epochs[-1] != "0", "went on, did not start anew"

    for arguments in (
        ("export", run / "model.safetensors", "-o", model, "--calibrate", store.folder, "--int8", "--force"),
        ("evaluate", store.folder, run / "model.safetensors", model, "-o", tmp_path / "report.html"),
    ):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == 0, result.output
    classifier = Classifier(model, "cpu")
    answers = [classify(store.folder.parent / "corpus" / track.name, classifier).genre for track in store.tracks]
    right = [answer == track.genre for answer, track in zip(answers, store.tracks, strict=True)]
    assert sum(right) > len(right) / 2


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
