"""Features on disk: one array per recording, memory-mapped, so that a store may be larger than memory."""

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
"""Of the layout and of the features; stores of other versions are refused."""
COLUMNS = N_MELS + 1
"""Mel powers, then onset strength in dB. Tempograms are computed from the latter on demand: 577 values from one,
in 3 microseconds."""
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
        Of the recording; ``None`` and empty if not known.
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
        """Identifies the recording in any store, by name, size and modification time: 8 hexadecimal digits."""
        return Path(self.file).stem[:8]


@dataclass(frozen=True)
class Teacher:
    """A model whose answers are stored as training targets for other models.

    Parameters
    ----------
    name
        Its name.
    digest
        First 16 hexadecimal digits of its file's SHA-256.
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
        Reasons, by name, why recordings were skipped.
    teacher
        The model whose answers are stored beside the features, if any.
    """

    folder: Path
    window: Window
    tracks: tuple[StoredTrack, ...]
    skipped: dict[str, str]
    teacher: Teacher | None = None

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The known genres, sorted."""
        return tuple(sorted({track.genre for track in self.tracks if track.genre is not None}))

    @cached_property
    def digest(self) -> str:
        """Identifies the store by its tracks: 16 hexadecimal digits."""
        listing = json.dumps([self.window, [(t.name, t.genre, t.artist, t.file) for t in self.tracks]])
        return hashlib.sha256(listing.encode()).hexdigest()[:16]

    def frames(self, track: StoredTrack) -> NDArray[np.float32]:
        """Memory-map a track's features, float32, shape (frames, 129).

        Raises
        ------
        StoreError
            The file is missing or is not what was stored.
        """
        return _listed(self.folder / track.file, (track.frames, COLUMNS))

    def answers(self, track: StoredTrack) -> NDArray[np.float32]:
        """Read the teacher's answers at the end of each chunk, the chunks back to back from the first frame on.

        Returns
        -------
        NDArray[np.float32]
            Probabilities, shape (frames // 200, labels); NaN where it has none, as while it warms up.

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
        """Write the index; an existing one is replaced only by a complete one."""
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
            There is none, or it was written by another version.
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
    """Return the path of a teacher's answers to a recording, beside the recording's features."""
    return features.with_suffix(f".{teacher.digest}.npy")


def whole_rows(path: Path) -> NDArray[np.float32] | None:
    """Memory-map an array of a store, float32, shape (rows, columns); ``None`` if it is missing or incomplete."""
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
