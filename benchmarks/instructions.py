"""Instructions that one hop of the front end takes, counted by Callgrind: a figure without noise.

Timings of the same code differ by more than many a change is worth; these counts hardly do. The kernels are compiled
for a fixed processor (Haswell: AVX2, for Valgrind knows no AVX-512), whatever the machine. The counts are no times: a
division counts like an addition.

Without options the counts are compared with those in ``instructions.json``, where ``--record`` puts them. Needs an
x86-64 machine and Valgrind (``apt install valgrind``), and takes about four minutes.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import from_dtype, types

from edmlive.errors import UserError
from edmlive.kernels import onset, spectrum, stream, tempogram
from edmlive.kernels.jit import kernel
from edmlive.kernels.tables import HOP_LENGTH

RECORD = Path(__file__).with_suffix(".json")
HASWELL = {
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+avx,+avx2,+fma,+f16c,+bmi,+bmi2,+lzcnt,+movbe,+cx16",
}
NOISE = list(np.random.default_rng(0).standard_normal((64, HOP_LENGTH)).astype(np.float32))
STATES = from_dtype(stream.STATE)[::1], types.int64


@kernel(types.void(*STATES))
def mel_spectra(state: Any, hops: int) -> None:
    """Append a hop and compute the mel spectrum, `count` times."""
    for _ in range(hops):
        spectrum.append(state[0].spectrum, state[0].hop)
        spectrum.mel_spectrum(state[0].spectrum)


@kernel(types.void(*STATES))
def onset_strengths(state: Any, hops: int) -> None:
    """Compute the onset strength, `count` times."""
    for _ in range(hops):
        onset.append(state[0].onset, state[0].spectrum.mel)


@kernel(types.void(*STATES))
def both_tempograms(state: Any, hops: int) -> None:
    """Compute both tempograms, `count` times."""
    for _ in range(hops):
        tempogram.tempograms(state[0].onset.strengths, state[0].tempogram)


def pushes(state: stream.State, hops: int) -> None:
    """Push `count` hops of noise from Python."""
    frame = np.empty((1, stream.FRAME_SIZE), np.float32)
    for hop in range(hops):
        stream.push(NOISE[hop % len(NOISE)], state, frame)


PIECES = {
    "a push of 512 samples from Python": pushes,
    "mel spectrum": mel_spectra,
    "onset strength": onset_strengths,
    "both tempograms": both_tempograms,
}


def work(piece: str, hops: int) -> None:
    """Repeat a piece of work, after one hop of everything."""
    state = stream.allocate()
    pushes(state, 64)
    for each in PIECES.values():
        each(state, 1)
    PIECES[piece](state, hops)


def count(pieces: Sequence[str], hops: int) -> dict[str, int]:
    """Return the instructions a hop of each piece of work takes."""
    if platform.machine() not in ("x86_64", "AMD64"):
        raise UserError("Instructions are counted for x86-64, and this is another machine.")
    if shutil.which("valgrind") is None:
        raise UserError("Counting instructions needs Valgrind, which is not installed (apt install valgrind).")
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | HASWELL | {"NUMBA_CACHE_DIR": folder, "PYTHONHASHSEED": "0"}

        def run(piece: str, hops: int, *under: str) -> str:
            command = [*under, sys.executable, "-m", "benchmarks.instructions", "--work", piece, f"{hops:06}"]
            done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
            return done.stderr

        def instructions(piece: str, hops: int) -> int:
            said = run(piece, hops, "valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out")
            found = re.search(r"Collected : (\d+)", said)
            assert found is not None, said
            return int(found[1])

        run(pieces[0], 0)  # compiles, outside Valgrind
        return {piece: round((instructions(piece, 2 * hops) - instructions(piece, hops)) / hops) for piece in pieces}


def versions() -> dict[str, str]:
    """Return what the counts depend on besides this code."""
    said = subprocess.run(["valgrind", "--version"], check=True, capture_output=True, text=True).stdout
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "llvmlite": version("llvmlite"),
        "valgrind": said.strip().removeprefix("valgrind-"),
        "target": HASWELL["NUMBA_CPU_NAME"],
    }


def main() -> None:
    """Count, and compare or record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="count the push alone, and few hops, only to see that it runs"
    )
    parser.add_argument("--record", action="store_true", help=f"keep the counts in {RECORD.name}")
    parser.add_argument("--work", nargs=2, metavar=("PIECE", "HOPS"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.work:
        work(chosen.work[0], int(chosen.work[1]))
        return
    try:
        counts = count(list(PIECES)[:1], 20) if chosen.quick else count(list(PIECES), 10_000)
    except UserError as error:
        sys.exit(str(error))
    if chosen.record:
        RECORD.write_text(json.dumps({"versions": versions(), "instructions per hop": counts}, indent=1) + "\n")
        return
    known = json.loads(RECORD.read_text())
    for name, today in versions().items():
        if today != known["versions"][name]:
            print(
                f"Recorded with {name} {known['versions'][name]}, counted with {today}: the counts may differ by that."
            )
    for piece, now in counts.items():
        before = known["instructions per hop"][piece]
        print(f"{piece:<34} {now:>8,} instructions per hop, recorded {before:>8,} ({100 * (now / before - 1):+.2f} %)")


if __name__ == "__main__":
    main()
