"""Mutated session files, profiles and MIDI maps: each is read, or refused with one sentence.

``EDMLIVE_FUZZ=50 pytest tests/fuzz`` tries fifty times as many.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from edmlive.cli import app
from edmlive.cli.profile import read_profile
from edmlive.cli.report import report
from edmlive.errors import UserError
from edmlive.sinks.midi_map import read_map
from tests.fuzz.mutate import mutations, no_longer_than
from tests.realtime.readings import LABELS
from tests.report.nights import lines
from tests.sinks.test_midi_map import MAP

SECONDS = 10
"""Each takes milliseconds; the rest is for a busy machine."""

NIGHT = "\n".join(lines([("warming up", 3), ("Techno", 40), ("silence", 5), ("no input", 3), ("House", 40)])).encode()
SHORT_NIGHT = b"\n".join(NIGHT.splitlines()[:6])
PROFILE = b"""
[listen]
input = "demo:7"
format = "s24le"
hop = 2
votes = 7
provider = "cpu"
record = "set.wav"
json = "night-%Y%m%d.jsonl"
web = "127.0.0.1:8765"

[classify]
csv = true

[synth.track]
seconds = 30.0
"""


def refusals(read: Callable[[Path], object], path: Path, files: list[bytes]) -> int:
    """Read each file, and return how many were refused; anything but one sentence fails, as does a hang."""
    refused = 0
    for data in files:
        path.write_bytes(data)
        try:
            with no_longer_than(SECONDS):
                read(path)
        except UserError as error:
            refused += 1
            sentence = str(error)
            assert sentence.endswith("."), sentence
            assert "\n" not in sentence, sentence
        except BaseException as error:
            kept = path.with_name(f"{hashlib.sha256(data).hexdigest()[:12]}{path.suffix}")
            kept.write_bytes(data)
            raise AssertionError(f"{type(error).__name__} ({error}) from {kept}") from error
    return refused


def test_profiles(tmp_path: Path) -> None:
    commands = typer.main.get_command(app)
    files = list(mutations([PROFILE], 300, seed=1))
    assert 0 < refusals(lambda path: read_profile(path, commands), tmp_path / "profile.toml", files) < len(files)


def test_midi_maps(tmp_path: Path) -> None:
    files = list(mutations([MAP.encode()], 700, seed=2))
    assert 0 < refusals(lambda path: read_map(path, LABELS), tmp_path / "map.toml", files) < len(files)


@pytest.mark.parametrize(("suffix", "count"), [(".csv", 300), (".html", 100), (".svg", 50)])
def test_sessions(tmp_path: Path, suffix: str, count: int, capfd: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / f"night{suffix}"
    files = list(mutations([NIGHT, SHORT_NIGHT], count, seed=3))
    assert 0 < refusals(lambda path: report([path], output), tmp_path / "night.jsonl", files) < len(files)
    out, told = capfd.readouterr()
    assert out == ""
    assert "\x1b" not in told
    assert "Traceback" not in told


def test_cue_sheets(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    recording = tmp_path / "set.wav"
    files = list(mutations([NIGHT], 100, seed=4))
    refusals(lambda path: report([path], tmp_path / "night.cue", recording), tmp_path / "night.jsonl", files)
    assert "Traceback" not in capfd.readouterr().err
