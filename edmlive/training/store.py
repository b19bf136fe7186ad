"""Features on disk: one array per recording, memory-mapped, so that a store may be larger than memory."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
from numpy.typing import NDArray

from edmlive.errors import UserError
from edmlive.kernels.tables import N_MELS, Window
from edmlive.models.inputs import CHUNK_FRAMES, IDENTITY_DIGITS
from edmlive.util.files import replacing

VERSION = 2
"""Of the layout and of the features; stores of other versions are refused. Since 2, recordings are known by their
content."""
COLUMNS = N_MELS + 1
"""Mel powers, then onset strength in dB. Tempograms are computed from the latter on demand: 577 values from one,
in 3 microseconds."""
_INDEX = "store.json"
_LARGEST_INDEX = 1 << 30
_FEATURES_FILE = re.compile(rf"features/[0-9a-f]{{2}}/[0-9a-f]{{{IDENTITY_DIGITS}}}-(hamming|hann)\.npy")


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
    stamp
        Digest of the audio file's path, size and modification time. While these are the same, its content is not
        read again.
    """

    name: str
    genre: str | None
    artist: str
    file: str
    frames: int
    stamp: str = ""

    @property
    def identity(self) -> str:
        """Identifies the recording in any store, by its content: 16 hexadecimal digits (see `identify_recording`)."""
        return Path(self.file).name[:IDENTITY_DIGITS]


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
        """Identifies the store by its recordings, whatever their files are called: 16 hexadecimal digits."""
        tracks = sorted((track.identity, track.genre or "", track.artist) for track in self.tracks)
        listing = json.dumps([self.window, tracks])
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
        path = folder / _INDEX
        try:
            if path.stat().st_size > _LARGEST_INDEX:
                raise StoreError(f"{path} is larger than {_LARGEST_INDEX >> 20} MB: edmlive did not write it.")
            index = json.loads(path.read_text(encoding="utf-8"))
        except OSError:
            raise StoreError(f"{folder} holds no finished feature store: make one with 'edmlive features'.") from None
        except (ValueError, RecursionError):
            raise StoreError(f"{path} is not JSON: run 'edmlive features' again.") from None
        version = index.get("version") if isinstance(index, dict) else None
        if version == 1:
            raise StoreError(
                f"{folder} was written by an earlier edmlive, which knew recordings by name and date instead of by "
                "content: make it again in a new folder with 'edmlive features'."
            )
        if version != VERSION:
            raise StoreError(
                f"{folder} is a feature store of version {ascii(version)[:20]}, not the version {VERSION} that this "
                "edmlive reads: make it again with 'edmlive features'."
            )
        try:
            store = pydantic.TypeAdapter(cls).validate_python({"teacher": None} | index | {"folder": folder})
        except pydantic.ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"]))
            raise StoreError(
                f"{path} is not what edmlive wrote (at {where[:100]!a}): run 'edmlive features' again."
            ) from None
        _refuse_other_files(store)
        return store


def answers_file(features: Path, teacher: Teacher) -> Path:
    """Return the path of a teacher's answers to a recording, beside the recording's features."""
    return features.with_suffix(f".{teacher.digest}.npy")


def whole_rows(path: Path) -> NDArray[np.float32] | None:
    """Memory-map an array of a store, float32, shape (rows, columns); ``None`` if it is missing, incomplete or a link.

    A store may come from somebody else: a link would lead out of it.
    """
    if path.is_symlink() or not path.is_file():
        return None
    try:
        rows: NDArray[np.float32] = np.lib.format.open_memmap(path, mode="r")
    except Exception:  # NumPy's reader of headers raises anything, from `tokenize.TokenError` to `OverflowError`
        return None
    return rows if rows.ndim == 2 and rows.dtype == np.float32 and rows.flags.c_contiguous else None


def _refuse_other_files(store: FeatureStore) -> None:
    """Raise `StoreError` if an index, which may come from somebody else, names files that are not the store's."""
    for track in store.tracks:
        if not (_FEATURES_FILE.fullmatch(track.file) and track.frames >= 0):
            named = f"{track.file[:100]!a}, which is no file of a feature store"
            raise StoreError(f"{store.folder / _INDEX} names {named}: run 'edmlive features' again.")
    if store.teacher is not None and not re.fullmatch("[0-9a-f]{16}", store.teacher.digest):
        raise StoreError(f"{store.folder / _INDEX} names a teacher by what is no digest: run 'edmlive features' again.")
    inside = store.folder.resolve()
    for folder in {(store.folder / track.file).parent for track in store.tracks}:
        if not folder.resolve().is_relative_to(inside):
            raise StoreError(f"{folder} leads out of the feature store: make it again with 'edmlive features'.")


def _listed(path: Path, shape: tuple[int, int]) -> NDArray[np.float32]:
    rows = whole_rows(path)
    if rows is None or rows.shape != shape:
        raise StoreError(f"{path} is missing or broken: run 'edmlive features' again.")
    return rows
