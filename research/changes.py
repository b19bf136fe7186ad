"""The directions in which tracks differ from one another more than from themselves, for `edmlive.features.change`.

Run from the repository root: ``python -m research.changes FOLDER edmlive/features/change.npy``. The tracks should be of
many kinds and makers; 75 s of each are used. The file that ships was made of 80 tracks of 17 of Debian's packages of
games, none of them among those of `tests/fetch_references.sh`.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edmlive.features.change import describe
from edmlive.features.level import level_dbfs
from edmlive.features.resampler import Resampler
from edmlive.features.timbre import TimbreStatistics
from edmlive.kernels.tables import SAMPLE_RATE
from edmlive.sources.file import FileSource
from edmlive.util.audio_files import audio_files

SKIPPED, HEARD = 25, 75
"""Seconds of each track."""
MEAN = 8
"""Seconds of which means are compared."""
DIRECTIONS = 16
RIDGE = 0.03
RARE = 26.0
"""Squared distance between a minute and what came before that is as likely within a track as after a change."""


def described(path: Path) -> NDArray[np.float64]:
    """Describe a track second by second, shape (seconds, values)."""
    with FileSource(path) as source:
        resampler = Resampler(source.rate)
        parts = []
        for block in source:
            parts.append(resampler.push(block.samples))
            if sum(map(len, parts)) >= (SKIPPED + HEARD) * SAMPLE_RATE:
                break
    samples = np.concatenate(parts)[SKIPPED * SAMPLE_RATE : (SKIPPED + HEARD) * SAMPLE_RATE]
    timbre, rows = TimbreStatistics(1.0), []
    for second in np.split(samples, range(SAMPLE_RATE, len(samples), SAMPLE_RATE)):
        timbre.push(second)
        rows.append(describe(timbre.read(1.0), level_dbfs(second)))
    return np.array(rows)


def directions(tracks: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the projection in which tracks differ most from one another, relative to themselves; (values, 16)."""
    means = [np.apply_along_axis(np.convolve, 0, track, np.ones(MEAN) / MEAN, "valid") for track in tracks]
    within = np.concatenate(
        [track[i] - track[: i - MEAN : 4] for track in means for i in range(MEAN + 1, len(track), 2)]
    )
    between = np.array([a[len(a) // 2] - b[len(b) // 3] for i, a in enumerate(means) for b in means[:i]])
    spread = within.T @ within / len(within)
    spread += np.diag(np.diag(spread)) * RIDGE
    root = np.linalg.inv(np.linalg.cholesky(spread))
    _, vectors = np.linalg.eigh(root @ (between.T @ between / len(between)) @ root.T)
    return np.asarray(root.T @ vectors[:, ::-1][:, :DIRECTIONS] / np.sqrt(RARE))


def main() -> None:
    """Write the file."""
    folder, file = map(Path, sys.argv[1:])
    tracks = [track for path in audio_files(folder) if len(track := described(path)) >= HEARD - 1]
    np.save(file, directions(tracks).astype(np.float32))
    print(f"{len(tracks)} tracks")


if __name__ == "__main__":
    main()
