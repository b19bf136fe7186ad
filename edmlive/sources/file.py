"""Any file, URL or stream that PyAV (FFmpeg) opens."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from numpy.typing import NDArray

from edmlive.errors import SourceError
from edmlive.sources.audio import AudioBlock, choose_channels, sanitise
from edmlive.sources.mp3 import states_length
from edmlive.sources.ogg import ends_early
from edmlive.sources.wav import missing_bytes
from edmlive.util.timecode import clock

TIMEOUT_SECONDS = 5.0
BLOCK_SECONDS = 0.25
SHORTFALL_SECONDS = 0.25
"""Audio missing at the end of a file before it counts as truncated; encoders' delays stay below."""


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

    def __init__(self, location: str | Path, channels: tuple[int, ...] | None = None, *, pace: bool = False) -> None:
        self.name = str(location)
        self.fault: str | None = None
        self.wanted = 0.0
        self._pace = pace
        self._remote = "://" in self.name
        self.live = self._remote and not self.name.startswith("file:")
        path = Path(location)
        if not self._remote and not path.is_file():
            what = "is a folder" if path.is_dir() else "does not exist"
            raise SourceError(f"{self.name} {what}: give the path of an audio file.")
        try:
            self._container = av.open(
                self.name,
                metadata_errors="ignore",  # a tag that is not UTF-8 is no reason to refuse the music
                timeout=(TIMEOUT_SECONDS, TIMEOUT_SECONDS) if self._remote else None,
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            raise SourceError(f"{self.name} cannot be opened as audio: {_reason(error)}.") from None
        if not self._container.streams.audio:
            self._container.close()
            raise SourceError(f"{self.name} holds no audio stream.")
        self._stream = self._container.streams.audio[0]
        self._stream.thread_type = "AUTO"
        self._blocks = self._decode()
        try:
            self._first = next(self._blocks, None)
            if self._first is None:
                raise SourceError(f"{self.name} holds no audio that can be decoded{self._because()}.")
            self._picked = choose_channels(self._first.shape[1], channels, self.name)
        except SourceError:
            self._container.close()
            raise
        self.rate: int = self._rate
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
        self._check_length(position / self.rate)

    def _all_blocks(self) -> Iterator[NDArray[np.float32]]:
        if self._first is not None:
            yield self._first
            self._first = None
        yield from self._blocks

    def _pick(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return sanitise(samples if self._picked == tuple(range(samples.shape[1])) else samples[:, self._picked])

    def _decode(self) -> Iterator[NDArray[np.float32]]:
        """Yield blocks of (frames, channels) float32, converted in sample format only."""
        first: av.AudioFrame | None = None
        shape: object = None
        waiting = av.AudioFifo()  # converting a packet at a time would cost as much as decoding it
        heard = 0

        def converted() -> Iterator[NDArray[np.float32]]:
            nonlocal heard
            joined = waiting.read()
            if joined is None or first is None:
                return
            joined.pts = None
            for frame in resampler.resample(joined):
                samples = frame.to_ndarray().reshape(-1, len(first.layout.channels))
                heard += len(samples)
                yield samples

        for packet in self._packets():
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                self._note_fault(heard + waiting.samples, error)
                continue
            for frame in frames:
                if first is None:
                    first, self._rate = frame, frame.sample_rate
                if shape != (frame.format.name, frame.layout.name, frame.sample_rate):
                    yield from converted()
                    # A chained stream may change its shape at a song's end; what follows becomes like the first.
                    shape = (frame.format.name, frame.layout.name, frame.sample_rate)
                    resampler = av.AudioResampler(format="flt", layout=first.layout, rate=first.sample_rate)
                    waiting = av.AudioFifo()
                frame.pts = None  # time stamps go askew where packets are broken, and would be followed
                waiting.write(frame)
                if waiting.samples >= BLOCK_SECONDS * frame.sample_rate:
                    yield from converted()
        yield from converted()
        if heard == 0 and self.fault is None:
            self._note_fault(0, None)

    def _packets(self) -> Iterator[av.Packet]:
        """Yield packets until the end or until the container itself breaks."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                yield next(packets)
            except StopIteration:
                return
            except (av.FFmpegError, OSError) as error:
                self._note_fault(None, error)
                return

    def _note_fault(self, heard: int | None, error: Exception | None) -> None:
        if self.fault is None:
            place = "" if heard is None or not heard else f" at {clock(heard / self._rate)}"
            self.fault = f"cannot be decoded{place} ({_reason(error)})" if error else "no audio frames"

    def _check_length(self, seconds: float) -> None:
        if self.fault is not None or self._remote:
            return
        claimed = self._claimed_seconds()
        if claimed is not None and claimed - seconds > SHORTFALL_SECONDS:
            self.fault = f"ends at {clock(seconds)} of the {clock(claimed)} that it claims: the file is truncated"
        elif "ogg" in self._container.format.name and ends_early(Path(self.name)):
            self.fault = f"ends at {clock(seconds)} without an end mark: the file is truncated"
        elif "wav" in self._container.format.name and missing_bytes(Path(self.name)):
            self.fault = f"ends at {clock(seconds)}, short of what its header states: the file is truncated"

    def _claimed_seconds(self) -> float | None:
        """Return the length of the audio that the file states; ``None`` where FFmpeg would only guess it."""
        stream, container = self._stream, self._container
        kind = container.format.name
        if kind == "aac" or (kind == "mp3" and not states_length(Path(self.name))):
            return None
        if stream.duration is not None and stream.time_base is not None:
            return float(stream.duration * stream.time_base)
        # A container's length is that of its longest stream, which a video may be.
        alone = len(container.streams) == 1 and container.duration is not None
        return float(container.duration / av.time_base) if alone else None

    def _because(self) -> str:
        return f": {self.fault}" if self.fault else ""


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return text.strip().rstrip(".").lower() or type(error).__name__
