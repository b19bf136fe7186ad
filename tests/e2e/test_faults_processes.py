"""However the command is ended, and whatever its device is doing: at once, in order, and nothing stays behind."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.conftest import decode
from tests.e2e.listener import Listener
from tests.e2e.pulse import PulseServer
from tests.music import render

pytestmark = pytest.mark.e2e

StartPulse = Callable[[int, int], PulseServer]
StartListener = Callable[..., Listener]
END_SECONDS = 1.0


def processes_of(listener: Listener) -> list[psutil.Process]:
    children = psutil.Process(listener.process.pid).children(recursive=True)
    assert children
    return children


def shared_memory(listener: Listener) -> set[Path]:
    """Return what its processes share, and nobody else's files, which come and go in the same folder."""
    processes = [psutil.Process(listener.process.pid), *processes_of(listener)]
    maps = [Path(entry.path) for process in processes for entry in process.memory_maps()]
    shared = {path for path in maps if path.parent == Path("/dev/shm") and not path.name.startswith("pulse")}
    assert shared
    return shared


def gone(processes: list[psutil.Process], seconds: float) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def hang(listener: Listener, server: PulseServer) -> None:
    """Freeze the server, and wait until a fresh capture process hangs on it."""
    server.freeze()
    deadline = time.monotonic() + 8
    while not listener.lines or listener.lines[-1]["liveness"] != "recovering":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.7)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_it_in_order_while_the_device_hangs(
    start_listener: StartListener, start_pulse: StartPulse, tmp_path: Path, number: signal.Signals
) -> None:
    server = start_pulse(48_000, 2)
    recording = tmp_path / "heard.wav"
    listener = start_listener(server, "--record", str(recording))
    for _ in range(2):
        listener.wait_for_line()
    shared = shared_memory(listener)
    hang(listener, server)
    processes = processes_of(listener)
    began = time.monotonic()
    listener.process.send_signal(number)
    listener.process.send_signal(signal.SIGTERM)  # whoever closes a terminal may send two
    listener.process.wait(5)
    took = time.monotonic() - began
    said = listener.finish()
    assert listener.process.returncode == 0, said
    assert "Traceback" not in said
    assert took <= END_SECONDS
    assert gone(processes, 0.5)
    assert len(decode(recording)[0]) >= 48_000
    server.kill()
    assert not [path for path in shared if path.exists()]


def test_killed_listener_leaves_nothing_while_the_device_hangs(
    start_listener: StartListener, start_pulse: StartPulse
) -> None:
    server = start_pulse(48_000, 2)
    listener = start_listener(server)
    listener.wait_for_line()
    shared = shared_memory(listener)
    hang(listener, server)
    processes = processes_of(listener)
    listener.process.kill()
    listener.finish()
    assert gone(processes, 2)
    server.kill()
    assert not [path for path in shared if path.exists()]


def test_standard_input_that_ends_inside_a_frame_is_reported_after_the_answers(edmlive: str) -> None:
    pcm = render(8, 44_100).tobytes()[:-3]
    command = [edmlive, "listen", "--input", "-", "--format", "f32le", "--json", "-"]
    run = subprocess.run(command, input=pcm, capture_output=True, check=False, timeout=60)
    assert run.returncode == 1
    assert len(run.stdout.splitlines()) >= 7
    assert json.loads(run.stdout.splitlines()[-1])["liveness"] == "healthy"
    assert b"ended inside a frame; the last 5 bytes" in run.stderr
    assert b"Traceback" not in run.stderr
