"""From recordings to a feature store, by the kernels that also listen live."""

import errno
import hashlib
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edmlive.errors import SourceError
from edmlive.kernels.tables import Window
from edmlive.models.inputs import CHUNK_FRAMES
from edmlive.realtime.frontend import Frames, FrontEnd
from edmlive.realtime.resampler import Resampler
from edmlive.realtime.sources.file import FileSource
from edmlive.training.corpus import Recording
from edmlive.training.store import COLUMNS, VERSION, FeatureStore, StoredTrack, StoreError


def track_features(path: Path, window: Window = "hamming") -> NDArray[np.float32]:
    """Compute what is stored of a recording: mel powers and onset strength.

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
    front_end = FrontEnd(window)
    with FileSource(path) as source:
        resampler = Resampler(source.rate)
        rows = [_stored(front_end.push(resampler.push(block.samples))) for block in source]
        rows.append(_stored(front_end.push(resampler.push(np.zeros((0, 1), np.float32), last=True))))
        rows.append(_stored(front_end.flush()))
    if source.fault:
        raise SourceError(f"{path} is broken: {source.fault}.")
    features = np.concatenate(rows)
    if len(features) < CHUNK_FRAMES:
        raise SourceError(f"{path} is shorter than one chunk of 4.64 s.")
    return features


def compute_features(
    recordings: list[Recording],
    folder: Path,
    *,
    window: Window = "hamming",
    workers: int = 1,
    advance: Callable[[], None] = lambda: None,
) -> FeatureStore:
    """Fill a store with the features of recordings; what is there already is kept.

    Parameters
    ----------
    recordings
        The corpus.
    folder
        The store; made where it does not exist.
    window
        Window function of the spectra.
    workers
        Processes that compute.
    advance
        Called after each recording.

    Returns
    -------
    FeatureStore
        The store, with what was left out and why.

    Raises
    ------
    StoreError
        The store cannot be written to, or nothing could be stored. What was finished stays, and another run goes on
        from there.
    """
    tracks, skipped = [], {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for recording, outcome in zip(recordings, _outcomes(recordings, folder, window, workers), strict=True):
            if isinstance(outcome, StoredTrack):
                tracks.append(outcome)
            else:
                skipped[recording.name] = outcome
            advance()
        store = FeatureStore(folder, window, tuple(tracks), skipped)
        if tracks:
            store.save()
    except OSError as error:
        hint = "make room and run again to go on" if error.errno == errno.ENOSPC else "name a folder to write to"
        reason = (error.strerror or str(error)).lower()
        raise StoreError(f"Features cannot be written to {folder} ({reason}): {hint}.") from None
    except BrokenProcessPool:
        raise StoreError("A process that computed features was ended from outside: run again to go on.") from None
    if not tracks:
        name, reason = next(iter(skipped.items()))
        raise StoreError(f"None of {len(recordings)} recordings could be used; the first, {name}: {reason}")
    return store


def _outcomes(recordings: list[Recording], folder: Path, window: Window, workers: int) -> Iterator[StoredTrack | str]:
    store = partial(_store_track, folder, window)
    if workers == 1:
        yield from map(store, recordings)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_leave_interrupts_to_the_parent) as pool:
        try:
            yield from pool.map(store, recordings)
        finally:
            pool.shutdown(cancel_futures=True)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _store_track(folder: Path, window: Window, recording: Recording) -> StoredTrack | str:
    """Store a recording's features unless they are there; return why it was skipped, if it was."""
    try:
        status = recording.path.stat()
    except OSError as error:
        return f"{recording.path} cannot be read: {(error.strerror or str(error)).lower()}."
    # The same name, size and time of change is the same recording; anything else is computed anew.
    identity = f"{VERSION} {window} {recording.name} {status.st_size} {status.st_mtime_ns}"
    digest = hashlib.sha256(identity.encode()).hexdigest()[:24]
    file = f"features/{digest[:2]}/{digest}.npy"
    path = folder / file
    if not path.exists():
        try:
            features = track_features(recording.path, window)
        except SourceError as error:
            return str(error)
        _save(path, features)
    frames = np.load(path, mmap_mode="r").shape[0]
    return StoredTrack(recording.name, recording.genre, recording.artist, file, frames)


def _save(path: Path, features: NDArray[np.float32]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial_file = path.with_suffix(".part")
    try:
        with partial_file.open("wb") as file:
            np.save(file, features)
        partial_file.replace(path)
    except OSError:
        partial_file.unlink(missing_ok=True)
        raise


def _stored(frames: Frames) -> NDArray[np.float32]:
    rows = np.empty((len(frames.mel), COLUMNS), np.float32)
    rows[:, :-1], rows[:, -1] = frames.mel, frames.onset_strength
    return rows
