"""The doctor finds what is wrong, says what to do, and never hangs."""

import os
import shutil
import socket
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edmlive.diagnostics import doctor, system
from edmlive.diagnostics.checks import Finding, Status, run_checks
from edmlive.diagnostics.doctor import all_checks
from edmlive.sinks.web import DEFAULT_ADDRESS
from tests import small_models, sound_card


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda *then, **plan: sound_card.plug_in(tmp_path, monkeypatch, *then, **plan)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return small_models.save(tmp_path / "small.onnx", small_models.spec(), scale=0.5)


def test_device_that_delivers_is_reported_with_its_level(plug_in: Any) -> None:
    plug_in(frames=10**6)
    found = doctor.check_input()
    assert found.status is Status.OK
    assert "'mixer', 8000 Hz, 2 channels: -" in found.said
    assert found.remedy == ""


def test_device_that_stays_silent_says_what_to_do(plug_in: Any) -> None:
    plug_in(frames=0)
    (found,) = run_checks({"input": doctor.check_input}, seconds=15)
    assert found.status is Status.FAILURE
    assert "no answer" not in found.said
    assert found.remedy


@pytest.mark.parametrize(
    ("plan", "words"),
    [({"names": []}, "No audio input device"), ({"end": "refuses"}, "Device unavailable")],
    ids=["none", "refuses"],
)
def test_device_that_cannot_be_had_is_a_failure_with_a_remedy(plug_in: Any, plan: dict[str, Any], words: str) -> None:
    plug_in(**plan)
    found = doctor.check_input()
    assert found.status is Status.FAILURE
    assert words in found.said
    assert found.remedy


def test_devices_are_listed(plug_in: Any) -> None:
    plug_in(names=["mixer", "microphone"])
    assert doctor.check_input_devices() == Finding("input devices", Status.OK, "0 'mixer', 1 'microphone'")
    plug_in(names=[])
    assert doctor.check_input_devices().status is Status.FAILURE


def test_model_is_tried_and_its_provider_reported(model: Path) -> None:
    found = doctor.check_model(model, "cpu")
    assert found.status in (Status.OK, Status.WARNING)  # a busy machine may be too slow
    assert "small on cpu; a decision takes " in found.said


def test_model_that_is_refused_is_a_failure(tmp_path: Path) -> None:
    found = doctor.check_model(tmp_path / "none.onnx")
    assert found.status is Status.FAILURE
    assert "none.onnx cannot be read" in found.said
    assert found.remedy


def test_port_that_is_taken_is_reported_with_another() -> None:
    host, _, port = DEFAULT_ADDRESS.rpartition(":")
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind((host, int(port)))
        except OSError:
            pytest.skip(f"{DEFAULT_ADDRESS} is taken by another program")
        other.listen()
        found = system.check_web_page()
        assert (found.status, found.remedy) == (Status.WARNING, f"use --web {host}:{int(port) + 1}")
    assert system.check_web_page().status is Status.OK


def test_disk_without_room_for_a_night_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 30))
    assert system.check_disk().status is Status.WARNING
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 40))
    assert system.check_disk().status is Status.OK


def test_load_beyond_the_cores_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    cores = os.cpu_count() or 1
    for load, status in ((cores / 2, Status.OK), (cores * 2, Status.WARNING)):
        monkeypatch.setattr(os, "getloadavg", lambda load=load: (load, load, load))
        assert system.check_processor().status is status


def test_clock_that_is_behind_the_installation_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "behind" not in system.check_clock().said
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    assert "behind" in system.check_clock().said


@pytest.mark.parametrize(
    "check", ["clock", "shared memory", "compiler cache", "disk", "extras", "sound cards", "sound server"]
)
def test_quick_checks_never_fail_and_take_no_time(check: str) -> None:
    (found,) = run_checks({check: all_checks()[check]}, seconds=10)
    assert found.name == check
    assert found.status is not Status.FAILURE
    assert found.said


def test_check_that_hangs_or_fails_holds_nothing_up() -> None:
    released = threading.Event()

    def patience() -> Finding:
        released.wait()
        raise AssertionError

    def luck() -> Finding:
        raise RuntimeError("bad luck")

    hanging, failing, working = run_checks(
        {"patience": patience, "luck": luck, "extras": system.check_extras}, seconds=0.5
    )
    released.set()
    assert (hanging.name, hanging.status) == ("patience", Status.FAILURE)
    assert "no answer within" in hanging.said
    assert (failing.name, failing.status) == ("luck", Status.FAILURE)
    assert "bad luck" in failing.said
    assert (working.name, working.status) == ("extras", Status.OK)


def test_what_is_missing_is_not_called_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(Path, "glob", lambda *arguments: iter(()))
    monkeypatch.setattr(shutil, "which", lambda program: None)
    for found in (doctor.check_sound_cards(), doctor.check_sound_server()):
        assert found.status is Status.WARNING
        assert found.remedy
