"""Whatever is wrong with the input is one sentence and a non-zero exit code, never a traceback."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto

from tests import small_models, sound_card
from tests.cli.conftest import Run
from tests.conftest import write_audio
from tests.music import render

MUSIC = render(6, 48_000)
COMMANDS: dict[str, list[Any]] = {"classify": ["classify"], "listen": ["listen", "--json", "-", "--input"]}
parametrize_commands = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)


def text(folder: Path) -> Path:
    path = folder / "text.mp3"
    path.write_text("Shopping list: milk, bread, records.\n" * 100)
    return path


def empty(folder: Path) -> Path:
    path = folder / "empty.wav"
    path.touch()
    return path


def zero_length(folder: Path) -> Path:
    path = write_audio(folder / "zero.wav", MUSIC[:100], 48_000, "pcm_s16le", "s16")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"data") + 4] + bytes(4))
    return path


def missing(folder: Path) -> Path:
    return folder / "missing.ogg"


@parametrize_commands
@pytest.mark.parametrize("make", [missing, text, empty, zero_length], ids=lambda make: make.__name__)
def test_what_is_no_audio_is_named(
    run: Run, model: Path, tmp_path: Path, command: list[Any], make: Callable[[Path], Path]
) -> None:
    path = make(tmp_path)
    said = run(*command, path, "--model", model)
    assert said.code == 1
    assert said.out == ""
    assert str(path) in said.sentence


@parametrize_commands
@pytest.mark.parametrize(
    ("name", "codec", "sample_format"),
    [
        ("a.mp3", "libmp3lame", "fltp"),
        ("a.flac", "flac", "s16"),
        ("a.ogg", "libopus", "flt"),
        ("a.wav", "pcm_s16le", "s16"),
    ],
    ids=["mp3", "flac", "ogg", "wav"],
)
def test_truncated_file_is_answered_and_said_to_be_broken(
    run: Run, model: Path, tmp_path: Path, command: list[Any], name: str, codec: str, sample_format: str
) -> None:
    path = write_audio(tmp_path / name, render(10, 48_000), 48_000, codec, sample_format)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 7 // 10])
    said = run(*command, path, "--model", model)
    assert said.code == 1
    assert "genre " in said.out
    assert f"{path} is broken" in said.sentence
    assert re.search(r"0:0[5-7]", said.sentence)  # a second of the ten may be lost with its Ogg page


@parametrize_commands
@pytest.mark.parametrize(
    ("codec", "sample_format", "rate", "layout"),
    [
        ("pcm_u8", "u8", 44_100, "stereo"),
        ("pcm_s24le", "s32", 44_100, "stereo"),
        ("pcm_s16le", "s16", 44_100, "mono"),
        ("pcm_s16le", "s16", 44_100, "5.1"),
        ("pcm_s16le", "s16", 8_000, "stereo"),
        ("pcm_s16le", "s16", 192_000, "stereo"),
    ],
    ids=["8 bits", "24 bits", "mono", "6 channels", "8 kHz", "192 kHz"],
)
def test_unusual_audio_simply_works(
    run: Run, model: Path, tmp_path: Path, command: list[Any], codec: str, sample_format: str, rate: int, layout: str
) -> None:
    channels = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    path = write_audio(tmp_path / "music.wav", render(5, rate, channels), rate, codec, sample_format, layout)
    said = run(*command, path, "--model", model)
    assert said.code == 0
    assert "genre " in said.out
    assert "edmlive:" not in said.err


@parametrize_commands
def test_bad_numbers_in_float_audio_simply_work(run: Run, model: Path, tmp_path: Path, command: list[Any]) -> None:
    samples = MUSIC.copy()
    samples[::1000] = np.nan
    samples[1::1000] = np.inf
    path = write_audio(tmp_path / "music.wav", samples, 48_000, "pcm_f32le", "flt")
    said = run(*command, path, "--model", model)
    assert said.code == 0
    assert "genre " in said.out
    assert "Warning" not in said.err


@pytest.mark.parametrize(
    ("plan", "options", "words"),
    [
        ({}, ["--device", "turntable"], "'turntable'"),
        ({}, ["--device", "9"], "'9'"),
        ({"names": ["mixer A", "mixer B"]}, ["--device", "mixer"], "may mean"),
        ({}, ["--channels", "3,4"], "no channel 3"),
        ({}, ["--channels", "0"], "no channel 0"),
        ({"names": []}, [], "--input FILE"),
        ({}, ["--on-device-loss", "exit"], "no audio"),
        ({"end": "aborts"}, ["--on-device-loss", "exit"], "has gone"),
    ],
    ids=["unknown", "index", "ambiguous", "channels", "channel 0", "none", "stalls", "aborts"],
)
def test_device_trouble(
    run: Run,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    plan: dict[str, Any],
    options: list[str],
    words: str,
) -> None:
    sound_card.plug_in(tmp_path, monkeypatch, **plan)
    said = run("listen", "--json", "-", "--model", model, *options)
    assert said.code == 1
    assert words in said.sentence


def test_channels_that_a_file_lacks(run: Run, model: Path, music: Path) -> None:
    said = run("listen", "--input", music, "--channels", "3,4", "--json", "-", "--model", model)
    assert said.code == 1
    assert "no channel 3" in said.sentence


def test_demo_set_that_is_none(run: Run, model: Path) -> None:
    said = run("listen", "--input", "demo:techno", "--json", "-", "--model", model)
    assert said.code == 1
    assert "'demo:techno'" in said.sentence


def without_spec(proto: onnx.ModelProto) -> None:
    del proto.metadata_props[:]


def with_wrong_inputs(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].name = proto.graph.node[0].input[0] = "features"


def with_external_data(proto: onnx.ModelProto) -> None:
    proto.graph.initializer[0].data_location = TensorProto.EXTERNAL
    proto.graph.initializer[0].external_data.add(key="location", value="weights.bin")


def wanting_the_unknown(proto: onnx.ModelProto) -> None:
    small_models.carry(proto, small_models.spec().to_json().replace('"1-ZCRm"', '"1-Charisma"'))


def not_onnx(proto: onnx.ModelProto) -> None:
    proto.Clear()
    proto.doc_string = "This is no model."


@parametrize_commands
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without_spec, "no edmlive spec"),
        (with_wrong_inputs, "takes inputs"),
        (with_external_data, "outside itself"),
        (wanting_the_unknown, "1-Charisma"),
        (not_onnx, "spec"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_model_that_cannot_be_trusted(
    run: Run, music: Path, tmp_path: Path, command: list[Any], spoil: Callable[[onnx.ModelProto], None], words: str
) -> None:
    proto = small_models.build(small_models.spec())
    spoil(proto)
    path = tmp_path / "spoilt.onnx"
    path.write_bytes(proto.SerializeToString())
    said = run(*command, music, "--model", path)
    assert said.code == 1
    assert said.out == ""
    assert words in said.sentence


@parametrize_commands
@pytest.mark.parametrize("name", ["text.mp3", "missing.ogg"])
def test_file_that_is_no_model(run: Run, music: Path, tmp_path: Path, command: list[Any], name: str) -> None:
    text(tmp_path)
    said = run(*command, music, "--model", tmp_path / name)
    assert said.code == 1
    assert name in said.sentence


@parametrize_commands
def test_cuda_where_there_is_none(
    run: Run, music: Path, model: Path, monkeypatch: pytest.MonkeyPatch, command: list[Any]
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    said = run(*command, music, "--model", model, "--provider", "cuda")
    assert said.code == 1
    assert "CUDA" in said.sentence


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--json", "{folder}/missing/a.jsonl"], "a.jsonl"),
        (["--json", "/dev/full"], "no space left"),
        (["--record", "{folder}/a.mp3"], ".wav"),
        (["--record", "{folder}/missing/a.wav"], "a.wav"),
        (["--record", "{folder}/full.wav"], "no space left"),
    ],
)
def test_output_that_cannot_be_written(
    run: Run, music: Path, model: Path, tmp_path: Path, options: list[str], words: str
) -> None:
    (tmp_path / "full.wav").symlink_to("/dev/full")
    said = run("listen", "--input", music, "--model", model, *(option.format(folder=tmp_path) for option in options))
    assert said.code == 1
    assert words in said.sentence


@pytest.mark.parametrize(
    "arguments",
    [
        ["listen", "--input", "-", "--channels", "1,2"],
        ["listen", "--input", "a.wav", "--device", "mixer"],
        ["listen", "--input", "a.wav", "--channels", "left"],
        ["listen", "--input", "demo", "--channels", "1,2"],
        ["listen", "--input", "demo", "--device", "mixer"],
        ["listen", "--input", "demo", "--rate", "44100"],
        ["listen", "--hop", "0"],
        ["listen", "--votes", "0"],
        ["listen", "--provider", "abacus"],
        ["classify"],
        ["classify", "a.wav", "--json", "--csv"],
        ["dance"],
    ],
    ids=" ".join,
)
def test_command_line_that_contradicts_itself_is_refused(run: Run, model: Path, arguments: list[str]) -> None:
    options = ["--model", model] if arguments[0] in COMMANDS else []
    said = run(*arguments, *options)
    assert said.code == 2
    assert said.out == ""
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["listen", "--channels", "1\x1b[31m,2"],
        ["listen", "--input", "demo", "--device", "a\x1b[31m"],
        ["export", "run", "-o", "a\x1b[31m.pdf"],
        ["listen", "--a\x1b[31m"],
        ["a\x1b[31m"],
    ],
    ids=" ".join,
)
def test_usage_errors_do_not_control_the_terminal(run: Run, arguments: list[str]) -> None:
    said = run(*arguments)
    assert said.code == 2
    assert "[31m" in said.err
    assert "\x1b" not in said.err


@pytest.mark.parametrize(
    "outputs",
    [["--record", "music.wav"], ["--json", "music.wav"], ["--json", "new.wav", "--record", "new.wav"]],
    ids=["recording over the input", "readings over the input", "both to one file"],
)
def test_output_never_destroys_a_file(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outputs: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_audio(tmp_path / "music.wav", render(2, 22_050), 22_050, "pcm_s16le", "s16")
    before = path.read_bytes()
    said = run("listen", "--input", "music.wav", "--model", model, *outputs)
    assert said.code == 1
    assert said.sentence
    assert path.read_bytes() == before
    assert not (tmp_path / "new.wav").exists()
