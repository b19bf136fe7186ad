"""Any file, URL or stream that PyAV (FFmpeg) opens."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from edmlive.errors import SourceError
from edmlive.sources import is_stream
from edmlive.sources.audio import AudioBlock, choose_channels, sanitise
from edmlive.sources.truncation import find_truncation
from edmlive.util.timecode import clock

TIMEOUT_SECONDS = 5.0
BLOCK_SECONDS = 0.25


class FileSource:
    """Decodes the first audio stream of a file or URL, as float32 at its own rate.

    Broken packets are skipped, as players do; `fault` then says where the audio first broke.

    Parameters
    ----------
    location
        Path or URL.
    channels
        Channel numbers from 1 to keep, in that order; ``None`` for all.
    pace
        Yield blocks no faster than they would be heard.

    Attributes
    ----------
    endless
        Whether it is a stream without a length, such as a radio station.

    Raises
    ------
    SourceError
        Missing, not audio, no such channel, or unreachable.
    """

    _converter: "_Converter | None" = None

    def __init__(self, location: str | Path, channels: tuple[int, ...] | None = None, *, pace: bool = False) -> None:
        self.name = str(location)
        self.live = is_stream(location)
        self.fault: str | None = None
        self.wanted = 0.0
        self._pace = pace
        self._container = _open(self.name)
        try:
            if not self._container.streams.audio:
                raise SourceError(f"{self.name} holds no audio stream.")
            self._stream = self._container.streams.audio[0]
            self._stream.codec_context.thread_type = "AUTO"
            self._blocks = self._decode()
            self._first = next(self._blocks, None)  # a header may lie about channels and rate; a frame does not
            if self._first is None or self._converter is None:
                because = f": {self.fault}" if self.fault else ""
                raise SourceError(f"{self.name} holds no audio that can be decoded{because}.")
            self._picked = choose_channels(self._first.shape[1], channels, self.name)
        except SourceError:
            self._container.close()
            raise
        self.rate = self._converter.rate
        self.channels = len(self._picked)
        self.endless = self.live and self._container.duration is None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    def __iter__(self) -> Iterator[AudioBlock]:
        """Yield blocks of about `BLOCK_SECONDS` until the audio ends."""
        started = time.monotonic()
        position = 0
        for samples in self._all_blocks():
            position += len(samples)
            if self._pace:
                time.sleep(max(0.0, started + position / self.rate - time.monotonic()))
            yield AudioBlock(self._pick(samples), time.monotonic())
        if self.fault is None and not _is_url(self.name):
            self.fault = find_truncation(Path(self.name), self._stream, position / self.rate)

    def _all_blocks(self) -> Iterator[NDArray[np.float32]]:
        if self._first is not None:
            yield self._first
            self._first = None
        yield from self._blocks

    def _pick(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return sanitise(samples if self._picked == tuple(range(samples.shape[1])) else samples[:, self._picked])

    def _decode(self) -> Iterator[NDArray[np.float32]]:
        """Yield blocks of (frames, channels) float32, all in the layout and rate of the first decoded frame."""
        for frame in self._frames():
            if self._converter is None:
                self._converter = _Converter(frame)
            yield from self._converter.push(frame)
        if self._converter is not None:
            yield from self._converter.flush()
        if self.fault is None and (self._converter is None or self._converter.position == 0):
            self.fault = "no audio frames"

    def _frames(self) -> Iterator[av.AudioFrame]:
        """Yield decoded frames until the end, or until the container itself breaks."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError) as error:
                self._note_fault("", error)
                return
            if packet is None:
                return
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                at = self._converter and self._converter.position / self._converter.rate
                self._note_fault(f" at {clock(at)}" if at else "", error)
                continue
            yield from frames

    def _note_fault(self, place: str, error: Exception) -> None:
        self.fault = self.fault or f"cannot be decoded{place} ({_reason(error)})"


class _Converter:
    """Joins decoded frames to blocks and converts them to interleaved float32.

    Converting frame by frame would cost as much as decoding.

    Parameters
    ----------
    first
        Everything is converted to its layout and rate: a chained stream may change them between two songs.
    """

    def __init__(self, first: av.AudioFrame) -> None:
        self.rate = first.sample_rate
        self._layout = first.layout
        self._converted = 0
        self._begin(first)

    def _begin(self, frame: av.AudioFrame) -> None:
        self._shape = _shape(frame)
        self._waiting = av.AudioFifo()
        self._resampler = av.AudioResampler(format="flt", layout=self._layout, rate=self.rate)

    @property
    def position(self) -> int:
        """Audio frames taken in so far."""
        return self._converted + int(self._waiting.samples)

    def push(self, frame: av.AudioFrame) -> list[NDArray[np.float32]]:
        """Take a decoded frame; return blocks of (frames, channels) once `BLOCK_SECONDS` have come together."""
        blocks = []
        if _shape(frame) != self._shape:
            blocks = self.flush()
            self._begin(frame)
        frame.pts = None  # time stamps go wrong where packets are broken, and would be obeyed
        self._waiting.write(frame)
        if self._waiting.samples >= BLOCK_SECONDS * frame.sample_rate:
            blocks += self.flush()
        return blocks

    def flush(self) -> list[NDArray[np.float32]]:
        """Return what has come together."""
        joined = self._waiting.read()
        if joined is None:
            return []
        joined.pts = None
        channels = len(self._layout.channels)
        blocks = [frame.to_ndarray().reshape(-1, channels) for frame in self._resampler.resample(joined)]
        self._converted += sum(map(len, blocks))
        return blocks


def _open(name: str) -> InputContainer:
    if not _is_url(name) and not Path(name).is_file():
        what = "is a folder" if Path(name).is_dir() else "does not exist"
        raise SourceError(f"{name} {what}: give the path of an audio file.")
    try:
        container: InputContainer = av.open(
            name,
            metadata_errors="ignore",  # a tag that is not UTF-8 is no reason to refuse the music
            timeout=(TIMEOUT_SECONDS, TIMEOUT_SECONDS) if _is_url(name) else None,
        )
        return container
    except (av.FFmpegError, OSError, ValueError) as error:
        raise SourceError(f"{name} cannot be opened as audio: {_reason(error)}.") from None


def _is_url(name: str) -> bool:
    return "://" in name


def _shape(frame: av.AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return text.strip().rstrip(".").lower() or type(error).__name__
