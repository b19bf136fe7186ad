"""A private PulseAudio server for each test, and the installed command beside this Python."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.pulse import PulseServer, missing_programs, start_server


@pytest.fixture
def start_pulse(tmp_path: Path) -> Iterator[Callable[[int, int], PulseServer]]:
    """Start a server with a null sink of the given rate and channels."""
    if missing := missing_programs():
        # In CI a missing server is a broken set-up, not a reason to test less.
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"not installed: {', '.join(missing)}")
    servers: list[PulseServer] = []

    def start(rate: int, channels: int) -> PulseServer:
        servers.append(start_server(tmp_path, rate, channels))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


@pytest.fixture(scope="session")
def edmlive() -> str:
    """The installed command."""
    command = Path(sys.executable).with_name("edmlive")
    assert command.is_file(), f"{command} is not installed: run 'make test', which installs it"
    return str(command)
