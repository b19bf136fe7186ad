"""Rendered tracks, measured with the feature extraction of `edmlive classify` and cached on disk.

A track takes seconds to render, so what is measured is cached under a digest of everything it depends on: the code, the
subgenre's recipe, the seed and the length.
"""

import functools
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import edmlive
from edmlive.features.resampler import Resampler
from edmlive.features.windows import LIVE_DESCRIPTORS, Windows
from edmlive.sources.file import FileSource
from edmlive.spec import InputSpec, ModelSpec
from edmlive.synth.audio import RATE, Samples
from edmlive.synth.corpus import MANIFEST
from edmlive.synth.loudness import loudness
from edmlive.synth.recipe import recipe
from edmlive.synth.render import Rendering, Section, Truth, render

CODE = ("synth", "kernels", "features/timbre.py", "features/rhythm.py", "features/windows.py", "features/resampler.py")
SILENT_DBFS = -60.0
_BLOCK = RATE // 20
_NEAR_JOINT = RATE // 500


@dataclass(frozen=True)
class Source:
    """A track to render, or one of a corpus to read.

    Parameters
    ----------
    genre, seed, seconds
        What it is rendered from.
    digest
        Of everything that its measurements depend on.
    file, truth
        Its file and its truth, if it is rendered already.
    """

    genre: str
    seed: int
    seconds: float
    digest: str
    file: Path | None = None
    truth: Truth | None = None


@dataclass(frozen=True)
class Measured:
    """The truth about a rendered track, and what is measured of it.

    Parameters
    ----------
    genre, seed, bpm
        Its truth.
    descriptors
        Values in the order of `LIVE_DESCRIPTORS`.
    estimated_bpm
        The tempo estimated over the whole track.
    lufs
        Integrated loudness.
    peak
        Largest magnitude; 1 is full scale.
    silence
        Longest time in seconds below `SILENT_DBFS`.
    click
        Sharpest bend of the waveform at a joint of two sections, relative to the sharpest elsewhere.
    """

    genre: str
    seed: int
    bpm: float
    descriptors: tuple[float, ...]
    estimated_bpm: float
    lufs: float
    peak: float
    silence: float
    click: float


def to_render(genres: Iterable[str], seeds: Iterable[int], seconds: float) -> list[Source]:
    """Return the tracks of all genres with all seeds, a seed at a time, so that a run cut short has some of each."""
    genres = list(genres)
    digests = {genre: _digest(genre, seconds) for genre in genres}
    return [Source(genre, seed, seconds, digests[genre]) for seed in seeds for genre in genres]


def of_corpus(folder: Path, genres: Iterable[str]) -> list[Source]:
    """Return the tracks of a corpus made with ``edmlive synth corpus``."""
    tracks = []
    for entry in map(json.loads, (folder / MANIFEST).read_text().splitlines()):
        file, seconds = folder / entry.pop("path"), entry.pop("seconds")
        truth = Truth(**entry | {"sections": tuple(Section(**section) for section in entry["sections"])})
        if truth.genre in genres:
            state = hashlib.sha256(_code() + f"{file.resolve()} {file.stat().st_mtime_ns}".encode())
            tracks.append(Source(truth.genre, truth.seed, seconds, state.hexdigest()[:16], file, truth))
    return tracks


def measure_all(tracks: list[Source], cache: Path, jobs: int) -> Iterator[Measured]:
    """Yield the measurements of each track, in any order, rendering those that are not in the cache."""
    cache.mkdir(parents=True, exist_ok=True)
    with Pool(jobs) as pool:
        yield from pool.imap_unordered(functools.partial(_cached, cache), tracks)


def measure(samples: Samples, truth: Truth) -> Measured:
    """Measure a track of shape (samples, 2)."""
    descriptors, bpm = describe(samples)
    return Measured(
        genre=truth.genre,
        seed=truth.seed,
        bpm=truth.bpm,
        descriptors=tuple(descriptors.tolist()),
        estimated_bpm=bpm,
        lufs=loudness(samples),
        peak=float(np.abs(samples).max()),
        silence=_longest_silence(samples),
        click=_click(samples, [round(section.start * RATE) for section in truth.sections[1:]]),
    )


def describe(samples: Samples) -> tuple[NDArray[np.float64], float]:
    """Return the 92 descriptors and the tempo of a whole track, as live feature extraction finds them."""
    taken = InputSpec(
        "descriptors",
        (len(LIVE_DESCRIPTORS),),
        descriptors=LIVE_DESCRIPTORS,
        seconds=float(np.ceil(len(samples) / RATE)),
        warm_up_seconds=1.0,
    )
    windows = Windows(ModelSpec("realism", ("this", "that"), (taken,)))
    windows.push(Resampler(RATE).push(samples, last=True))
    window = windows.read(whole=False)
    assert window.tensors is not None
    return window.tensors["descriptors"].astype(np.float64), window.rhythm.bpm


def _cached(cache: Path, track: Source) -> Measured:
    path = cache / f"{track.genre}-{track.seed}-{track.digest}.json"
    if path.is_file():
        stored = json.loads(path.read_text())
        return Measured(**stored | {"descriptors": tuple(stored["descriptors"])})
    rendering = _rendering(track)
    measured = measure(rendering.samples, rendering.truth)
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(asdict(measured)))
    unfinished.rename(path)
    return measured


def _rendering(track: Source) -> Rendering:
    if track.file is None or track.truth is None:
        return render(track.genre, track.seconds, track.seed)
    with FileSource(track.file) as source:
        return Rendering(np.concatenate([block.samples for block in source]), track.truth)


def _digest(genre: str, seconds: float) -> str:
    state = hashlib.sha256(_code())
    state.update(f"{seconds:g} {recipe(genre).model_dump_json()}".encode())
    return state.hexdigest()[:16]


@functools.cache
def _code() -> bytes:
    package = Path(edmlive.__file__).parent
    state = hashlib.sha256()
    for part in CODE:
        for path in sorted((package / part).rglob("*.py")) or [package / part]:
            state.update(path.read_bytes())
    return state.digest()


def _longest_silence(samples: Samples) -> float:
    blocks = samples[: len(samples) // _BLOCK * _BLOCK].reshape(-1, _BLOCK * 2)
    silent = np.sqrt(np.square(blocks, dtype=np.float64).mean(axis=1)) < 10 ** (SILENT_DBFS / 20)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], silent, [False])).astype(int)))
    return float((edges[1::2] - edges[::2]).max(initial=0)) * _BLOCK / RATE


def _click(samples: Samples, joints: list[int]) -> float:
    bends = np.abs(np.diff(samples.astype(np.float64), 2, axis=0)).max(axis=1)
    at_joint = np.zeros(len(bends), bool)
    for joint in joints:
        at_joint[max(0, joint - _NEAR_JOINT) : joint + _NEAR_JOINT] = True
    elsewhere = bends[~at_joint].max(initial=0.0)
    return float(bends[at_joint].max(initial=0.0) / elsewhere) if elsewhere > 0 else 0.0
