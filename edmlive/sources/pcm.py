"""Raw PCM from a pipe, such as ``arecord -t raw | edmlive listen --input -``."""

import io
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from edmlive.errors import SourceError
from edmlive.sources.audio import FULL_SCALE_LIMIT, AudioBlock, sanitise
from edmlive.sources.pipe import read_when_ready

PcmFormat = Literal["u8", "s16le", "s24le", "s32le", "f32le", "f64le"]

BLOCK_SECONDS = 0.1

_Convert = Callable[[bytes], NDArray[np.float32]]


def _s24(data: bytes) -> NDArray[np.float32]:
    wide = np.zeros((len(data) // 3, 4), np.uint8)
    wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
    return (wide.view("<i4")[:, 0] / np.float64(2**31)).astype(np.float32)


def _f64(data: bytes) -> NDArray[np.float32]:
    # Clip first: the cast warns about values beyond single precision.
    samples: NDArray[np.float64] = np.frombuffer(data, "<f8")
    return samples.clip(-FULL_SCALE_LIMIT, FULL_SCALE_LIMIT).astype(np.float32)


def _floats(dtype: str, zero: float, full_scale: float) -> _Convert:
    return lambda data: ((np.frombuffer(data, dtype) - np.float64(zero)) / full_scale).astype(np.float32)


_FORMATS: dict[str, tuple[int, _Convert]] = {
    "u8": (1, _floats("u1", 128, 2**7)),
    "s16le": (2, _floats("<i2", 0, 2**15)),
    "s24le": (3, _s24),
    "s32le": (4, _floats("<i4", 0, 2**31)),
    "f32le": (4, lambda data: np.frombuffer(data, "<f4")),
    "f64le": (8, _f64),
}


def standard_input() -> io.RawIOBase:
    """Open this process's standard input, unbuffered, so that no sample waits for a buffer to fill.

    Raises
    ------
    SourceError
        It is closed.
    """
    try:
        return io.FileIO(0, closefd=False)
    except OSError:
        raise SourceError("Standard input is closed: pipe raw PCM into it.") from None


class PcmSource:
    """Interleaved raw samples from a binary stream.

    Parameters
    ----------
    stream
        An unbuffered binary stream.
    rate
        Sampling rate in Hz.
    channels
        Interleaved channels.
    sample_format
        ``u8``, ``s16le``, ``s24le``, ``s32le``, ``f32le`` or ``f64le``.

    Raises
    ------
    SourceError
        An unknown format, or an impossible rate or number of channels.
    """

    def __init__(self, stream: io.RawIOBase, rate: int, channels: int, sample_format: str) -> None:
        if sample_format not in _FORMATS:
            known = ", ".join(get_args(PcmFormat))
            raise SourceError(f"PCM format '{sample_format}' is unknown: choose from {known}.")
        if not 1_000 <= rate <= 768_000 or not 1 <= channels <= 64:
            raise SourceError(
                f"Raw PCM with {channels} channels at {rate} Hz is not plausible: "
                "give the rate in Hz and how many channels are interleaved."
            )
        self.name = "standard input"
        self.rate = rate
        self.live = True
        self.fault: str | None = None
        self.wanted = 0.0
        self._stream = stream
        self.channels = channels
        self._width, self._convert = _FORMATS[sample_format]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the stream to whoever opened it."""

    def __iter__(self) -> Iterator[AudioBlock]:
        """Yield what arrives, in whole frames, until the writer closes the pipe."""
        frame_bytes = self._width * self.channels
        most = max(1, int(BLOCK_SECONDS * self.rate)) * frame_bytes
        rest = b""
        while data := read_when_ready(self._stream, most):
            data = rest + data
            whole = len(data) - len(data) % frame_bytes
            data, rest = data[:whole], data[whole:]
            if whole:
                samples = self._convert(data).reshape(-1, self.channels)
                yield AudioBlock(sanitise(samples), time.monotonic())
        if rest:
            self.fault = f"ended inside a frame; the last {len(rest)} bytes were dropped"
