"""Features on disk: one array a recording, read by slices, so that memory holds a batch and no more."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edmlive.errors import UserError
from edmlive.kernels.tables import N_MELS, Window
from edmlive.models.inputs import CHUNK_FRAMES
from edmlive.util.files import replacing

VERSION = 1
"""Of the layout and of what the features are; stores of other versions are refused."""
COLUMNS = N_MELS + 1
"""Mel powers, then onset strength in dB. Tempograms are computed from the latter where they are needed: 577 values
from one, in 3 microseconds."""
_INDEX = "store.json"


class StoreError(UserError):
    """A feature store is missing, was written by another version, or cannot be written."""


@dataclass(frozen=True)
class StoredTrack:
    """A recording whose features are stored.

    Parameters
    ----------
    name
        The recording relative to its corpus.
    genre, artist
        Of the recording; ``None`` and empty where not known.
    file
        Its features, relative to the store.
    frames
        Feature frames, 512 samples at 22,050 Hz apart.
    """

    name: str
    genre: str | None
    artist: str
    file: str
    frames: int

    @property
    def identity(self) -> str:
        """What tells the recording from others in any store, by name, size and time of change: 8 hexadecimal digits."""
        return Path(self.file).stem[:8]


@dataclass(frozen=True)
class Teacher:
    """A model whose answers are stored for others to learn from.

    Parameters
    ----------
    name
        Its name.
    digest
        What tells its file from any other, 16 hexadecimal digits of SHA-256.
    labels
        Its genres, in the order of its answers.
    """

    name: str
    digest: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class FeatureStore:
    """A folder of features.

    Parameters
    ----------
    folder
        The folder.
    window
        Window function of the spectra.
    tracks
        What is stored.
    skipped
        Recordings left out, and why.
    teacher
        Whose answers are stored beside the features; ``None`` where nobody's are.
    """

    folder: Path
    window: Window
    tracks: tuple[StoredTrack, ...]
    skipped: dict[str, str]
    teacher: Teacher | None = None

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The genres that are known, sorted."""
        return tuple(sorted({track.genre for track in self.tracks if track.genre is not None}))

    @cached_property
    def digest(self) -> str:
        """What tells this store's tracks from any other's, 16 hexadecimal digits."""
        listing = json.dumps([self.window, [(t.name, t.genre, t.artist, t.file) for t in self.tracks]])
        return hashlib.sha256(listing.encode()).hexdigest()[:16]

    def frames(self, track: StoredTrack) -> NDArray[np.float32]:
        """Map a track's features into memory, float32, shape (frames, 129), to be read by slices.

        Raises
        ------
        StoreError
            The file is missing or is not what was stored.
        """
        return _listed(self.folder / track.file, (track.frames, COLUMNS))

    def answers(self, track: StoredTrack) -> NDArray[np.float32]:
        """Read what the teacher says at the end of each chunk, the chunks side by side from the first frame on.

        Returns
        -------
        NDArray[np.float32]
            Probabilities, shape (frames // 200, labels); NaN where it says nothing, as while it warms up.

        Raises
        ------
        StoreError
            There is no teacher, or the file is missing or is not what was stored.
        """
        if self.teacher is None:
            raise StoreError(f"{self.folder} holds no teacher's answers: run 'edmlive features' with --teacher.")
        path = answers_file(self.folder / track.file, self.teacher)
        return np.array(_listed(path, (track.frames // CHUNK_FRAMES, len(self.teacher.labels))))

    def save(self) -> None:
        """Write the index, replacing a former one only by a complete one."""
        index: dict[str, Any] = {"version": VERSION, "window": self.window, "skipped": self.skipped}
        index["teacher"] = None if self.teacher is None else asdict(self.teacher)
        index["tracks"] = [asdict(track) for track in self.tracks]
        with replacing(self.folder / _INDEX) as partial:
            partial.write_text(json.dumps(index, indent=1) + "\n")

    @classmethod
    def open(cls, folder: Path) -> "FeatureStore":
        """Open a store.

        Raises
        ------
        StoreError
            There is none, or another version wrote it.
        """
        try:
            index = json.loads((folder / _INDEX).read_text())
        except OSError:
            raise StoreError(f"{folder} holds no finished feature store: make one with 'edmlive features'.") from None
        except ValueError:
            raise StoreError(f"{folder / _INDEX} is not JSON: run 'edmlive features' again.") from None
        version = index.get("version") if isinstance(index, dict) else None
        if version != VERSION:
            raise StoreError(
                f"{folder} is a feature store of version {version}, not the version {VERSION} that this edmlive reads: "
                "make it again with 'edmlive features'."
            )
        try:
            tracks = tuple(StoredTrack(**track) for track in index["tracks"])
            teacher = index.get("teacher")
            if teacher is not None:
                teacher = Teacher(teacher["name"], teacher["digest"], tuple(teacher["labels"]))
            return cls(folder, index["window"], tracks, index["skipped"], teacher)
        except (KeyError, TypeError):
            raise StoreError(f"{folder / _INDEX} is not what edmlive wrote: run 'edmlive features' again.") from None


def answers_file(features: Path, teacher: Teacher) -> Path:
    """Return where a teacher's answers to a recording are, beside the recording's features."""
    return features.with_suffix(f".{teacher.digest}.npy")


def whole_rows(path: Path) -> NDArray[np.float32] | None:
    """Map an array of a store into memory, float32, shape (rows, columns); ``None`` where no whole one is there."""
    try:
        rows: NDArray[np.float32] = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None
    return rows if rows.ndim == 2 and rows.dtype == np.float32 else None


def _listed(path: Path, shape: tuple[int, int]) -> NDArray[np.float32]:
    rows = whole_rows(path)
    if rows is None or rows.shape != shape:
        raise StoreError(f"{path} is missing or broken: run 'edmlive features' again.")
    return rows
