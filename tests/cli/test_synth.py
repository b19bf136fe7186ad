"""Rendering from the command line: files of any format, a corpus that survives being killed, and clear refusals."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from edmlive.cli.synth import synth
from edmlive.synth.render import render
from edmlive.taxonomy import SUBGENRES
from tests.cli.conftest import Run
from tests.conftest import decode

CORPUS = ["synth", "corpus"]
SETTINGS = ["--per-genre", "1", "--seconds", "2", "--jobs", "2"]
COMMAND = [sys.executable, "-m", "edmlive", *CORPUS]


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg", "opus", "m4a"])
def test_track_is_written_in_the_format_of_its_suffix(run: Run, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"track.{suffix}"
    said = run("synth", "tech-house", "-o", path, "--seconds", 4, "--seed", 3, "--bpm", 126.5)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"{path}: tech-house, 126.5 BPM, ")
    samples, rate = decode(path)
    assert len(samples) / rate == pytest.approx(4, abs=0.1)
    assert 0.05 < np.abs(samples).max() <= 1.3  # a lossy format may overshoot
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_file_holds_the_rendered_samples(run: Run, tmp_path: Path) -> None:
    run("synth", "-o", tmp_path / "a.wav", "house", "--seconds", "3", "--seed", "5")
    samples, rate = decode(tmp_path / "a.wav")
    assert rate == 44_100
    np.testing.assert_allclose(samples, render("house", 3.0, 5).samples, atol=2**-15)


@pytest.mark.parametrize("name", ["12:30 set.wav", "http:/a.wav", "pipe:1.wav", "concat:a.wav", "n" * 251 + ".wav"])
def test_any_name_that_a_file_may_have_is_a_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(exist_ok=True)
    said = run("synth", "house", "-o", name, "--seconds", 1)
    assert (said.code, said.err) == (0, "")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / name]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["house", "-o", "{}/" + "n" * 300 + ".wav"], "too long"),
        (["huose", "-o", "{}/a.wav"], "'house'"),
        (["house", "-o", "{}/a.txt"], "'.txt' names no audio format"),
        (["house", "-o", "{}/a.jpg"], "'.jpg' names no audio format"),
        (["house", "-o", "{}/a"], "suffix"),
        (["house", "-o", "{}/missing/a.wav"], "missing/a.wav cannot be written"),
        (["house", "-o", "{}/there.wav"], "there.wav exists already"),
        (["house", "-o", "{}/a.wav", "--seconds", "0"], "0 s"),
        (["house", "-o", "{}/a.wav", "--seconds", "1e9"], "1e+09 s"),
        (["house", "-o", "{}/a.wav", "--seconds", "nan"], "nan s"),
        (["house", "-o", "{}/a.wav", "--bpm", "-1"], "-1 BPM"),
        (["house", "-o", "{}/a.wav", "--bpm", "nan"], "nan BPM"),
        (["corpus", "{}", "--per-genre", "1", "--seconds", "2"], "holds something, but no corpus"),
        (["corpus", "{}/there.wav/corpus", "--per-genre", "1", "--seconds", "2"], "cannot hold a corpus"),
        (["corpus", "{}/new", "--per-genre", "1", "--seconds", "0", "--jobs", "1"], "0 s"),
    ],
)
def test_what_cannot_be_rendered_is_one_sentence(run: Run, tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "there.wav").write_text("a recording")
    said = run("synth", *(argument.format(tmp_path) for argument in arguments))
    assert said.code == 1
    assert said.out == ""
    assert words in said.sentence
    assert (tmp_path / "there.wav").read_text() == "a recording"
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize(
    "arguments",
    [["house"], ["corpus", "x"], ["house", "-o", "a.wav", "--seed", "-1"], ["corpus", "x", "--per-genre", "0"]],
    ids=" ".join,
)
def test_command_line_that_lacks_something_is_refused(run: Run, arguments: list[str]) -> None:
    said = run("synth", *arguments)
    assert said.code == 2
    assert "Traceback" not in said.err


def test_genres_are_listed_and_no_command_is_called_like_one(run: Run) -> None:
    said = run("synth", "genres")
    assert [line.split()[0] for line in said.out.splitlines()] == list(SUBGENRES)
    commands = {command.name or getattr(command.callback, "__name__", "") for command in synth.registered_commands}
    assert not commands & set(SUBGENRES)


def manifest(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def check_whole(folder: Path, per_genre: int) -> None:
    """Every track once, whole, and as the manifest says."""
    entries = manifest(folder)
    paths = [entry["path"] for entry in entries]
    assert sorted(paths) == sorted(f"{g}/{g}-{n:04d}.flac" for g in SUBGENRES for n in range(1, per_genre + 1))
    assert sorted(paths) == sorted(str(file.relative_to(folder)) for file in folder.glob("*/*"))
    assert not list(folder.glob("*/.*"))
    for entry in entries:
        samples, rate = decode(folder / entry["path"])
        assert len(samples) == entry["seconds"] * rate
        assert entry["path"].startswith(entry["genre"])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus that was killed on its way and then finished."""
    folder = tmp_path_factory.mktemp("corpus") / "corpus"
    with subprocess.Popen([*COMMAND, str(folder), *SETTINGS], text=True) as process:
        wait_for_tracks(process, folder, 3)
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    _, living = psutil.wait_procs(family, timeout=10)
    assert not living  # workers end with their parent
    (folder / "manifest.jsonl").open("a").write('{"path": "half a li')
    assert 3 <= len(manifest_lines(folder)) - 1 < 30
    said = subprocess.run([*COMMAND, str(folder), *SETTINGS], capture_output=True, text=True, check=True)
    assert said.stdout.startswith(f"{folder}: 30 tracks of 0:02, ")
    return folder


def manifest_lines(folder: Path) -> list[str]:
    path = folder / "manifest.jsonl"
    return path.read_text().splitlines() if path.is_file() else []


def wait_for_tracks(process: subprocess.Popen[str], folder: Path, count: int) -> None:
    deadline = time.monotonic() + 240  # a first run compiles
    while len(manifest_lines(folder)) < count:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)


def test_corpus_that_was_killed_goes_on_to_the_same_end(corpus: Path) -> None:
    check_whole(corpus, 1)


def test_track_of_a_corpus_can_be_rendered_again_from_its_entry(corpus: Path) -> None:
    for entry in manifest(corpus)[::10]:
        again = render(entry["genre"], entry["seconds"], entry["seed"])
        np.testing.assert_allclose(decode(corpus / entry["path"])[0], again.samples, atol=2**-15)
        assert (entry["bpm"], entry["key"]) == (again.truth.bpm, again.truth.key)
        assert [section["name"] for section in entry["sections"]] == [section.name for section in again.truth.sections]


def test_whole_corpus_is_left_as_it_is(run: Run, corpus: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in corpus.rglob("*")}
    said = run(*CORPUS, corpus, *SETTINGS)
    assert f"{corpus}: 30 tracks" in said.out
    assert "0 of them new" in said.out
    assert {file: file.stat().st_mtime_ns for file in corpus.rglob("*")} == before


@pytest.mark.parametrize("changed", [["--seconds", "3"], ["--seed", "1"], ["--preset", "rough-mix"]], ids=" ".join)
def test_changed_settings_are_refused(run: Run, corpus: Path, changed: list[str]) -> None:
    said = run(*CORPUS, corpus, *SETTINGS, *changed)
    assert said.code == 1
    assert "another --seed, --seconds or --preset" in said.sentence


def test_missing_file_is_rendered_again(run: Run, corpus: Path) -> None:
    lost = corpus / manifest(corpus)[7]["path"]
    before = lost.read_bytes()
    lost.unlink()
    assert "1 of them new" in run(*CORPUS, corpus, *SETTINGS).out
    assert lost.read_bytes() == before
    check_whole(corpus, 1)


def test_damaged_manifest_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_text("no JSON\n")
    assert "damaged" in run(*CORPUS, tmp_path, *SETTINGS).sentence


def test_corpus_that_cannot_be_written_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").touch()
    for genre in SUBGENRES:
        (tmp_path / genre).touch()  # where a folder should be
    said = run(*CORPUS, tmp_path, *SETTINGS)
    assert said.code == 1
    assert f"{tmp_path} cannot hold a corpus" in said.sentence


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "terminate"])
def test_stopped_corpus_ends_in_order(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "corpus"
    with subprocess.Popen([*COMMAND, str(folder), *SETTINGS], stderr=subprocess.PIPE, text=True) as process:
        wait_for_tracks(process, folder, 1)
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        _, said = process.communicate(timeout=10)
    assert process.returncode == 1
    (line,) = said.splitlines()
    assert line.startswith("edmlive: Stopped with ")
    assert "of 30 tracks" in line
    assert "same command" in line
    _, living = psutil.wait_procs(family, timeout=5)
    assert not living
    assert not list(folder.glob("*/.*"))
    for entry in manifest(folder):
        assert len(decode(folder / entry["path"])[0]) == 2 * 44_100
