"""From recordings to a feature store, with the kernels of live use."""

import errno
import hashlib
import stat
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from edmlive.errors import SourceError
from edmlive.features.front_end import Frames, FrontEnd
from edmlive.features.resampler import Resampler
from edmlive.kernels.tables import HOP_LENGTH, Window
from edmlive.models.inputs import CHUNK_FRAMES
from edmlive.realtime.classifier import Classifier
from edmlive.sources.file import FileSource
from edmlive.training.corpus import Recording, read_corpus
from edmlive.training.identity import identify_recording
from edmlive.training.store import (
    COLUMNS,
    FeatureStore,
    StoredTrack,
    StoreError,
    Teacher,
    answers_file,
    whole_rows,
)
from edmlive.training.teacher import TeacherRunner, identify
from edmlive.util.files import replacing
from edmlive.util.processes import live_with_parent

T = TypeVar("T")
R = TypeVar("R")

COPY_OF = "is another copy of"
"""In the reason why a recording was skipped, if the store has it already."""


def track_features(path: Path, window: Window = "hamming") -> NDArray[np.float32]:
    """Compute the stored features of a recording: mel powers and onset strength.

    Parameters
    ----------
    path
        The recording.
    window
        Window function of the spectra.

    Returns
    -------
    NDArray[np.float32]
        Shape (1 + samples // 512, 129), samples at 22,050 Hz.

    Raises
    ------
    SourceError
        It cannot be decoded to its end, or is shorter than one chunk.
    """
    rows = _FeatureRows(window)
    extract(path, [rows])
    return rows.end()


class FeatureExtractor(Protocol):
    """Computes rows of features while a recording is decoded."""

    def push(self, samples: NDArray[np.float32]) -> None:
        """Take (n,) mono samples at 22,050 Hz."""

    def end(self) -> NDArray[np.float32]:
        """Return all rows at the end of the recording."""


def extract(path: Path, extractors: Collection[FeatureExtractor]) -> None:
    """Decode a recording once, for all extractors.

    Raises
    ------
    SourceError
        It cannot be decoded to its end, or is shorter than one chunk.
    """
    length = 0
    with FileSource(path) as source:
        for samples in _mono(source):
            length += len(samples)
            for extractor in extractors:
                extractor.push(samples)
    if source.fault:
        raise SourceError(f"{path} is broken: {source.fault}.")
    if 1 + length // HOP_LENGTH < CHUNK_FRAMES:
        raise SourceError(f"{path} is shorter than one chunk of 4.64 s.")


def compute_features(
    corpus: Path | Sequence[Recording],
    folder: Path,
    *,
    window: Window = "hamming",
    teacher: str | Path | None = None,
    workers: int = 1,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> FeatureStore:
    """Fill a store with the features of recordings; features that it holds already are kept.

    A store holds a recording once: copies, whatever their names and tags, are left out and named in
    `FeatureStore.skipped`. If any copy has a genre, the first that has one is kept.

    Parameters
    ----------
    corpus
        Recordings, or where `read_corpus` finds them: a folder with a folder of audio for each genre, a folder of
        audio, or a manifest.
    folder
        The store; created if it does not exist.
    window
        Window function of the spectra.
    teacher
        Name of a shipped model, or path of an ONNX file, whose answers are stored as well.
    workers
        Number of processes.
    advance
        Called after each recording with the number of those done, and of all.

    Returns
    -------
    FeatureStore
        The store, with the recordings that were skipped and why.

    Raises
    ------
    CorpusError
        The corpus cannot be read.
    StoreError
        The store cannot be written to, or nothing could be stored. What is finished stays, and another run resumes from
        there.
    ModelError
        The teacher is refused.

    Examples
    --------
    >>> from pathlib import Path
    >>> import edmlive.training
    >>> store = edmlive.training.compute_features(Path("corpus"), Path("store"))
    >>> store.labels
    ('breaks', 'house', 'jungle')
    """
    recordings = read_corpus(corpus) if isinstance(corpus, Path) else corpus
    known = None if teacher is None else identify(teacher)
    tracks: list[StoredTrack] = []
    skipped: dict[str, str] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        identities = _in_processes(partial(_identify, _known_identities(folder)), recordings, workers)
        identified = _without_copies(recordings, list(identities), skipped)
        outcomes = _in_processes(partial(_store_track, folder, window, teacher, known), identified, workers)
        for done, ((recording, _), outcome) in enumerate(zip(identified, outcomes, strict=True), 1):
            if isinstance(outcome, StoredTrack):
                tracks.append(outcome)
            else:
                skipped[recording.name] = outcome
            advance(done, len(identified))
        store = FeatureStore(folder, window, tuple(tracks), skipped, known)
        if tracks:
            store.save()
    except OSError as error:
        hint = "make room and run again to resume" if error.errno == errno.ENOSPC else "name a folder to write to"
        reason = (error.strerror or str(error)).lower()
        raise StoreError(f"Features cannot be written to {folder} ({reason}): {hint}.") from None
    except BrokenProcessPool:
        raise StoreError(
            "A process that computed features was killed: run again to resume, with fewer --workers if memory is short."
        ) from None
    if not tracks:
        name, reason = next(iter(skipped.items()))
        raise StoreError(f"None of {len(recordings)} recordings could be used; the first, {name}: {reason}")
    return store


def _in_processes(function: Callable[[T], R], items: Sequence[T], workers: int) -> Iterator[R]:
    if workers == 1 or not items:
        yield from map(function, items)
        return
    with ProcessPoolExecutor(min(workers, len(items)), get_context("spawn"), live_with_parent) as pool:
        try:
            yield from pool.map(function, items)
        finally:
            pool.shutdown(cancel_futures=True)


class _Identity(NamedTuple):
    """Of a recording's content, and of the file as it was when this was read (see `StoredTrack.stamp`)."""

    content: str
    stamp: str


def _known_identities(folder: Path) -> dict[str, str]:
    """Return the identities of a store's recordings by their stamps; none if there is no such store yet."""
    try:
        tracks = FeatureStore.open(folder).tracks
    except StoreError:
        return {}
    return {track.stamp: track.identity for track in tracks}


def _identify(known: Mapping[str, str], recording: Recording) -> _Identity | str:
    """Return a recording's identity, or the reason why it cannot be read."""
    path = recording.path
    try:
        recording.name.encode()
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return f"{path} is not a file."
        facts = f"{path.resolve()} {status.st_size} {status.st_mtime_ns}"
        stamp = hashlib.sha256(facts.encode()).hexdigest()[:16]
        return _Identity(known.get(stamp) or identify_recording(path), stamp)
    except OSError as error:
        return f"{path} cannot be read: {(error.strerror or str(error)).lower()}."
    except ValueError:  # such as Latin-1 in a UTF-8 file system
        return f"{str(path)!a} is no Unicode name: rename the file."


def _without_copies(
    recordings: Sequence[Recording], identities: Sequence[_Identity | str], skipped: dict[str, str]
) -> list[tuple[Recording, _Identity]]:
    """Return one recording of each identity, in their order; note in `skipped` why others are left out."""
    kept: dict[str, tuple[Recording, _Identity]] = {}
    order = {recording.name: k for k, recording in enumerate(recordings)}
    for recording, identity in sorted(zip(recordings, identities, strict=True), key=lambda pair: pair[0].genre is None):
        if isinstance(identity, str):
            skipped[recording.name] = identity
        elif identity.content in kept:
            skipped[recording.name] = _copy_of(kept[identity.content][0], recording)
        else:
            kept[identity.content] = recording, identity
    return sorted(kept.values(), key=lambda pair: order[pair[0].name])


def _copy_of(original: Recording, copy: Recording) -> str:
    other = copy.genre is not None and copy.genre != original.genre
    genre = f", there of genre '{original.genre}' instead of '{copy.genre}'" if other else ""
    return f"{copy.path} {COPY_OF} {original.path}{genre}."


def _store_track(
    folder: Path,
    window: Window,
    model: str | Path | None,
    teacher: Teacher | None,
    identified: tuple[Recording, _Identity],
) -> StoredTrack | str:
    """Store a recording's features and the teacher's answers unless they are there; return the reason if it fails."""
    recording, identity = identified
    file = f"features/{identity.content[:2]}/{identity.content}-{window}.npy"
    path = folder / file
    missing: dict[Path, FeatureExtractor] = {} if whole_rows(path) is not None else {path: _FeatureRows(window)}
    if model is not None and teacher is not None and whole_rows(answers_file(path, teacher)) is None:
        missing[answers_file(path, teacher)] = TeacherRunner(_load_teacher(model))
    if missing:
        try:
            extract(recording.path, missing.values())
        except SourceError as error:
            return str(error)
    for target, extractor in missing.items():
        _save(target, extractor.end())
    frames = len(np.load(path, mmap_mode="r"))
    return StoredTrack(recording.name, recording.genre, recording.artist, file, frames, identity.stamp)


@cache
def _load_teacher(model: str | Path) -> Classifier:
    """Load a teacher once in each process."""
    return Classifier(model, "cpu")


def _save(path: Path, features: NDArray[np.float32]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial, partial.open("wb") as file:
        # `np.save` itself does not say that the disk is full.
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(features))
        file.write(features.data)


def _mono(source: FileSource) -> Iterator[NDArray[np.float32]]:
    resampler = Resampler(source.rate)
    for block in source:
        yield resampler.push(block.samples)
    yield resampler.push(np.zeros((0, 1), np.float32), last=True)


class _FeatureRows:
    """Computes the stored rows of a recording."""

    def __init__(self, window: Window) -> None:
        self._front_end = FrontEnd(window)
        self._rows: list[NDArray[np.float32]] = []

    def push(self, samples: NDArray[np.float32]) -> None:
        self._append(self._front_end.push(samples))

    def end(self) -> NDArray[np.float32]:
        self._append(self._front_end.flush())
        return np.concatenate(self._rows)

    def _append(self, frames: Frames) -> None:
        rows = np.empty((len(frames.mel), COLUMNS), np.float32)
        rows[:, :-1], rows[:, -1] = frames.mel, frames.onset_strength
        self._rows.append(rows)
