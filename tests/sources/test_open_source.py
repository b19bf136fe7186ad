"""One way to open any input: what each location means, and which arguments contradict each other."""

import os
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
