"""The command as a process among others: pipes, signals, and disks that fill up."""

import contextlib
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
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


def on_terminal(command: list[str], stdout: Any = None, environment: dict[str, str] | None = None) -> tuple[int, str]:
    """Run with standard error, and standard output unless it goes elsewhere, on a terminal; return what it showed."""
    terminal, end = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"} | (environment or {})
    out = end if stdout is None else stdout
    with subprocess.Popen([*EDMLIVE, *command], stdin=end, stdout=out, stderr=end, env=environment) as process:
        os.close(end)
        shown = b""
        with contextlib.suppress(OSError):  # how the end of a terminal shows
            while piece := os.read(terminal, 4096):
                shown += piece
        os.close(terminal)
        return process.wait(timeout=10), shown.decode(errors="replace")


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
    planned = [turn for turn in islice(turns(4), 9) if turn.leading < 300 * audio.RATE]
    starts = [round(turn.leading / audio.RATE, 3) for turn in planned]
    assert lines[0]["truth"] == {"genre": planned[0].genre, "bpm": planned[0].bpm, "start": 0.0}
    assert lines[-1]["truth"]["genre"] == planned[-1].genre != planned[0].genre
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


def test_every_destination_gets_the_readings(model: Path, music: Path, tmp_path: Path) -> None:
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    said = complete("listen", "--input", music, "--model", model, "--json", files[0], "--json", files[1], "--json", "-")
    assert said.returncode == 0
    assert files[0].read_bytes() == files[1].read_bytes() == said.stdout
    assert len(said.stdout.splitlines()) == 8


def test_reader_that_leaves_does_not_end_the_recording(model: Path, music: Path, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    recording = tmp_path / "set.wav"
    with os.fdopen(writer, "wb") as broken:
        said = complete(
            *("listen", "--input", music, "--model", model, "--json", "-", "--record", recording),
            **{"capture_output": False, "stdout": broken, "stderr": subprocess.PIPE},
        )
    assert said.returncode == 1
    assert b"broken pipe" in said.stderr
    assert recording.stat().st_size > 8 * RATE * 2 * 4


def without(stream: int, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    """Run the command with a standard stream closed."""
    closed = f'exec "$0" "$@" {stream}>&-'
    return subprocess.run(["sh", "-c", closed, *EDMLIVE, *map(str, arguments)], capture_output=True, check=False)


def test_standard_stream_that_is_missing_is_done_without(model: Path, music: Path, tmp_path: Path) -> None:
    for stream in range(3):
        path = tmp_path / f"{stream}.jsonl"
        said = without(stream, "listen", "--input", music, "--model", model, "--json", path)
        assert said.returncode == 0, said.stderr
        assert [json.loads(line)["time"] for line in path.read_text().splitlines()] == [*range(1, 9)]
    said = without(0, "listen", "--input", "-", "--model", model)
    assert (said.returncode, b"Standard input is closed" in said.stderr) == (1, True)
    for command in (("classify", music, "--model", model), ("models",), ("--help",)):
        said = without(1, *command)
        assert said.returncode == 1
        (line,) = said.stderr.decode().splitlines()
        assert "bad file descriptor" in line


@pytest.mark.parametrize("command", [["--help"], ["listen", "--help"], ["--version"], ["models"], ["synth", "genres"]])
def test_full_device_is_one_sentence(command: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        said = complete(*command, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert said.returncode == 1
    (line,) = said.stderr.decode().splitlines()
    assert "no space left" in line


def test_name_cannot_control_the_terminal_nor_break_a_line(model: Path, music: Path, tmp_path: Path) -> None:
    path = tmp_path / "a\x1b]0;owned\x07\nb\x9b2J.wav"
    shutil.copy(music, path)
    said = complete("classify", path, "--model", model)
    assert len(said.stdout.splitlines()) == 1
    bad = tmp_path / "bad\x1b[2J\n.wav"
    bad.write_bytes(b"nothing")
    said_bad = complete("classify", bad, "--model", model)
    assert len(said_bad.stderr.splitlines()) == 1
    listened = complete("listen", "--input", path, "--model", model)
    for text in (said.stdout, said_bad.stderr, listened.stderr):
        assert b"\x1b" not in text
        assert b"\x07" not in text
        assert b"\xc2\x9b" not in text


def test_latin_1_terminal_is_no_crash(model: Path, music: Path) -> None:
    for command in (["listen", "--input", str(music)], ["classify", str(music)]):
        code, shown = on_terminal([*command, "--model", str(model)], environment={"PYTHONIOENCODING": "latin-1"})
        assert code == 0, shown


@pytest.mark.parametrize("term", ["dumb", ""])
def test_terminal_that_cannot_redraw_gets_lines(model: Path, music: Path, term: str) -> None:
    code, shown = on_terminal(["listen", "--input", str(music), "--model", str(model)], environment={"TERM": term})
    assert code == 0
    assert "\x1b" not in shown
    assert "BPM" in shown


def test_interrupt_while_starting_ends_at_once_with_a_line_at_most(model: Path) -> None:
    for delay in (0.3, 0.8):
        command = [*EDMLIVE, "listen", "--input", "demo", "--model", str(model)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            time.sleep(delay)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=10)
        assert b"Traceback" not in err
        assert process.returncode == 130 or b"Heard" in err
