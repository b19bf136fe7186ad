"""Any file, URL or stream that PyAV (FFmpeg) opens."""

import errno
import io
import socket
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from edmlive.errors import SourceError
from edmlive.sources import is_stream, local_path
from edmlive.sources.audio import AudioBlock, choose_channels, sanitise
from edmlive.sources.pipe import PipeReader, open_fifo
from edmlive.sources.truncation import find_truncation, is_placeholder
from edmlive.util.audio_files import ffmpeg_name
from edmlive.util.playlists import is_playlist
from edmlive.util.timecode import clock

TIMEOUT_SECONDS = 5.0
BLOCK_SECONDS = 0.25
LOWEST_RATE, HIGHEST_RATE, MOST_CHANNELS = 1_000, 768_000, 64
"""Beyond these a header is wrong, or was made to exhaust the reader."""

# A file or an HLS playlist may name others: FFmpeg opens them by these protocols only.
_LOCAL_PROTOCOLS = "file"
_PIPE_PROTOCOLS = "data"
_WEB_PROTOCOLS = "http,https,httpproxy,tls,tcp,crypto,data"
_NETWORK_PROTOCOLS = (
    f"{_WEB_PROTOCOLS},udp,udplite,rtp,srtp,rtmp,rtmpe,rtmps,rtmpt,rtmpte,rtmpts,ffrtmpcrypt,ffrtmphttp,"
    "srt,rist,mmsh,mmst,ftp,sftp,gopher,gophers"
)
_LISTS = {"concat", "dash", "imf", "rtp", "rtsp", "sap", "sdp", "webm_dash_manifest"}
# The DASH reader of FFmpeg 7 and earlier pays no heed to the protocols that are allowed.
_LOCAL_FORMATS = ",".join(sorted({*av.formats_available} - _LISTS))
"""Formats of a local file: none of those that only name others."""
_ERRORS = (av.FFmpegError, OSError, ValueError, MemoryError, OverflowError, EOFError)
_MPEG_CONTAINERS = ("mp3", "aac")
"""Bare frames, with tags of many kinds before and after them, which FFmpeg hands on as if they were frames."""
# A tag that is not UTF-8 is no reason to refuse the music; since PyAV 19 it never is.
_ANY_TAGS: dict[str, Any] = {"metadata_errors": "ignore"} if int(av.__version__.split(".")[0]) < 19 else {}


class FileSource:
    """Decodes the first audio stream of a file or URL, as float32 at its own rate.

    Broken packets are skipped, as players do; `fault` then says where the audio first broke.

    Parameters
    ----------
    location
        Path, URL, or a pipe that holds an audio file. Only text with a scheme and two slashes is a URL.
    channels
        Channel numbers from 1 to keep, in that order; ``None`` for all.
    pace
        Yield blocks no faster than they would be heard.
    endless_seconds
        How much to read from a stream that has no end; ``None`` to read on.

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

    def __init__(
        self,
        location: str | Path | PipeReader,
        channels: tuple[int, ...] | None = None,
        *,
        pace: bool = False,
        endless_seconds: float | None = None,
    ) -> None:
        self.name = location.name if isinstance(location, PipeReader) else str(location)
        self.live = isinstance(location, PipeReader) or is_stream(location)
        self.fault: str | None = None
        self.wanted = 0.0
        self._pace = pace
        self._endless_seconds = endless_seconds
        self._input = _open(location, self.name)
        self._container = self._input.container
        try:
            if not self._container.streams.audio:
                raise SourceError(f"{self.name} holds no audio stream.")
            self._stream = self._container.streams.audio[0]
            codec = self._stream.codec_context
            if codec is None:
                raise SourceError(f"{self.name} holds audio that FFmpeg has no decoder for: convert it to FLAC or WAV.")
            if codec.sample_rate and codec.layout.nb_channels:
                self._check_plausible(codec.sample_rate, codec.layout.nb_channels)
            self._stream.codec_context.thread_type = "AUTO"
            self._blocks = self._decode()
            self._first = next(self._blocks, None)  # a header may lie about channels and rate; a frame does not
            if self._first is None or self._converter is None:
                because = f": {self.fault}" if self.fault else ""
                raise SourceError(f"{self.name} holds no audio that can be decoded{because}.")
            self._check_plausible(self._converter.rate, self._first.shape[1])
            self._picked = choose_channels(self._first.shape[1], channels, self.name)
        except _ERRORS as error:
            self._input.close()
            raise SourceError(f"{self.name} cannot be decoded: {_reason(error, self.name)}.") from None
        except BaseException:
            self._input.close()
            raise
        self.rate = self._converter.rate
        self.channels = len(self._picked)
        duration = self._container.duration
        self.endless = self.live and (duration is None or is_placeholder(self._stream, float(duration / av.time_base)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._input.close()

    def __iter__(self) -> Iterator[AudioBlock]:
        """Yield blocks of about `BLOCK_SECONDS` until the audio ends."""
        started = time.monotonic()
        position = 0
        for samples in self._all_blocks():
            position += len(samples)
            if self._pace:
                time.sleep(max(0.0, started + position / self.rate - time.monotonic()))
            yield AudioBlock(self._pick(samples), time.monotonic())
            if self.endless and self._endless_seconds is not None and position >= self._endless_seconds * self.rate:
                self.fault = f"it has no end: only the first {clock(position / self.rate)} were read"
                return
        if self.fault is None and self._input.path is not None:
            self.fault = find_truncation(self._input.path, self._stream, position / self.rate)

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
        tags_between = self._container.format.name in _MPEG_CONTAINERS
        suspected: str | None = None
        heard = False
        while True:
            try:
                packet = next(packets, None)
            except _ERRORS as error:
                # FFmpeg's WavPack demuxer calls the end of a pipe broken data, so nothing can be said there.
                if self._input.path is not None or self._container.format.name != "wv":
                    self.fault = self.fault or self._fault_text("", error)
                yield from self._held_frames()
                return
            if packet is None:
                break
            try:
                frames = packet.decode()
            except _ERRORS as error:
                at = self._converter and self._converter.position / self._converter.rate
                suspected = suspected or self._fault_text(f" at {clock(at)}" if at else "", error)
                continue
            if frames:
                if heard or not tags_between:
                    self.fault = self.fault or suspected
                heard, suspected = True, None
            yield from frames
        if not (heard and tags_between):
            self.fault = self.fault or suspected

    def _held_frames(self) -> list[av.AudioFrame]:
        """Return what the decoder, which works in several threads, still holds where the container breaks."""
        try:
            frames: list[av.AudioFrame] = self._stream.codec_context.decode(None)
        except _ERRORS:
            return []
        return frames

    def _fault_text(self, place: str, error: Exception) -> str:
        return f"cannot be decoded{place} ({_reason(error, self.name)})"

    def _check_plausible(self, rate: int, channels: int) -> None:
        if not (LOWEST_RATE <= rate <= HIGHEST_RATE and 1 <= channels <= MOST_CHANNELS):
            raise SourceError(
                f"{self.name} claims {channels} channels at {rate} Hz: audio has 1 to {MOST_CHANNELS} channels "
                f"at {LOWEST_RATE} to {HIGHEST_RATE} Hz."
            )


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


@dataclass(frozen=True)
class _Input:
    """An open container; its path where it is a regular file of this computer, its pipe where that is to be closed."""

    container: InputContainer
    path: Path | None = None
    fifo: io.FileIO | None = None

    def close(self) -> None:
        self.container.close()
        if self.fifo is not None:
            self.fifo.close()


def _open(location: str | Path | PipeReader, name: str) -> _Input:
    if isinstance(location, PipeReader):
        return _Input(_container(location, name, _PIPE_PROTOCOLS))
    if is_stream(location):
        web = name.lower().startswith(("http://", "https://"))
        return _Input(_container(name, name, _WEB_PROTOCOLS if web else _NETWORK_PROTOCOLS, TIMEOUT_SECONDS))
    path = local_path(location)
    try:
        mode = path.stat().st_mode
        if stat.S_ISFIFO(mode):
            return _open_fifo(path, name)
    except (FileNotFoundError, NotADirectoryError):
        raise SourceError(f"{name} does not exist: give the path of an audio file.") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{name} cannot be opened: {_reason(error, name)}.") from None
    if stat.S_ISDIR(mode):
        raise SourceError(f"{name} is a folder: give the path of an audio file.")
    if not stat.S_ISREG(mode):
        raise SourceError(f"{name} is a device or socket, not an audio file.")
    try:
        return _Input(_container(ffmpeg_name(path), name, _LOCAL_PROTOCOLS), path)
    except SourceError:
        if is_playlist(path):
            raise SourceError(f"{name} is a playlist: give a file that it lists, or classify it.") from None
        raise


def _open_fifo(path: Path, name: str) -> _Input:
    fifo = open_fifo(path)
    try:
        return _Input(_container(PipeReader(fifo, name), name, _PIPE_PROTOCOLS), fifo=fifo)
    except BaseException:
        fifo.close()
        raise


def _container(file: str | PipeReader, name: str, protocols: str, timeout: float | None = None) -> InputContainer:
    try:
        formats = {} if timeout else {"format_whitelist": _LOCAL_FORMATS}
        options = {"protocol_whitelist": protocols} | formats
        container: InputContainer = av.open(file, container_options=options, timeout=timeout, **_ANY_TAGS)
        return container
    except _ERRORS as error:
        raise SourceError(f"{name} cannot be opened as audio: {_reason(error, name)}.") from None


def _shape(frame: av.AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _reason(error: Exception, name: str) -> str:
    if isinstance(error, av.error.ExitError):
        return f"it sent nothing for {TIMEOUT_SECONDS:.0f} s"
    if is_stream(name) and getattr(error, "errno", None) == errno.EIO and (host := _unknown_host(name)):
        return f"there is no computer of that name, {host}"
    text = getattr(error, "strerror", None) or str(error)
    return text.strip().rstrip(".").lower() or type(error).__name__


def _unknown_host(url: str) -> str | None:
    """Return the host in a URL if no address is known for it; FFmpeg reports that as an input/output error."""
    try:
        host = urlsplit(url).hostname
        if host:
            socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return host
    except ValueError:
        pass
    return None
