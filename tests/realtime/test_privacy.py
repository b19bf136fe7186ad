"""Nothing is disclosed: edmlive leaves no file but its own, and makes no connection that was not requested."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import write_audio
from tests.music import render

RATE = 22_050


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    return write_audio(tmp_path / "music.wav", render(8, RATE), RATE, "pcm_f32le", "flt")


def run(home: Path, *command: str) -> None:
    """Run a command as a person does: without the variables by which programs know that they are being tested."""
    kept = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    cache = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    subprocess.run(command, check=True, capture_output=True, env={**kept, "NUMBA_CACHE_DIR": f"{cache}/edmlive/tests"})


EDMLIVE = (sys.executable, "-m", "edmlive")


def test_listening_leaves_no_file_but_its_own(tmp_path: Path, audio: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    run(home, *EDMLIVE, "listen", "--input", str(audio), "--json", str(tmp_path / "night.jsonl"))
    assert [path for path in home.rglob("*") if path.is_file()] == []


@pytest.mark.needs("strace")
@pytest.mark.parametrize(
    "arguments", [("classify",), ("listen", "--input")], ids=["classify", "listen, in whose processes"]
)
def test_no_connection_is_attempted(tmp_path: Path, audio: Path, arguments: tuple[str, ...]) -> None:
    trace = tmp_path / "trace"
    strace = ("strace", "--follow-forks", "--quiet=all", "--trace=connect,sendto", "--output", str(trace))
    run(tmp_path, *strace, *EDMLIVE, *arguments, str(audio))
    assert re.findall(r".*(?:AF_INET|nscd|resolve).*", trace.read_text()) == []


def test_telemetry_is_off_before_onnx_runtime_is_imported() -> None:
    code = "import edmlive, os, sys; print(os.environ['ORT_DISABLE_TELEMETRY'], 'onnxruntime' in sys.modules)"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert output.stdout.split() == ["1", "False"]
