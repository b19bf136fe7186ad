"""Small corpora of rendered music: each genre has its tempo."""

from pathlib import Path

from tests.conftest import write_audio
from tests.music import render

TEMPI = {"breaks": 100.0, "house": 128.0, "jungle": 174.0}
SECONDS = 14.0


def write(path: Path, bpm: float, seed: int, seconds: float = SECONDS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_audio(path, render(seconds, 22_050, 1, bpm, seed), 22_050, "flac", "s16", "mono")


def save(folder: Path, tracks: int = 4) -> Path:
    """A folder for each genre, `tracks` recordings in each."""
    for genre, bpm in TEMPI.items():
        for i in range(tracks):
            write(folder / genre / f"{i}.flac", bpm + i / 2, seed=i)
    return folder
