"""The command as a process among others: pipes, signals, and disks that fill up."""

import contextlib
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from edmlive.synth import audio
from edmlive.synth.demo import turns
from tests import sound_card
from tests.conftest import write_audio
from tests.music import render

EDMLIVE = [sys.executable, "-m", "edmlive"]
RATE = 44_100


def complete(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    defaults: dict[str, Any] = {"capture_output": True, "timeout": 60, "check": False}
    completed: subprocess.CompletedProcess[bytes] = subprocess.run(
        [*EDMLIVE, *map(str, arguments)], **defaults | options
    )
    return completed


@pytest.fixture(scope="module")
def long_music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes, more readings than any queue holds."""
    minute = render(60, 8_000, 1)
    path = tmp_path_factory.mktemp("music") / "long.wav"
    return write_audio(path, minute.repeat(10, axis=1).T.reshape(-1, 1), 8_000, "pcm_s16le", "s16", "mono")


@pytest.mark.parametrize("options", [["--json", "-"], []], ids=["json", "lines"])
def test_reader_that_has_heard_enough_ends_listen_with_one_sentence(
    model: Path, long_music: Path, options: list[str]
) -> None:
    command = [*EDMLIVE, "listen", "--input", str(long_music), "--model", str(model), "--hop", "0.1", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=30) == 1
        said = process.stderr.read().decode().splitlines()
    (complaint,) = (line for line in said if line.startswith("edmlive: "))
    assert "broken pipe" in complaint
    assert len(said) == 3


@pytest.mark.parametrize("options", [["--json", "-"], []], ids=["json", "lines"])
def test_full_disk_under_listen_is_one_sentence(model: Path, music: Path, options: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        said = complete(
            "listen", "--input", music, "--model", model, *options, capture_output=False, stdout=full,
            stderr=subprocess.PIPE,
        )  # fmt: skip
    assert said.returncode == 1
    lines = said.stderr.decode().splitlines()
    (complaint,) = (line for line in lines if line.startswith("edmlive: "))
    assert "no space left" in complaint
    assert len(lines) == 3


@pytest.mark.parametrize("options", [["--json"], ["--csv"], []], ids=["json", "csv", "text"])
def test_full_disk_under_classify_is_one_sentence(model: Path, music: Path, options: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        said = complete(
            "classify", music, "--model", model, *options, capture_output=False, stdout=full, stderr=subprocess.PIPE
        )
    assert said.returncode == 1
    (line,) = said.stderr.decode().splitlines()
    assert line.startswith("edmlive: ")
    assert "no space left" in line


@pytest.mark.parametrize("options", [["--json"], ["--csv"], []], ids=["json", "csv", "text"])
def test_closed_pipe_under_classify_is_no_traceback(model: Path, music: Path, options: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as broken:
        said = complete(
            "classify", *[music] * 3, "--model", model, *options, capture_output=False, stdout=broken,
            stderr=subprocess.PIPE,
        )  # fmt: skip
    assert said.returncode == 1
    (line,) = said.stderr.decode().splitlines()
    assert "broken pipe" in line


def on_terminal(command: list[str], stdout: Any = None) -> tuple[int, str]:
    """Run with standard error, and standard output unless it goes elsewhere, on a terminal; return what it showed."""
    terminal, end = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    out = end if stdout is None else stdout
    with subprocess.Popen([*EDMLIVE, *command], stdin=end, stdout=out, stderr=end, env=environment) as process:
        os.close(end)
        shown = b""
        with contextlib.suppress(OSError):  # how the end of a terminal shows
            while piece := os.read(terminal, 4096):
                shown += piece
        os.close(terminal)
        return process.wait(timeout=10), shown.decode()


def test_answers_go_to_the_file_while_the_progress_goes_to_the_terminal(
    model: Path, music: Path, tmp_path: Path
) -> None:
    path = tmp_path / "Title [Label].wav"
    shutil.copy(music, path)
    answers = tmp_path / "answers.jsonl"
    with answers.open("wb") as file:
        code, shown = on_terminal(["classify", str(path), "--json", "--model", str(model)], file)
    assert code == 0
    assert json.loads(answers.read_text())["path"] == str(path)
    assert path.name in shown
    assert "1/1" in shown


def test_raw_samples_on_standard_input_are_heard(model: Path, music: Path) -> None:
    samples = render(8, RATE)
    piped = complete(
        *("listen", "--input", "-", "--rate", RATE, "--channels", 2, "--format", "f32le", "--json", "-"),
        *("--model", model),
        input=samples.tobytes() + b"\0\0\0",
    )
    assert piped.returncode == 1
    assert b"standard input is broken: ended inside a frame; the last 3 bytes" in piped.stderr
    from_file = complete("listen", "--input", music, "--json", "-", "--model", model)
    assert from_file.returncode == 0

    def answers(text: bytes) -> list[dict[str, Any]]:
        return [
            {k: v for k, v in json.loads(line).items() if k not in ("latency", "clock", "session")}
            for line in text.splitlines()
        ]

    assert answers(piped.stdout) == answers(from_file.stdout)
    assert len(answers(piped.stdout)) == 8


def test_demo_set_is_heard_with_its_truth_and_scored(model: Path) -> None:
    command = [*EDMLIVE, "listen", "--input", "demo:4", "--json", "-", "--model", str(model)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(300)]
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    assert process.returncode == 0
    planned = list(islice(turns(4), 2))
    starts = [round(turn.leading / audio.RATE, 3) for turn in planned]
    assert lines[0]["truth"] == {"genre": planned[0].genre, "bpm": planned[0].bpm, "start": 0.0}
    assert lines[-1]["truth"]["genre"] == planned[1].genre
    assert {line["truth"]["start"] for line in lines} == set(starts)
    change = next(line["time"] for line in lines if line["truth"]["start"] == starts[1])
    assert starts[1] - 0.2 <= change <= starts[1] + 1
    listening, summary = err.splitlines()
    for words in ("demo set 4", "44100 Hz", "small on cpu"):
        assert words in listening
    for words in ("right 0%", "did not show", "median of 1"):
        assert words in summary


def test_interrupted_recording_is_whole(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound_card.plug_in(tmp_path, monkeypatch, frames=10**7)
    recording = tmp_path / "set.wav"
    command = [*EDMLIVE, "listen", "--json", "-", "--model", str(model), "--record", str(recording), "--hop", "0.5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    again = complete("listen", "--input", recording, "--json", "-", "--model", model, "--hop", 0.5)
    assert again.returncode == 0
    assert len(again.stdout.splitlines()) >= 1 + len(out.splitlines())


def test_installed_command_and_module_are_one(model: Path, music: Path) -> None:
    command = Path(sys.executable).with_name("edmlive")
    if not command.is_file():
        pytest.skip("the package is not installed beside this Python")
    installed = subprocess.run(
        [command, "classify", music, "--json", "--model", model], capture_output=True, check=True
    )
    assert installed.stdout == complete("classify", music, "--json", "--model", model).stdout


def test_name_that_is_not_utf8_is_answered(model: Path, music: Path, tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")
    shutil.copy(music, path)
    said = complete("classify", path, "--json", "--model", model)
    assert said.returncode == 0
    assert json.loads(said.stdout)["path"] == path
    assert complete("classify", path, "--model", model).returncode == 0
