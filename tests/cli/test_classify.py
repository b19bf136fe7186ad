"""Collections as people give them to ``edmlive classify``: one bad entry never ends or silently shrinks one."""

import csv
import json
import os
import shutil
import struct
import threading
from pathlib import Path

import onnxruntime
import pytest

from edmlive.realtime import engine
from edmlive.realtime.reading import Candidate, State, Track
from tests.cli.conftest import Run, Said


def answered(said: Said) -> list[str]:
    return [json.loads(line)["path"] for line in said.out.splitlines()]


def test_what_is_left_out_of_a_folder_is_counted_and_is_no_error(
    run: Run, model: Path, music: Path, tmp_path: Path
) -> None:
    for name in ("a.wav", "cover.jpg", "notes.txt", "more.txt", "._a.wav", ".Trashes/1/b.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(music, tmp_path / name)
    said = run("classify", tmp_path, "--json", "--model", model)
    assert answered(said) == [str(tmp_path / "a.wav")]
    assert said.code == 0
    assert "1 .jpg, 2 .txt, 2 hidden" in said.sentence


def test_bad_entries_do_not_end_a_collection(run: Run, model: Path, music: Path, tmp_path: Path) -> None:
    header = struct.pack("<4sI8sIHHIIHH", b"RIFF", 36, b"WAVEfmt ", 16, 1, 65, 44_100, 44_100 * 130, 130, 16)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/65 channels.wav").write_bytes(header + b"data" + struct.pack("<I", 13_000) + bytes(13_000))
    (tmp_path / "lib/dangling.wav").symlink_to("gone.wav")
    (tmp_path / "empty").mkdir()
    arguments = ["n" * 300 + ".mp3", tmp_path / "missing", tmp_path / "empty", tmp_path / "lib", "/dev/zero", music]
    said = run("classify", *arguments, "--json", "--model", model)
    assert said.code == 1
    assert answered(said) == [str(music)]
    for name in ("nnn.mp3", "missing", "empty", "65 channels.wav", "dangling.wav", "/dev/zero"):
        assert name in said.err
    assert all(line.startswith("edmlive: ") for line in said.err.splitlines())


def test_playlists_are_followed_to_local_files_only(run: Run, model: Path, music: Path, tmp_path: Path) -> None:
    for name in ("a.wav", "b c.wav"):
        shutil.copy(music, tmp_path / name)
    shutil.copy(music, tmp_path / "http:")  # what a URL would be as a path
    os.mkfifo(tmp_path / "pipe.wav")
    playlist = tmp_path / "set.m3u"
    playlist.write_text(
        "#EXTM3U\na.wav\nb%20c.wav\nb c.wav\nhttp://127.0.0.1:9/x.mp3\nfile://http://127.0.0.1:9/x.mp3\n"
        "gone.wav\npipe.wav\n/dev/zero\n../\n"
    )
    said = run("classify", playlist, "--json", "--model", model)
    assert answered(said) == [str(tmp_path / "a.wav"), str(tmp_path / "b c.wav")]
    assert said.code == 1
    for name in ("b%20c.wav", "http://127.0.0.1:9/x.mp3", "gone.wav", "pipe.wav", "/dev/zero"):
        assert name in said.err
    assert "refused" not in said.err  # no connection was tried


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.pls", "[playlist]\nFile1=a.wav\n"), ("a.cue", 'FILE "a.wav" WAVE\n'), ("a.m3u8", "a.wav\n")],
)
def test_playlists_of_each_kind(run: Run, model: Path, music: Path, tmp_path: Path, name: str, text: str) -> None:
    shutil.copy(music, tmp_path / "a.wav")
    (tmp_path / name).write_text(text)
    said = run("classify", tmp_path / name, "--json", "--model", model)
    assert said.code == 0
    assert answered(said) == [str(tmp_path / "a.wav")]


def test_named_pipe_is_classified(run: Run, model: Path, music: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    threading.Thread(target=lambda: pipe.write_bytes(music.read_bytes()), daemon=True).start()
    said = run("classify", pipe, "--json", "--model", model)
    assert said.code == 0
    assert answered(said) == [str(pipe)]


def club(tmp_path: Path, text: str = 'Club = ["genre A", "genre B", "genre C", "genre D"]') -> Path:
    path = tmp_path / "club.toml"
    path.write_text(text)
    return path


def test_answers_are_called_by_a_file(run: Run, model: Path, music: Path, tmp_path: Path) -> None:
    said = run("classify", music, "--json", "--model", model, "--labels", club(tmp_path))
    fields = json.loads(said.out)
    assert said.code == 0
    assert {candidate["genre"] for candidate in fields["top"]} <= {"Club", *(f"genre {letter}" for letter in "EFGH")}
    assert fields["family"] == "Club" and 0 < fields["family_confidence"] <= 1
    said = run("classify", music, "--csv", "--model", model, "--labels", club(tmp_path))
    (row,) = csv.DictReader(said.out.splitlines())
    assert row["family"] == "Club" and float(row["family_confidence"]) == fields["family_confidence"]


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("families", "has no families"),
        ("2025", "has no families"),
        ('A = ["genre Z"]', "'genre Z'"),
        ('A = ["B"]\nB = ["A"]', "circle"),
        ('A = "genre A"\nB = "genre A"', "under both"),
        ("A = ", "not valid TOML"),
        ("", "names nothing"),
    ],
)
@pytest.mark.parametrize("command", [["classify"], ["listen", "--json", "-", "--input"]], ids=["classify", "listen"])
def test_names_that_cannot_be_used_are_one_sentence(
    run: Run, model: Path, music: Path, tmp_path: Path, command: list[str], choice: str, words: str
) -> None:
    labels = choice if choice in ("families", "2025") else club(tmp_path, choice)
    said = run(*command, music, "--model", model, "--labels", labels)
    assert said.code == 1 and said.out == ""
    assert words in said.sentence


def test_unknown_and_unsure_tracks(run: Run, model: Path, music: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = (Candidate("Deep House", 0.24), Candidate("Techno", 0.2))
    unsure = Track("a", State.UNSURE, "Deep House", 0.24, top, 122.0, 60.0, "small", "House", 0.71)
    unknown = Track("a", State.UNKNOWN, None, None, (), None, 60.0, "small")
    shown = "House 71%, perhaps Deep House 24%, Techno 20%  122.0 BPM"
    for track, words in ((unsure, shown), (unknown, "a  unknown  ")):
        monkeypatch.setattr(engine, "classify", lambda *given, track=track, **options: track)
        assert words in run("classify", music, "--model", model).out
    (row,) = csv.DictReader(run("classify", music, "--model", model, "--csv").out.splitlines())
    assert (row["state"], row["genre"], row["confidence"], row["family"]) == ("unknown", "", "", "")


def test_onnx_runtime_reports_no_missing_library_beside_our_sentences(
    run: Run, model: Path, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    severities: list[int] = []
    monkeypatch.setattr(onnxruntime, "set_default_logger_severity", severities.append)
    assert run("classify", music, "--model", model).code == 0
    assert severities == [4]
