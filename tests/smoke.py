"""Runs every command once in an environment of its own: ``python tests/smoke.py ENVIRONMENT``.

`make test` does so with the newest versions that pip finds and with the lowest that pyproject.toml allows; all other
tests run with the exact versions of constraints.txt. The environment has the extra ``live`` only, so that commands
which need ``train`` are expected to say so in a sentence.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path


def run(edmlive: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200", "PYTHONWARNINGS": "error::DeprecationWarning:edmlive"}
    return subprocess.run(
        [str(edmlive), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def succeeds(result: subprocess.CompletedProcess[str]) -> bool:
    return result.returncode == 0


def answers(result: subprocess.CompletedProcess[str]) -> bool:
    """It depends on the machine's sound devices whether all is well; that it ends in order does not."""
    return result.returncode in (0, 1)


def names_the_extra(result: subprocess.CompletedProcess[str]) -> bool:
    return result.returncode == 1 and re.search(r"pip install '.*train", result.stderr) is not None


SMOKE: tuple[tuple[str, Callable[[subprocess.CompletedProcess[str]], bool]], ...] = (
    ("--version", succeeds),
    ("devices", answers),
    ("models", succeeds),
    ("synth house -o track.flac --seconds 20", succeeds),
    ("classify track.flac", succeeds),
    ("classify track.flac --csv --model late-fusion-distilled-int8", succeeds),
    ("listen --input track.flac --json night.jsonl --record copy.wav --osc 127.0.0.1:7709 --web=127.0.0.1:0", succeeds),
    ("listen --input copy.wav --json -", succeeds),
    ("report night.jsonl -o night.html", succeeds),
    ("report night.jsonl -o night.png", succeeds),
    ("report night.jsonl -o night.csv", succeeds),
    ("doctor", answers),
    ("bench latency --decisions 10", succeeds),
    ("features . -o store", succeeds),
    ("train store --model mel -o run", names_the_extra),
    ("evaluate store run", names_the_extra),
    ("export run -o model.onnx", names_the_extra),
    ("import checkpoint.pkl -o model.onnx", names_the_extra),
    ("plot track.flac -o plot.png", names_the_extra),
)


def commands(edmlive: Path, folder: Path) -> set[str]:
    """The commands that ``edmlive --help`` lists."""
    return set(re.findall(r"^│ ([a-z]+) ", run(edmlive, folder, "--help").stdout, re.MULTILINE))


def main() -> int:
    edmlive = Path(sys.argv[1]).absolute() / "bin" / "edmlive"
    failures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        untried = commands(edmlive, folder) - {line.split()[0] for line, _ in SMOKE}
        failures += [f"{command}: not part of this smoke test" for command in sorted(untried)]
        for line, expected in SMOKE:
            result = run(edmlive, folder, *line.split())
            well = expected(result) and "Traceback" not in result.stderr
            print(f"{'passed' if well else 'FAILED'}  edmlive {line}", flush=True)
            if not well:
                failures.append(f"edmlive {line}: exit code {result.returncode}\n{result.stdout}{result.stderr}")
    print(*failures, sep="\n", file=sys.stderr)
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
