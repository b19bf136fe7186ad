"""One way to open any input: what each location means, and which arguments contradict each other."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edmlive.errors import DeviceError, SourceError, UsageError, UserError
from edmlive.sources import demo_seed, open_source
from tests.conftest import write_audio
from tests.music import render


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"location": "a.wav", "device": "mixer"}, "'mixer' or to 'a.wav'"),
        ({"location": Path("a.wav"), "device": "mixer"}, "'mixer' or to 'a.wav'"),
        ({"location": "demo", "device": "mixer"}, "'mixer' or to 'demo'"),
        ({"location": "-", "device": "mixer"}, "'mixer' or to '-'"),
        ({"location": "demo", "channels": (1, 2)}, "demo set has no channels"),
        ({"location": "-", "channels": (1, 2)}, "one number"),
        ({"location": "-", "channels": ()}, "one number"),
        ({"location": "a.wav", "rate": 44_100}, "raw PCM"),
        ({"location": "demo", "sample_format": "s16le"}, "raw PCM"),
        ({"rate": 44_100}, "raw PCM"),
    ],
)
def test_arguments_that_contradict_each_other_are_refused_in_one_sentence(
    arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words) as refusal:
        open_source(**arguments)
    assert isinstance(refusal.value, UserError)
    assert "\n" not in str(refusal.value)


@pytest.fixture
def standard_input() -> Iterator[int]:
    """A pipe in place of this process's standard input; the end to write to."""
    before = os.dup(0)
    reader, writer = os.pipe()
    os.dup2(reader, 0)
    os.close(reader)
    yield writer
    os.dup2(before, 0)
    os.close(before)


@pytest.mark.parametrize(
    ("options", "rate", "dtype", "channels"),
    [
        ({}, 44_100, "<i2", 2),
        ({"rate": 48_000, "channels": (3,), "sample_format": "f32le"}, 48_000, "<f4", 3),
    ],
)
def test_raw_samples_on_standard_input(
    standard_input: int, options: dict[str, Any], rate: int, dtype: str, channels: int
) -> None:
    values = np.arange(24, dtype=dtype)
    os.write(standard_input, values.tobytes())
    os.close(standard_input)
    with open_source("-", **options) as source:
        assert (source.rate, source.channels, source.live) == (rate, channels, True)
        samples = np.concatenate([block.samples for block in source])
    expected = values.reshape(-1, channels) / (np.float32(2**15) if dtype == "<i2" else 1)
    np.testing.assert_array_equal(samples, expected)


CONTAINERS = {
    "mp3": ("libmp3lame", "fltp"),
    "flac": ("flac", "s16"),
    "ogg": ("flac", "s16"),
    "opus": ("libopus", "flt"),
    "wav": ("pcm_s16le", "s16"),
    "aiff": ("pcm_s16be", "s16"),
    "au": ("pcm_s16be", "s16"),
    "caf": ("pcm_s16be", "s16"),
    "w64": ("pcm_s16le", "s16"),
    "mkv": ("pcm_s16le", "s16"),
    "webm": ("libopus", "flt"),
    "aac": ("aac", "fltp"),
    "mp2": ("mp2", "s16"),
    "ts": ("mp2", "s16"),
    "tta": ("tta", "s16"),
    "wv": ("wavpack", "s16p"),
    "asf": ("mp2", "s16"),
}


@pytest.mark.parametrize("options", [{}, {"rate": 48_000}], ids=["", "with a rate"])
@pytest.mark.parametrize("suffix", CONTAINERS)
def test_audio_file_on_standard_input_is_decoded(
    standard_input: int, tmp_path: Path, suffix: str, options: dict[str, Any]
) -> None:
    music = render(3, 48_000)
    data = write_audio(tmp_path / f"a.{suffix}", music, 48_000, *CONTAINERS[suffix]).read_bytes()
    if suffix == "mp3":
        data = data[data.index(b"\xff\xfb") :]  # without a tag
    writer = threading.Thread(target=write_and_close, args=(standard_input, data), daemon=True)
    writer.start()
    with open_source("-", **options) as source:
        assert (source.name, source.rate, source.channels, source.live) == ("standard input", 48_000, 2, True)
        samples = np.concatenate([block.samples for block in source])
    writer.join(5)
    assert len(samples) == pytest.approx(len(music), abs=0.1 * 48_000)
    assert np.corrcoef(samples[5000:90_000, 0], music[5000:90_000, 0])[0, 1] > 0.5 or suffix in LATE


LATE = ("mp3", "aac", "mp2", "ts", "asf", "opus", "webm")
"""Encoders whose delay FFmpeg does not take away."""


def write_and_close(descriptor: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("loudness", [2, 2000, 32_767])
def test_raw_samples_are_not_taken_for_a_file(standard_input: int, seed: int, loudness: int) -> None:
    values = np.random.default_rng(seed).integers(-loudness, loudness, 6000, "<i2")
    values[:2] = -1  # the bytes of an MPEG frame's beginning
    os.write(standard_input, values.tobytes())
    os.close(standard_input)
    with open_source("-") as source:
        samples = np.concatenate([block.samples for block in source])
    np.testing.assert_array_equal(samples, values.reshape(-1, 2) / np.float32(2**15))


def test_pipe_that_does_not_block_is_waited_for(standard_input: int) -> None:
    values = np.arange(2000, dtype="<i2")

    def slowly() -> None:
        for part in np.split(values, 4):
            time.sleep(0.1)
            os.write(standard_input, part.tobytes())
        os.close(standard_input)

    os.set_blocking(0, False)
    threading.Thread(target=slowly, daemon=True).start()
    with open_source("-") as source:
        samples = np.concatenate([block.samples for block in source])
    np.testing.assert_array_equal(samples, values.reshape(-1, 2) / np.float32(2**15))
    assert source.fault is None


def test_rate_of_zero_is_not_taken_for_the_default(standard_input: int) -> None:
    os.close(standard_input)
    with pytest.raises(SourceError, match="0 Hz"):
        open_source("-", rate=0)


def test_file_is_opened_whether_its_path_is_a_string_or_not(tmp_path: Path) -> None:
    samples = render(0.5, 48_000)
    path = write_audio(tmp_path / "a.wav", samples, 48_000, "pcm_f32le", "flt")
    for location in (path, str(path)):
        with open_source(location, channels=(2,)) as source:
            assert not source.live
            np.testing.assert_array_equal(np.concatenate([block.samples for block in source]), samples[:, 1:])


def test_url_is_opened_as_a_stream() -> None:
    with pytest.raises(SourceError, match="cannot be opened as audio"):
        open_source("http://127.0.0.1:9/radio", on_loss="exit")


def test_device_is_opened_where_no_location_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "name", "nt")
    with pytest.raises(DeviceError, match="Linux or macOS"):
        open_source(device="mixer")


@pytest.mark.parametrize(("location", "seed"), [("demo", 0), ("demo:12", 12), ("demo.wav", None), ("./demo", None)])
def test_location_that_means_the_demo_set(location: str, seed: int | None) -> None:
    assert demo_seed(location) == seed


@pytest.mark.parametrize("location", ["demo:house", "demo:-1", "demo:1.5", "demo:" + 5000 * "9"])
def test_demo_set_without_a_whole_number_is_refused(location: str) -> None:
    with pytest.raises(SourceError, match="whole number"):
        open_source(location)
