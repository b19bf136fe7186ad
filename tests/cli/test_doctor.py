"""`edmlive doctor` as a user sees it."""

import json
from pathlib import Path

import pytest

from tests import sound_card
from tests.cli.conftest import Run


def test_computer_that_can_listen_is_told_as_json(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound_card.plug_in(tmp_path, monkeypatch, frames=10**6)
    said = run("doctor", "--json", "--model", model)
    answer = json.loads(said.out)
    assert (said.code, answer["can_listen"]) == (0, True)
    assert {"clock", "input", "model", "web page"} <= {finding["name"] for finding in answer["findings"]}
    assert all(set(finding) == {"name", "status", "said", "remedy"} for finding in answer["findings"])


def test_computer_without_an_input_is_told_what_to_do(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound_card.plug_in(tmp_path, monkeypatch, names=[])
    said = run("doctor", "--model", model)
    assert said.code == 1
    assert "failure" in said.out
    assert "edmlive cannot listen" in said.out
