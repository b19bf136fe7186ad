"""What each command answers, for people and for machines."""

import csv
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import edmlive
from edmlive.realtime.classifier import DEFAULT_MODEL, Classifier
from tests import small_models, sound_card
from tests.cli.conftest import Run
from tests.conftest import write_audio
from tests.music import render


def check_answer(answer: dict[str, Any]) -> None:
    """The fields that `classify` and `listen` share, once there is an answer."""
    assert answer["genre"] in small_models.LABELS
    assert 0 < answer["confidence"] <= 1
    assert len(answer["top"]) >= 5
    assert all(set(entry) == {"genre", "confidence"} for entry in answer["top"])
    assert answer["top"][0] == {"genre": answer["genre"], "confidence": answer["confidence"]}
    assert len({entry["genre"] for entry in answer["top"]}) == len(answer["top"])
    assert answer["bpm"] is None or isinstance(answer["bpm"], float)
    assert answer["model"] == "small"


def test_classify_gives_one_json_object_a_track(run: Run, model: Path, music: Path) -> None:
    said = run("classify", music, music, "--json", "--model", model)
    assert said.code == 0
    assert said.err == ""
    first, second = (json.loads(line) for line in said.out.splitlines())
    assert first == second
    check_answer(first)
    assert first["path"] == str(music)
    assert first["seconds"] == pytest.approx(8, abs=0.01)


def test_classify_gives_csv_with_a_header(run: Run, model: Path, music: Path, tmp_path: Path) -> None:
    awkward = tmp_path / 'one, "two".wav'
    shutil.copy(music, awkward)
    said = run("classify", music, awkward, "--csv", "--model", model)
    first, second = csv.DictReader(io.StringIO(said.out))
    assert first | {"path": ""} == second | {"path": ""}
    assert second["path"] == str(awkward)
    track = edmlive.classify(music, model)
    assert [first[name] for name in ("genre", "second", "third")] == [c.genre for c in track.top[:3]]
    assert float(first["confidence"]) == pytest.approx(track.confidence, abs=1e-4)
    assert first["bpm"] == ("" if track.bpm is None else str(track.bpm))
    assert (float(first["seconds"]), first["model"], first["fault"]) == (track.seconds, "small", "")


def test_classify_says_track_top_three_tempo_and_length_on_one_line(run: Run, model: Path, music: Path) -> None:
    track = edmlive.classify(music, model)
    (line,) = run("classify", music, "--model", model).out.splitlines()
    assert track.bpm is not None
    shares = ", ".join(f"{c.genre} {c.confidence:.0%}" for c in track.top[:3])
    assert re.fullmatch(rf"{re.escape(str(music))} +{re.escape(shares)} +{track.bpm:.1f} +BPM +0:08", line)


def test_classify_walks_folders_in_order_and_takes_only_audio(
    run: Run, model: Path, music: Path, tmp_path: Path
) -> None:
    names = ["b.wav", "a/c.WAV", "a/d/e.wav"]
    for name in (*names, "cover.jpg", "a/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(music, tmp_path / name)
    said = run("classify", tmp_path, "--json", "--model", model)
    assert [json.loads(line)["path"] for line in said.out.splitlines()] == sorted(
        str(tmp_path / name) for name in names
    )
    assert said.code == 0


def test_classify_of_an_empty_folder_is_one_sentence(run: Run, model: Path, tmp_path: Path) -> None:
    said = run("classify", tmp_path, "--model", model)
    assert said.code == 1
    assert str(tmp_path) in said.sentence


def test_classify_goes_on_after_a_bad_file_and_exits_with_an_error(
    run: Run, model: Path, music: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.mp3"
    bad.write_text("no music")
    said = run("classify", bad, music, "--json", "--model", model)
    assert said.code == 1
    assert str(bad) in said.sentence
    assert json.loads(said.out)["path"] == str(music)


@pytest.mark.parametrize("name", ["Artist - Title [Label].wav", "[b] :warning: (50%).wav", "été 東京.wav", "-x.wav"])
@pytest.mark.parametrize("options", [[], ["--json"], ["--csv"]], ids=["text", "json", "csv"])
def test_classify_names_files_as_they_are(
    run: Run, model: Path, music: Path, tmp_path: Path, name: str, options: list[str]
) -> None:
    path = tmp_path / name
    shutil.copy(music, path)
    said = run("classify", path, *options, "--model", model)
    assert said.code == 0
    answered = json.loads(said.out)["path"] if options == ["--json"] else said.out
    assert str(path) in answered
    path.write_bytes(b"")
    assert str(path) in run("classify", path, "--model", model).sentence


def test_listen_gives_one_json_object_a_second(run: Run, model: Path, music: Path) -> None:
    said = run("listen", "--input", music, "--json", "-", "--model", model)
    assert said.code == 0
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [line["time"] for line in lines] == list(range(1, 9))
    assert {line["state"] for line in lines} <= {"warming up", "listening", "silence", "unsure"}
    assert all(-60 < line["level_dbfs"] < 0 for line in lines)
    waiting = [line for line in lines if line["state"] == "warming up"]
    assert waiting and all(line["genre"] is None and line["top"] == [] for line in waiting)
    for line in lines[len(waiting) :]:
        check_answer(line)
        assert isinstance(line["seconds"], float)
    assert len(lines) - len(waiting) >= 4


def test_listen_says_what_it_hears_and_sums_up(run: Run, model: Path, music: Path) -> None:
    said = run("listen", "--input", music, "--model", model)
    first, last = said.err.splitlines()
    for words in (music.name, "44100 Hz", "2 ch", "small on cpu"):
        assert words in first
    assert re.fullmatch(r"Heard 0:08; (genre [A-H] \d+% of the time(, )?)+(; [\d.]+ BPM at the end)?\.", last)
    assert "warming up" in said.out and "genre " in said.out


def test_listen_takes_hop_and_votes(run: Run, model: Path, music: Path) -> None:
    said = run("listen", "--input", music, "--json", "-", "--model", model, "--hop", "0.5", "--votes", "7")
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [line["time"] for line in lines] == [0.5 * i for i in range(1, 17)]
    assert sum(lines[-1]["votes"].values()) == 7


def test_listen_records_and_writes_json_beside_its_lines(run: Run, model: Path, music: Path, tmp_path: Path) -> None:
    recording, readings = tmp_path / "set.wav", tmp_path / "set.jsonl"
    said = run("listen", "--input", music, "--json", readings, "--record", recording, "--model", model)
    assert said.code == 0
    assert "genre " in said.out
    again = run("listen", "--input", recording, "--json", "-", "--model", model)

    def without_latency(text: str) -> list[dict[str, Any]]:
        return [
            {k: v for k, v in json.loads(line).items() if k not in ("latency", "clock", "session")}
            for line in text.splitlines()
        ]

    assert without_latency(readings.read_text()) == without_latency(again.out)


def test_listen_hears_only_the_chosen_channels(run: Run, model: Path, tmp_path: Path) -> None:
    samples = render(6, 44_100, 4)
    wide = write_audio(tmp_path / "wide.wav", samples, 44_100, "pcm_f32le", "flt", "quad")
    narrow = write_audio(tmp_path / "narrow.wav", samples[:, 2:], 44_100, "pcm_f32le", "flt")

    def answers(*arguments: Any) -> list[Any]:
        lines = run("listen", "--json", "-", "--model", model, "--input", *arguments).out.splitlines()
        return [(line["level_dbfs"], line["genre"], line["confidence"]) for line in map(json.loads, lines)]

    assert answers(wide, "--channels", "3,4") == answers(narrow) != answers(wide)


def test_devices_are_listed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound_card.plug_in(tmp_path, monkeypatch, names=["mixer", "Line [hw:0]"])
    said = run("devices")
    assert said.code == 0
    header, mixer, line = said.out.splitlines()
    assert header.split() == ["Index", "Name", "Channels", "Rate", "Host", "Default"]
    assert mixer.split() == ["0", "mixer", "2", "8000", "Hz", "Stage", "yes"]
    assert "Line [hw:0]" in line


def test_no_device_is_one_sentence(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound_card.plug_in(tmp_path, monkeypatch, names=[])
    said = run("devices")
    assert said.code == 1
    assert "No audio input device" in said.sentence


def test_models_are_listed_with_their_figures(run: Run) -> None:
    said = run("models")
    assert said.code == 0
    spec = Classifier().spec
    text = " ".join(said.out.split())
    assert f"{DEFAULT_MODEL} (default)" in text
    assert f"{len(spec.labels)}: {', '.join(spec.labels)}" in text
    assert spec.provenance.data in text and spec.provenance.licence in text
    for figure, value in spec.provenance.measured.items():
        assert f"{value:.1%} {figure}" in text


@pytest.mark.parametrize(
    ("command", "mentioned"),
    [
        ([], ["listen", "classify", "devices", "models", "synth", "train"]),
        (["listen"], ["--device", "--channels", "--input", "--model", "--provider", "--hop", "--votes"]),
        (["listen"], ["--json", "--record", "--rate", "--format", "demo"]),
        (["classify"], ["PATHS", "--model", "--provider", "--json", "--csv"]),
        (["devices"], ["--device"]),
        (["models"], ["--model"]),
        (["synth"], ["GENRE", "track", "corpus", "genres"]),
        (["synth", "house"], ["GENRE", "--output", "-o", "--seconds", "--seed", "--bpm"]),
        (["synth", "corpus"], ["OUT", "--per-genre", "--seconds", "--seed", "--jobs", "manifest.jsonl"]),
        (["train"], ["DATASET.csv", "late-fusion", "mfcc-lstm", "extra-trees", "--recipe", "--pool"]),
    ],
    ids=lambda value: " ".join(value[:2]),
)
def test_help_mentions_everything(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: list[str], mentioned: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    said = run(*command, "--help")
    assert said.code == 0
    assert said.err == ""
    assert all(word in said.out for word in mentioned)
