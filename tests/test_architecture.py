"""The arrows of the house run one way, and the run-time install stays light."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edmlive.sources.recorder import Recorder
from tests import small_models
from tests.conftest import ROOT
from tests.music import render

PACKAGE = ROOT / "edmlive"

# Room -> what of edmlive it may import, by prefix. A room may always import itself.
GROUND = ("errors", "spec", "taxonomy", "util", "kernels")
ARROWS: dict[str, tuple[str, ...]] = {
    "errors": (),
    "spec": (),
    "taxonomy": (),
    "util": ("errors",),
    "kernels": (),
    "models": GROUND,
    "synth": GROUND,
    "features": GROUND,
    "sources": (*GROUND, "synth"),
    "realtime": (*GROUND, "sources", "features", "models.zoo"),
    "sinks": (*GROUND, "sources", "realtime"),
    "report": (*GROUND, "sources", "realtime"),
    "diagnostics": (*GROUND, "synth", "sources", "features", "realtime", "sinks"),
    "export": (*GROUND, "synth", "features", "models"),
    "training": (*GROUND, "synth", "sources", "features", "models", "export", "realtime.classifier"),
    "cli": (
        *GROUND,
        "synth",
        "sources",
        "features",
        "models",
        "realtime",
        "sinks",
        "report",
        "diagnostics",
        "export",
        "training",
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
    assert set(rooms()) == set(ARROWS)


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()


def test_architecture_page_has_the_same_arrows() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .+ \| (.+) \|$", ARCHITECTURE, re.MULTILINE)
    everything = tuple(sorted(set(ARROWS) - {"cli"}))

    def allowed(cell: str) -> tuple[str, ...]:
        ground = GROUND if "the ground" in cell else ()
        return everything if cell == "everything" else (*ground, *re.findall(r"`([\w.]+)`", cell))

    assert {room: set(allowed(cell)) for room, cell in rows} == {room: set(arrows) for room, arrows in ARROWS.items()}


def test_architecture_page_draws_the_arrows_downward() -> None:
    (drawing,) = re.findall(r"^```\n(cli\n.+?)^```", ARCHITECTURE, re.MULTILINE | re.DOTALL)
    layer = {room: depth for depth, line in enumerate(drawing.splitlines()) for room in line.split(" | ")}
    assert set(layer) == set(ARROWS)
    for room, arrows in ARROWS.items():
        assert [to for to in arrows if layer[to.partition(".")[0]] <= layer[room]] == [], f"upward from {room}"


def test_architecture_page_draws_classes_that_exist() -> None:
    (drawing,) = re.findall(r"^```\n( +capture process.+?)^```", ARCHITECTURE, re.MULTILINE | re.DOTALL)
    drawn = set(re.findall(r"\b(?:[A-Z][a-z]+){2,}\b", drawing))
    trees = (ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py"))
    classes = {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    assert drawn and drawn - {"PortAudio"} <= classes


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


RUN_TIME = (*GROUND, "synth", "features", "sources", "realtime", "sinks", "report", "diagnostics")


@pytest.mark.parametrize("room", RUN_TIME)
def test_run_time_rooms_never_name_heavy_packages(room: str) -> None:
    assert {module for path in files(room) for module in imports(path) if within(module, HEAVY)} == set()


@pytest.mark.slow
def test_run_time_compiles_and_works_where_heavy_packages_are_not_installed(tmp_path: Path) -> None:
    # Numba itself takes linear algebra from SciPy, so a kernel may need it without any import of ours.
    model = small_models.save(tmp_path / "small.onnx", small_models.spec())
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
    [
        "import edmlive",
        "import edmlive.realtime",
        "import edmlive.training",
        "import edmlive.cli",
        "import edmlive.sources.capture.child",
    ],
    ids=["package", "realtime", "training", "command", "capture process"],
)
def test_starts_without_loading_kernels_or_onnx_runtime(statement: str) -> None:
    assert loaded_by(statement) & {"numba", "onnxruntime", "av", *HEAVY} == set()


def test_command_starts_without_loading_numpy() -> None:
    assert "numpy" not in loaded_by("import edmlive.cli")


def test_features_are_computed_without_loading_torch() -> None:
    assert loaded_by("import edmlive.training.features") & {"torch", "lightning", "sklearn", "pandas"} == set()
