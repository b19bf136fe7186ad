"""Private servers for each test, the installed command beside this Python, and a small model that answers fast."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edmlive.realtime.classifier import Classifier
from edmlive.realtime.engine import listen
from edmlive.sources.file import FileSource
from tests import small_models
from tests.conftest import write_audio
from tests.e2e import icecast, jack, pulse
from tests.e2e.icecast import IcecastServer
from tests.e2e.jack import JackServer
from tests.e2e.listener import Listener
from tests.e2e.pulse import PulseServer
from tests.music import render

RATE = 48_000


def require(programs: tuple[str, ...]) -> None:
    """Skip the test where a program is missing; in CI that is a broken set-up, not a reason to test less."""
    if missing := [name for name in programs if shutil.which(name) is None]:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"not installed: {', '.join(missing)}")


@pytest.fixture(autouse=True)
def _marked_programs(request: pytest.FixtureRequest) -> None:
    """See to the programs that a test's mark ``needs`` names."""
    for mark in request.node.iter_markers("needs"):
        require(mark.args)


@pytest.fixture
def start_pulse(tmp_path: Path) -> Iterator[Callable[[int, int], PulseServer]]:
    """Start a PulseAudio server with a null sink of the given rate and channels."""
    require(pulse.NEEDED)
    servers: list[PulseServer] = []

    def start(rate: int, channels: int) -> PulseServer:
        servers.append(pulse.start_server(tmp_path, rate, channels))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def start_here(
    start_pulse: Callable[[int, int], PulseServer], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., PulseServer]:
    """Start a PulseAudio server that this process, too, listens to."""

    def start(rate: int = RATE, channels: int = 2) -> PulseServer:
        server = start_pulse(rate, channels)
        for name in ("PULSE_SERVER", "PULSE_SOURCE"):
            monkeypatch.setenv(name, server.environment[name])
        return server

    return start


@pytest.fixture
def start_jack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[], JackServer]]:
    """Start a JACK server that this process listens to."""
    require(jack.NEEDED)
    name = f"edm{os.getpid()}"
    for variable, value in jack.jack_environment(name).items():
        monkeypatch.setenv(variable, value)
    servers: list[JackServer] = []

    def start() -> JackServer:
        servers.append(jack.start_jack(name))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def icecast_server() -> Iterator[IcecastServer]:
    """An Icecast server, yet to be started."""
    require(icecast.NEEDED)
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are closed to the user that it runs as
        server = icecast.icecast_server(Path(folder))
        yield server
        server.kill()


@pytest.fixture(scope="session")
def edmlive() -> str:
    """The installed command."""
    command = Path(sys.executable).with_name("edmlive")
    assert command.is_file(), f"{command} is not installed: run 'make test', which installs it"
    return str(command)


@pytest.fixture
def start_listener(edmlive: str) -> Iterator[Callable[..., Listener]]:
    """Start the installed command on a PulseAudio server, with options."""
    listeners: list[Listener] = []

    def start(server: PulseServer, *options: str) -> Listener:
        command = [edmlive, "listen", "--device", "pulse", "--json", "-", *options]
        pipe = subprocess.PIPE
        listeners.append(
            Listener(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=server.environment))
        )
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.kill()


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """A small model that answers after three seconds of music."""
    return Classifier(
        small_models.save(tmp_path_factory.mktemp("model") / "small.onnx", small_models.spec(), scale=0.5)
    )


@pytest.fixture(scope="session")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of music."""
    path = tmp_path_factory.mktemp("music") / "music.wav"
    return write_audio(path, render(60, RATE), RATE, "pcm_f32le", "flt")


@pytest.fixture(scope="session")
def genres(music: Path, classifier: Classifier) -> set[str]:
    """What the model hears in that minute."""
    with FileSource(music) as source:
        return {reading.genre for reading in listen(source, classifier) if reading.genre}
