"""Compiled kernels are kept between runs, and a cache in any state never keeps the program from starting."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # each of them starts Python and compiles

PROGRAM = """
import signal
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the tests were started with
sys.path.insert(0, sys.argv[1])
import room
assert room.add(2.0, 3.0) == 5.0
print("compiled" if room.add.stats.cache_misses else "loaded")
"""

ROOM = """
from edmlive.kernels.jit import kernel

@kernel()
def half(x):
    return x / 2.0

@kernel("float64(float64, float64)")
def add(x, y):
    return half(2.0 * x) + y
"""


@pytest.fixture
def room(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "room.py").write_text(ROOM)
    return folder


def start(room: Path, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if k not in ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR")}
    temporary = room.parent / "tmp"
    temporary.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(room)],
        capture_output=True,
        text=True,
        check=True,
        env={**inherited, "HOME": str(home), "TMPDIR": str(temporary), **environment},
    )


def kept(folder: Path, suffix: str) -> list[Path]:
    return sorted(folder.rglob(f"*{suffix}"))


def test_second_start_loads_what_the_first_compiled(room: Path, tmp_path: Path) -> None:
    assert [start(room, tmp_path).stdout for _ in range(2)] == ["compiled\n", "loaded\n"]
    assert kept(tmp_path / ".cache" / "edmlive" / "kernels", ".nbc")


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", ["emptied", "cut short", "zeroed", "garbled", "a folder"])
def test_damaged_file_is_compiled_anew_and_once(room: Path, tmp_path: Path, suffix: str, damage: str) -> None:
    start(room, tmp_path)
    for path in kept(tmp_path, suffix):
        content = path.read_bytes()
        if damage == "a folder":
            path.unlink()
            path.mkdir()
            continue
        damaged = {
            "emptied": b"",
            "cut short": content[: len(content) // 2],
            "zeroed": bytes(len(content)),
            "garbled": content[:100] + bytes(byte ^ 0x55 for byte in content[100:]),
        }
        path.write_bytes(damaged[damage])
    assert start(room, tmp_path).stdout == "compiled\n"
    if damage != "a folder":
        assert start(room, tmp_path).stdout == "loaded\n"


def test_changed_kernel_of_the_room_is_compiled_anew(room: Path, tmp_path: Path) -> None:
    start(room, tmp_path)
    (room / "other.py").write_text("LIMIT = 1\n")
    assert start(room, tmp_path).stdout == "compiled\n"


def test_home_that_cannot_be_written_is_reported_and_one_private_folder_serves(room: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("no folder at all")
    runs = [start(room, home) for _ in range(2)]
    assert [run.stdout for run in runs] == ["compiled\n", "loaded\n"]
    assert all("cannot be kept in" in run.stderr and run.stderr.count("\n") == 1 for run in runs)
    (private,) = (tmp_path / "tmp").iterdir()
    assert private.stat().st_mode & 0o077 == 0


def test_folder_that_others_can_write_to_is_not_trusted(room: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("no folder at all")
    open_to_all = tmp_path / "tmp" / f"edmlive-kernels-{os.getuid()}"
    open_to_all.mkdir(parents=True)
    open_to_all.chmod(0o777)
    run = start(room, home)
    assert run.stdout == "compiled\n" and "the next start compiles them again" in run.stderr
    assert list(open_to_all.iterdir()) == []


@pytest.mark.skipif(not Path("/bin/sh").exists(), reason="limits the size of files by a POSIX shell")
def test_full_disk_costs_the_cache_only(room: Path, tmp_path: Path) -> None:
    command = f'ulimit -f 1; exec "{sys.executable}" -c "$0" "{room}"'
    run = subprocess.run(
        ["/bin/sh", "-c", command, PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "NUMBA_CACHE_DIR": ""},
    )
    assert run.stdout == "compiled\n"
    assert "cannot be kept" in run.stderr


def test_kernels_of_other_versions_are_removed_once_long_unused(room: Path, tmp_path: Path) -> None:
    folder = tmp_path / ".cache" / "edmlive" / "kernels"
    for name, days in (("old", 31), ("recent", 29)):
        (folder / name).mkdir(parents=True)
        then = time.time() - days * 86_400
        os.utime(folder / name, (then, then))
    start(room, tmp_path)
    names = {path.name for path in folder.iterdir()}
    assert "old" not in names and "recent" in names and len(names) == 2


def test_ctrl_c_while_a_kernel_compiles_waits_for_it(room: Path, tmp_path: Path) -> None:
    (room / "room.py").write_text(
        ROOM.replace("@kernel()", "import signal\n\n@kernel()").replace(
            '@kernel("float64(float64, float64)")',
            "compiling = type(half).compile\n"
            "def interrupted(self, signature):\n"
            "    signal.raise_signal(signal.SIGINT)\n"
            "    compiling(self, signature)\n"
            "    print('compiled', flush=True)\n"
            "type(half).compile = interrupted\n\n"
            '@kernel("float64(float64, float64)")',
        )
    )
    with pytest.raises(subprocess.CalledProcessError) as failure:
        start(room, tmp_path)
    assert set(failure.value.stdout.split()) == {"compiled"}, "and those that it calls"
    assert failure.value.returncode == -signal.SIGINT
