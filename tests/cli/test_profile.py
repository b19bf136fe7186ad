"""Profiles: the options of the commands in a file, checked as the command line is."""

import json
from pathlib import Path

import platformdirs
import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edmlive.cli import app
from edmlive.cli.profile import default_path, read_profile
from edmlive.errors import UserError
from tests.cli.conftest import Run

COMMANDS = typer.main.get_command(app)


def profile(folder: Path, text: str) -> Path:
    path = folder / "edmlive.toml"
    path.write_text(text)
    return path


def test_options_are_named_as_on_the_command_line(tmp_path: Path) -> None:
    text = """
    [listen]
    input = "demo:7"
    format = "s24le"
    hop = 2
    votes = 7
    provider = "cpu"
    record = "set.wav"
    json = "night-%Y%m%d.jsonl"
    [classify]
    csv = true
    [synth.track]
    seconds = 30.0
    """
    assert read_profile(profile(tmp_path, text), COMMANDS) == {
        "listen": {
            **{"input_": "demo:7", "format_": "s24le", "hop": 2, "votes": 7, "provider": "cpu"},
            **{"record": "set.wav", "json": ["night-%Y%m%d.jsonl"]},
        },
        "classify": {"csv_": True},
        "synth": {"track": {"seconds": 30.0}},
    }


def test_profile_takes_the_place_of_options(run: Run, model: Path, music: Path, tmp_path: Path) -> None:
    path = profile(tmp_path, f'[listen]\ninput = "{music}"\nmodel = "{model}"\njson = "-"\nhop = 2.0\n')
    said = run("--config", path, "listen")
    assert said.code == 0
    assert [json.loads(line)["time"] for line in said.out.splitlines()] == [2, 4, 6, 8]


def test_command_line_wins_over_the_profile(run: Run, model: Path, music: Path, tmp_path: Path) -> None:
    path = profile(tmp_path, f'[listen]\ninput = "{music}"\nmodel = "none.onnx"\njson = "-"\nhop = 2\n')
    said = run("--config", path, "listen", "--hop", "4", "--model", model)
    assert said.code == 0
    assert [json.loads(line)["time"] for line in said.out.splitlines()] == [4, 8]


def test_profile_of_the_user_is_found(run: Run, music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platformdirs, "user_config_path", lambda name: tmp_path / name)
    assert run("classify", music, "--model", "none.onnx").sentence.startswith("edmlive: Model none.onnx")
    (tmp_path / "edmlive").mkdir()
    assert default_path() == profile(tmp_path / "edmlive", "[classify]\njsn = true\n")
    assert "'json'" in run("classify", music).sentence


WRONG = {
    "[listen]\nhop = 1.0\ndevise = 'Mixer'": (3, "'devise'", "'device'"),
    "[listen]\ninput_ = 'demo'": (2, "'input_'", "'input'"),
    "# a club\n[listne]\nhop = 1.0": (2, "'listne'", "'listen'"),
    "hop = 1.0": (1, "'hop'", "nearest"),
    "listen = 5": (1, "listen", "5"),
    "[listen]\nhop = 'fast'": (2, "listen.hop", "'fast'"),
    "[listen]\nhop = 0.001": (2, "listen.hop", "0.05"),
    "[listen]\nvotes = 2.5": (2, "listen.votes", "2.5"),
    "[listen]\nvotes = true": (2, "listen.votes", "True"),
    "[listen]\ndevice = 3": (2, "listen.device", "string"),
    "[listen]\n\nprovider = 'gpu'": (3, "listen.provider", "'cuda'"),
    "[listen]\nrecord = 5": (2, "listen.record", "path"),
    "[classify]\njson = 'yes'": (2, "classify.json", "'yes'"),
    "[classify]\npaths = ['a.wav']": (2, "'paths'", "nearest"),
    "[listen]\nhelp = true": (2, "'help'", "nearest"),
    "[synth.track]\nseed = -1": (2, "synth.track.seed", "0"),
    "[listen]\nhop = 1\nweb-token = 'x'": (3, "'web-token' holds a secret", "EDMLIVE_WEB_TOKEN"),
    "[listen]\ninput = 'http://dj:pa55@radio/live'": (2, "'input' holds a secret", "EDMLIVE_MQTT_PASSWORD"),
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_told_with_its_line(run: Run, tmp_path: Path, text: str) -> None:
    path = profile(tmp_path, text)
    said = run("--config", path, "models")
    line, *words = WRONG[text]
    assert said.code == 1
    assert f"{path}, line {line}: " in said.sentence
    assert all(word in said.sentence for word in words)
    assert "pa55" not in said.sentence


@pytest.mark.parametrize("content", [b"[listen\n", b"\xff", b"a = 1\na = 2\n"])
def test_what_is_no_toml_is_one_sentence(run: Run, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    said = run("--config", path, "models")
    assert said.code == 1
    assert str(path) in said.sentence


def test_missing_profile_is_named(run: Run, tmp_path: Path) -> None:
    said = run("--config", tmp_path / "none.toml", "models")
    assert said.code == 1
    assert "none.toml cannot be read (no such file or directory)" in said.sentence


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(st.text(alphabet="[]listen.hop =\n\"'#1{},\\", max_size=60))
def test_no_text_is_worse_than_a_sentence(tmp_path: Path, text: str) -> None:
    try:
        read_profile(profile(tmp_path, text), COMMANDS)
    except UserError as error:
        assert str(error).endswith(".")


def test_version_is_told(run: Run) -> None:
    said = run("--version")
    assert said.code == 0
    assert said.out.startswith("edmlive ")


def test_output_with_several_destinations_takes_one_or_a_list(tmp_path: Path) -> None:
    text = '[listen]\nosc = "localhost:7700"\nmqtt = ["mqtt://a/x", "mqtt://b/y"]\n'
    assert read_profile(profile(tmp_path, text), COMMANDS) == {
        "listen": {"osc": ["localhost:7700"], "mqtt": ["mqtt://a/x", "mqtt://b/y"]}
    }
    with pytest.raises(UserError, match="holds a secret"):
        read_profile(profile(tmp_path, '[listen]\nmqtt = ["mqtt://a", "mqtt://dj:secret@b"]\n'), COMMANDS)


def test_settings_folder_that_cannot_be_looked_into_is_no_profile(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for folder in (tmp_path / ("x" * 300), loop):
        monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
        assert run("synth", "genres").code == 0
