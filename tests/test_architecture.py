"""The arrows of the house run one way, and the run-time install stays light."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edmlive.realtime.recorder import Recorder
from tests import models
from tests.conftest import ROOT
from tests.music import render

PACKAGE = ROOT / "edmlive"

# Room -> what of edmlive it may import, by prefix. A room may always import itself.
ARROWS = {
    "spec": (),
    "errors": (),
    "files": (),
    "timecode": (),
    "audiofiles": (),
    "stopwatch": (),
    "tomlfile": ("errors",),
    "overlap": ("spec",),
    "processes": (),
    "kernels": (),
    "models": ("kernels", "spec", "errors", "files", "overlap"),
    "synth": ("kernels", "errors", "processes"),
    "realtime": ("kernels", "spec", "errors", "stopwatch", "overlap", "timecode", "tomlfile", "models.zoo", "synth"),
    "night": ("errors", "timecode", "realtime.health", "realtime.reading", "realtime.voter"),
    "export": ("kernels", "spec", "errors", "files", "overlap", "models"),
    "training": (
        *("kernels", "spec", "errors", "files", "audiofiles", "overlap", "processes", "models", "export", "synth"),
        *("realtime.frontend", "realtime.timbre", "realtime.rhythm", "realtime.windows"),
        *("realtime.resampler", "realtime.sources.file"),
        *("realtime.classifier", "realtime.onnx_file", "realtime.voter"),
    ),
    "cli": (
        *("spec", "errors", "timecode", "audiofiles", "tomlfile", "overlap"),
        *("models", "realtime", "export", "training", "synth", "night"),
    ),
}
HEAVY = ("torch", "lightning", "librosa", "scipy", "sklearn", "onnx", "pandas", "matplotlib")


def imports(path: Path) -> Iterator[str]:
    """Every module named in an import statement, wherever in the file it stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms() -> list[str]:
    return sorted(p.stem for p in PACKAGE.iterdir() if (p.suffix == ".py" or p.is_dir()) and not p.name.startswith("_"))


def files(room: str) -> list[Path]:
    return sorted((PACKAGE / room).rglob("*.py")) or [PACKAGE / f"{room}.py"]


def within(module: str, prefixes: tuple[str, ...]) -> bool:
    return any(module == prefix or module.startswith(f"{prefix}.") for prefix in prefixes)


def test_every_room_has_its_arrows() -> None:
    assert set(rooms()) <= set(ARROWS)


@pytest.mark.parametrize("room", rooms())
def test_room_imports_only_along_the_arrows(room: str) -> None:
    allowed = tuple(f"edmlive.{name}" for name in (room, *ARROWS[room]))
    strangers = {
        f"{path.relative_to(ROOT)}: {module}"
        for path in files(room)
        for module in imports(path)
        if module.startswith("edmlive.") and not within(module, allowed)
    }
    assert strangers == set()


RUN_TIME = (
    *("spec", "errors", "stopwatch", "overlap", "timecode", "audiofiles", "processes"),
    *("kernels", "synth", "realtime", "night"),
)


@pytest.mark.parametrize("room", RUN_TIME)
def test_run_time_rooms_never_name_heavy_packages(room: str) -> None:
    assert {module for path in files(room) for module in imports(path) if within(module, HEAVY)} == set()


def test_run_time_compiles_and_works_where_heavy_packages_are_not_installed(tmp_path: Path) -> None:
    # Numba itself takes linear algebra from SciPy, so a kernel may need it without any import of ours.
    model = models.save(tmp_path / "small.onnx", models.spec())
    audio = tmp_path / "music.wav"
    recorder = Recorder(audio, 22_050, 1)
    recorder.write(render(5, 22_050, 1))
    recorder.close()
    code = f"import sys; sys.modules.update(dict.fromkeys({HEAVY})); from edmlive.cli import main; main()"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "kernels")}

    def run(*arguments: object) -> str:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout

    assert "genre" in run("classify", audio, "--model", model)
    assert "BPM" in run("synth", "house", "-o", tmp_path / "house.flac", "--seconds", 2)


def loaded_by(statement: str) -> set[str]:
    """Top-level modules in a fresh interpreter after a statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    "statement",
    ["import edmlive.cli", "import edmlive.realtime.sources.capture"],
    ids=["command", "capture process"],
)
def test_starts_without_loading_kernels_or_onnx_runtime(statement: str) -> None:
    assert loaded_by(statement) & {"numba", "onnxruntime", "av", *HEAVY} == set()
