"""The command as a user runs it, in this process where that tells the same."""

import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edmlive.cli import main
from tests import small_models
from tests.conftest import write_audio
from tests.music import render

PROGRESS = ("Listening to ", "Heard ")


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one sentence on standard error; what `listen` always says there does not count."""
        said = [line for line in self.err.splitlines() if line and not line.startswith(PROGRESS)]
        assert len(said) == 1, self.err
        assert said[0].startswith("edmlive: ")
        assert said[0].endswith(".")
        assert not said[0].endswith("..")
        return said[0]


Run = Callable[..., Said]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run the command in this process: anything but an orderly exit fails the test."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]

    def command(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["edmlive", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as end:
            assert end.code is None or isinstance(end.code, int)
            code = end.code or 0
        return Said(code, *capfd.readouterr())

    yield command
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_models.save(tmp_path_factory.mktemp("models") / "small.onnx", small_models.spec(), scale=0.5)


@pytest.fixture(scope="session")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds of stereo at 44.1 kHz."""
    path = tmp_path_factory.mktemp("music") / "music.wav"
    return write_audio(path, render(8, 44_100), 44_100, "pcm_f32le", "flt")
