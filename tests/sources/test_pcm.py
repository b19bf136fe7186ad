"""Raw PCM: every format against known values, whatever sizes the pipe delivers."""

import io
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edmlive.errors import SourceError
from edmlive.sources.audio import FULL_SCALE_LIMIT
from edmlive.sources.pcm import PcmSource


class Pipe(io.RawIOBase):
    """Bytes that come in pieces of given sizes, then as they are asked for."""

    def __init__(self, data: bytes, sizes: list[int] | None = None) -> None:
        self._data, self._sizes = data, sizes or []

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), self._sizes.pop(0) if self._sizes else len(buffer))
        piece, self._data = self._data[:size], self._data[size:]
        buffer[: len(piece)] = piece
        return len(piece)


def read_all(source: PcmSource) -> NDArray[np.float32]:
    blocks = [block.samples for block in source]
    return np.concatenate(blocks) if blocks else np.zeros((0, source.channels), np.float32)


@pytest.mark.parametrize(
    ("sample_format", "data", "values"),
    [
        ("u8", bytes([0, 64, 128, 255]), [-1, -0.5, 0, 127 / 128]),
        ("s16le", np.array([-32768, -1, 0, 32767], "<i2").tobytes(), [-1, -1 / 32768, 0, 32767 / 32768]),
        ("s24le", bytes.fromhex("000080ffffff000000ffff7f"), [-1, -(2**-23), 0, 1 - 2**-23]),
        ("s32le", np.array([-(2**31), -(2**8), 0, 2**30], "<i4").tobytes(), [-1, -(2**-23), 0, 0.5]),
        ("f32le", np.array([-1, 1e-9, 0, 1.5], "<f4").tobytes(), [-1, 1e-9, 0, 1.5]),
        ("f64le", np.array([-1, 1e-9, 0, 1.5], "<f8").tobytes(), [-1, 1e-9, 0, 1.5]),
    ],
)
def test_each_format_has_its_full_scale_and_its_zero(sample_format: str, data: bytes, values: list[float]) -> None:
    samples = read_all(PcmSource(Pipe(data), 48_000, 2, sample_format))
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, np.array(values, np.float32).reshape(2, 2))


@given(st.lists(st.integers(1, 50), max_size=60), st.sampled_from([1, 2, 3, 6]))
def test_sizes_of_the_reads_change_nothing(sizes: list[int], channels: int) -> None:
    values = np.arange(-300, 300, dtype="<i2").reshape(-1, channels)
    source = PcmSource(Pipe(values.tobytes(), sizes), 48_000, channels, "s16le")
    np.testing.assert_array_equal(read_all(source), values / np.float32(2**15))
    assert source.fault is None


@pytest.mark.parametrize("extra", [1, 5])
def test_bytes_after_the_last_whole_frame_are_dropped_and_reported(extra: int) -> None:
    source = PcmSource(Pipe(bytes(60 + extra)), 48_000, 3, "s16le")
    assert len(read_all(source)) == 10
    assert source.fault is not None and f"{extra} byte" in source.fault


def test_empty_pipe_is_no_fault() -> None:
    source = PcmSource(Pipe(b""), 48_000, 2, "s16le")
    assert len(read_all(source)) == 0
    assert source.fault is None


@pytest.mark.parametrize("sample_format", ["f32le", "f64le"])
def test_not_a_number_becomes_silence_and_huge_values_are_limited(sample_format: str) -> None:
    values = np.array([np.nan, np.inf, -np.inf, 1e30, 0.25], "<f4" if sample_format == "f32le" else "<f8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        samples = read_all(PcmSource(Pipe(values.tobytes()), 48_000, 1, sample_format))
    limit = FULL_SCALE_LIMIT
    np.testing.assert_array_equal(samples[:, 0], np.array([0, limit, -limit, limit, 0.25], np.float32))


def test_double_beyond_single_precision_is_limited_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        samples = read_all(PcmSource(Pipe(np.array([1e300, -1e300]).tobytes()), 48_000, 1, "f64le"))
    np.testing.assert_array_equal(samples[:, 0], [FULL_SCALE_LIMIT, -FULL_SCALE_LIMIT])


@pytest.mark.parametrize(
    ("rate", "channels", "sample_format", "words"),
    [
        (48_000, 2, "mp3", "'mp3'"),
        (0, 2, "s16le", "0 Hz"),
        (-1, 2, "s16le", "-1 Hz"),
        (10**9, 2, "s16le", "1000000000 Hz"),
        (48_000, 0, "s16le", "0 channels"),
        (48_000, 1000, "s16le", "1000 channels"),
    ],
)
def test_implausible_format_is_refused(rate: int, channels: int, sample_format: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        PcmSource(Pipe(b""), rate, channels, sample_format)


def test_stream_stays_open() -> None:
    pipe = Pipe(bytes(8))
    with PcmSource(pipe, 48_000, 2, "s16le") as source:
        read_all(source)
    assert not pipe.closed
