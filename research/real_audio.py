"""Real recordings in a folder, such as the contents of Debian's packages of music: found once each, and decoded."""

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from research.handlings import Samples, decoded

SUFFIXES = {".ogg", ".mp3", ".opus", ".flac", ".oga", ".wav", ".mod", ".xm", ".it", ".s3m"}
EXCERPT_SECONDS = 131.0
"""Two minutes at a tempo 8 % slower."""
LEAST_SECONDS = 60.0


@dataclass(frozen=True)
class Recording:
    """A file of at least a minute.

    Parameters
    ----------
    path
        Where it is.
    digest
        First sixteen hexadecimal digits of the SHA-256 of its bytes.
    seconds
        Its length.
    """

    path: Path
    digest: str
    seconds: float


def recordings(folder: Path) -> list[Recording]:
    """Return what a folder holds, without copies, in the order of their digests."""
    found: dict[str, Recording] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
            if digest not in found and (seconds := length(path)) >= LEAST_SECONDS:
                found[digest] = Recording(path, digest, seconds)
    return sorted(found.values(), key=lambda recording: recording.digest)


def length(path: Path) -> float:
    """Return the length of a file in seconds; 0 if FFmpeg does not know it."""
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(path)]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    try:
        return float(told[0])
    except (IndexError, ValueError):
        return 0.0


def excerpt(recording: Recording, seconds: float = EXCERPT_SECONDS) -> Samples:
    """Decode the middle of a recording: mono at `RATE`, no peak above 1."""
    start = max(0.0, (recording.seconds - seconds) / 2)
    samples = decoded("-ss", f"{start:.3f}", "-t", f"{seconds:g}", "-i", str(recording.path))
    return samples / np.float32(max(1.0, float(np.abs(samples).max(initial=0.0))))
