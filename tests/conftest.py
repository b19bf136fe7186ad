"""Fixtures that several rooms share: real reference audio where it is at hand, and audio files made here."""

import csv
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

if TYPE_CHECKING:
    from edmlive.training.store import FeatureStore

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("EDMLIVE_SHARED", ROOT.parent / "shared"))
REFERENCE_AUDIO = os.environ.get("EDMLIVE_REFERENCE_AUDIO")
SAMPLE_RATE = 22_050
EXCERPT_SECONDS = 120

Row = dict[str, str]

# The background jobs of a shell ignore Ctrl-C, and so would the commands that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


class FakeClock:
    """A monotonic clock that moves only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Take the place of `time.monotonic` and `time.sleep`."""
    fake = FakeClock()
    monkeypatch.setattr(time, "monotonic", fake.monotonic)
    monkeypatch.setattr(time, "sleep", fake.sleep)
    return fake


@pytest.fixture(scope="session")
def reference_descriptors() -> list[Row]:
    """The 51 rows of reference descriptors: package, path, and 92 values by column name."""
    path = SHARED / "data" / "reference_descriptors.csv"
    if not path.is_file():
        pytest.skip(f"no reference descriptors at {path} (set EDMLIVE_SHARED)")
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def reference_track() -> Callable[[Row], Path]:
    """Find the audio file of a row in the unpacked Debian packages (`tests/fetch_references.sh`)."""
    if not REFERENCE_AUDIO or not Path(REFERENCE_AUDIO).is_dir():
        pytest.skip("no reference audio (run tests/fetch_references.sh and set EDMLIVE_REFERENCE_AUDIO)")

    def find(row: Row) -> Path:
        return Path(REFERENCE_AUDIO) / row["path"].rpartition("!")[2]

    return find


@pytest.fixture(scope="session")
def reference_tracks(reference_descriptors: list[Row], reference_track: Callable[[Row], Path]) -> list[Path]:
    """The audio files of all 51 rows."""
    return [reference_track(row) for row in reference_descriptors]


def decode(path: Path) -> tuple[NDArray[np.float32], int]:
    """Return a whole file as (frames, channels) float32 and its rate."""
    with av.open(str(path), metadata_errors="ignore") as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="flt", layout=stream.layout, rate=stream.rate)
        chunks = [
            converted.to_ndarray().reshape(-1, stream.channels)
            for frame in container.decode(stream)
            for converted in resampler.resample(frame)
        ]
        return np.concatenate(chunks), stream.rate


@pytest.fixture(scope="session")
def load_mono() -> Callable[[Path], NDArray[np.float64]]:
    """Decode a file to float64 mono at 22,050 Hz."""

    def load(path: Path) -> NDArray[np.float64]:
        samples, rate = decode(path)
        return soxr.resample(samples.mean(axis=1, dtype=np.float64), rate, SAMPLE_RATE)

    return load


@pytest.fixture(scope="session")
def load_excerpt(reference_track: Callable[[Row], Path]) -> Callable[[Row], NDArray[np.float32]]:
    """Decode the middle 120 s of a row's track as the reference values saw it: mono at 22,050 Hz.

    Cut by time stamps after a seek, as FFmpeg's ``-ss`` does: in Ogg files those can be 10 ms away from the samples
    counted from the start, and then every frame would hold other samples than the reference's.
    """

    def load(row: Row) -> NDArray[np.float32]:
        with av.open(str(reference_track(row)), metadata_errors="ignore") as container:
            stream = container.streams.audio[0]
            start = max(0.0, (container.duration / av.time_base - EXCERPT_SECONDS) / 2)
            if start > 0:
                container.seek(int(start * av.time_base))
            blocks, length = [], EXCERPT_SECONDS * stream.rate
            for frame in container.decode(stream):
                at = round((frame.time - start) * stream.rate)
                if at >= length:
                    break
                planar = frame.to_ndarray()
                assert planar.dtype == np.float32
                assert len(planar) == frame.layout.nb_channels
                blocks.append(planar.mean(axis=0)[max(0, -at) : length - at])
        resampler = soxr.ResampleStream(stream.rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")
        return resampler.resample_chunk(np.concatenate(blocks), last=True)

    return load


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> "FeatureStore":
    """A small corpus as a feature store, for networks so small that one thread is the fastest."""
    import torch

    from edmlive.training.corpus import read_corpus
    from edmlive.training.features import compute_features
    from tests.training import corpora

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("store")
    return compute_features(read_corpus(corpora.save(folder / "corpus")), folder / "store")


def write_audio(
    path: Path, samples: NDArray[np.float32], rate: int, codec: str, sample_format: str, layout: str = "stereo"
) -> Path:
    """Encode (frames, channels) float32 samples with FFmpeg."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout, format=sample_format)
        size = 1152
        for start in range(0, len(samples), size):
            packed = np.ascontiguousarray(samples[start : start + size]).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(packed, "flt", layout)
            frame.sample_rate = rate
            frame.pts = start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
