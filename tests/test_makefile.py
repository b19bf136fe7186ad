"""What ``make listen`` listens to."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import sound_card
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def alone() -> dict[str, str]:
    """The environment without what a ``make`` that runs the tests says to those below it."""
    return {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}


@pytest.mark.parametrize(
    ("devices", "command", "words"),
    [(["mixer"], "listen", ""), ([], "listen --input demo", "No audio input device")],
    ids=["a device", "no device"],
)
def test_listens_to_a_device_or_else_to_the_demo_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, devices: list[str], command: str, words: str
) -> None:
    sound_card.plug_in(tmp_path, monkeypatch, names=devices)
    edmlive = tmp_path / "bin" / "edmlive"
    edmlive.parent.mkdir()
    edmlive.write_text(f'#!/bin/sh\n[ "$1" = devices ] && exec {sys.executable} -m edmlive devices\necho "$@"\n')
    edmlive.chmod(0o755)
    (tmp_path / "installed").touch()
    make = ["make", "listen", f"VENV={tmp_path}", "PYTHON=true"]  # the environment stands, nothing is installed
    said = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True, env=alone())
    assert said.stdout.splitlines()[-1] == command
    assert words in said.stderr
    assert ("demo set" in said.stdout) == (not devices)


def test_without_sudo_what_is_missing_is_one_sentence(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "id", "make"):
        (programs / name).symlink_to(shutil.which(name) or name)
    (programs / "apt-get").write_text("#!/bin/sh\nexit 1\n")
    (programs / "apt-get").chmod(0o755)
    make = ["make", "-s", "valgrind", "SUDO=sudo-that-is-missing", "PATH=" + str(programs)]
    said = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True, env=alone())
    assert said.stderr == ""
    assert len(said.stdout.splitlines()) == 1
    assert "valgrind" in said.stdout
