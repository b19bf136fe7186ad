"""`edmlive bench` as a user sees it."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from edmlive.diagnostics import stages
from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def _briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "STARTS", 1)
    monkeypatch.setattr(stages, "PAUSE_SECONDS", 0.01)


def test_everything_is_told_as_json(run: Run, model: Path) -> None:
    said = run("bench", "--model", model, "--decisions", 20, "--json")
    assert (said.code, said.err) == (0, "")
    answer = json.loads(said.out)
    assert set(answer) == {"machine", "figures", "latency"}
    assert [figure["unit"] for figure in answer["figures"]] == ["ms", "us CPU", "ms CPU", "% of a core", "", "s"]
    assert all(figure["value"] > 0 for figure in answer["figures"])
    timed = answer["latency"]
    assert (timed["model"], timed["decisions"], timed["batch"], timed["difference"]) == ("small", 20, 1, None)
    for step in ("transfer", "inference", "back", "total"):
        assert 0 < timed[step]["p50"] <= timed[step]["p99"] <= timed[step]["worst"] < 10


def test_everything_is_told_as_a_table(run: Run, model: Path) -> None:
    said = run("bench", "--model", model, "--decisions", 20)
    assert (said.code, said.err) == (0, "")
    for words in ("ONNX Runtime", "front end", "descriptors", "listening", "streams", "ready", "small on cpu", "total"):
        assert words in said.out


def test_latency_alone_is_told_many_at_once(run: Run, model: Path) -> None:
    said = run("bench", "latency", "--model", model, "--provider", "cpu", "--decisions", 20, "--batch", 8)
    assert said.code == 0
    assert "24 decisions, 8 at once, small on cpu" in said.out
    assert "decisions a second" in said.out
    assert "front end" not in said.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["latency", "--model", "missing.onnx"], "missing.onnx"),
        (["latency", "--provider", "tensorrt"], "TensorRT"),
    ],
    ids=["model", "provider"],
)
def test_what_cannot_be_measured_is_one_sentence(run: Run, arguments: list[str], words: str) -> None:
    said = run("bench", *arguments)
    assert (said.code, said.out) == (1, "")
    assert words in said.sentence


@pytest.mark.parametrize("arguments", [["speed"], ["--batch", "0"], ["--decisions", "0"]], ids=" ".join)
def test_what_makes_no_sense_is_refused(run: Run, arguments: list[str]) -> None:
    assert run("bench", *arguments).code == 2


def test_ctrl_c_ends_it_without_a_traceback(model: Path) -> None:
    command = [sys.executable, "-m", "edmlive", "bench", "--model", str(model)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not any("onnxruntime" in opened.path for opened in psutil.Process(process.pid).memory_maps()):
            time.sleep(0.05)  # Python's own start is not what is tested
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert process.returncode not in (0, -signal.SIGINT)
    assert out == ""
    assert "Traceback" not in err
