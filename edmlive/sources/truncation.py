"""Whether a file is whole, by what its container says about itself."""

import re
import struct
from pathlib import Path
from typing import BinaryIO

import av

from edmlive.util.timecode import clock

SHORTFALL_SECONDS = 0.25
"""Audio missing at the end of a file before it counts as truncated; encoder delays stay below."""

_MP3_HEAD = 2**18
"""Bytes after the tags among which the first frame is looked for: there may be padding or junk before it."""
_MP3_FRAME, _MPEG1_LOWEST_RATE = 1_152, 32_000
"""Samples in a frame; at lower rates, which are MPEG-2's, half as many."""
_XING_FRAMES = 1
"""Flag: the header holds the number of frames."""
_MP3_LENGTH_HEADER = re.compile(b"Xing|Info|VBRI")
_MP3_HEADER_OFFSETS = (36, 21, 13, 38, 23, 15)
"""From the beginning of the frame: VBRI and stereo, mono or stereo of MPEG-2, mono of MPEG-2; with a CRC two more."""
_OGG_PAGE_HEADER, _OGG_LARGEST_PAGE = 27, 65_307
_OGG_END_OF_STREAM = 0x04
_RIFF_HEADER, _RIFF_CHUNK_HEADER = 12, 8
_PLACEHOLDERS = (2**31, 2**32)
_PLACEHOLDER_MARGIN = 2**16
"""Programs that write to a pipe cannot go back to fill in the length: they leave 0, 7FFFF000 (sox), 80000000 (arecord),
FFFFF000 (mpg123), FFFFFFFF (FFmpeg) or the like, with or without the headers."""


def find_truncation(path: Path, stream: av.AudioStream, seconds: float) -> str | None:
    """Say where a file was cut off.

    Parameters
    ----------
    path
        The file.
    stream
        Its audio stream, opened by PyAV.
    seconds
        Audio that could be decoded.

    Returns
    -------
    str or None
        Part of a sentence about the file; ``None`` where it is whole or does not say how long it should be.
    """
    container = stream.container.format.name
    stated = _stated_seconds(path, stream)
    if stated is not None and is_placeholder(stream, stated):
        stated = None
    if stated is not None and stated - seconds > SHORTFALL_SECONDS:
        return f"ends at {clock(seconds)} of the {clock(stated)} that it claims: the file is truncated"
    if "ogg" in container and _ogg_ends_early(path):
        return f"ends at {clock(seconds)} without an end mark: the file is truncated"
    if "wav" in container and _wav_ends_early(path):
        return f"ends at {clock(seconds)}, short of what its header states: the file is truncated"
    return None


def is_placeholder(stream: av.AudioStream, seconds: float) -> bool:
    """Return whether a length that a header of uncompressed audio states stands for an unknown one."""
    codec = stream.codec_context
    if not (codec.name.startswith("pcm_") and codec.bit_rate):
        return False
    return _is_placeholder_size(round(seconds * codec.bit_rate / 8))


def _is_placeholder_size(size: int) -> bool:
    return size == 0 or any(abs(size - placeholder) <= _PLACEHOLDER_MARGIN for placeholder in _PLACEHOLDERS)


def _stated_seconds(path: Path, stream: av.AudioStream) -> float | None:
    """Return the length that the file states; ``None`` where FFmpeg would only estimate it."""
    container = stream.container
    kind = container.format.name
    if kind == "aac":
        return None
    if kind == "mp3":
        frames, rate = _mp3_frames(path), stream.codec_context.sample_rate
        return frames * (_MP3_FRAME if rate >= _MPEG1_LOWEST_RATE else _MP3_FRAME // 2) / rate if frames else None
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    # A container is as long as its longest stream, which may be a video.
    alone = len(container.streams) == 1 and container.duration is not None
    return float(container.duration / av.time_base) if alone else None


def _mp3_frames(path: Path) -> int | None:
    """Return the number of frames in the Xing, Info or VBRI header of an MP3 file.

    Without one FFmpeg estimates the length from the first bit rate, which makes a variable bit rate far too long; with
    one, too, where the file is longer than the header states, because of a picture in a tag at its end.
    """
    with path.open("rb") as file:
        file.seek(_end_of_leading_tags(file))
        head = file.read(_MP3_HEAD)
    for match in _MP3_LENGTH_HEADER.finditer(head):
        at = match.start()
        if not any(_is_sync(head[at - offset : at - offset + 2]) for offset in _MP3_HEADER_OFFSETS if at >= offset):
            continue
        if match[0] == b"VBRI":
            return int.from_bytes(head[at + 14 : at + 18], "big") or None
        stated = int.from_bytes(head[at + 4 : at + 8], "big") & _XING_FRAMES
        return (int.from_bytes(head[at + 8 : at + 12], "big") or None) if stated else None
    return None


def _is_sync(header: bytes) -> bool:
    return len(header) == 2 and header[0] == 0xFF and header[1] >= 0xE0


def _end_of_leading_tags(file: BinaryIO) -> int:
    """Return where the ID3v2 and APEv2 tags at the beginning of a file end."""
    position = 0
    while True:
        file.seek(position)
        tag = file.read(32)
        if tag.startswith(b"ID3") and len(tag) >= 10:  # its size is the last four bytes, seven bits each
            size = sum((byte & 0x7F) << shift for byte, shift in zip(tag[6:10], (21, 14, 7, 0), strict=True))
            position += 10 + size
        elif tag.startswith(b"APETAGEX") and len(tag) == 32:
            position += 32 + int.from_bytes(tag[12:16], "little")
        else:
            return position


def _ogg_ends_early(path: Path) -> bool:
    """Return whether an Ogg file lacks a complete last page with the end-of-stream flag (RFC 3533)."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _OGG_LARGEST_PAGE - _OGG_PAGE_HEADER))
        tail = file.read()
    start = tail.rfind(b"OggS")
    page = tail[start:] if start >= 0 else b""
    if len(page) < _OGG_PAGE_HEADER:
        return True
    segments = page[_OGG_PAGE_HEADER - 1]
    body = _OGG_PAGE_HEADER + segments
    table = page[_OGG_PAGE_HEADER:body]
    complete = len(table) == segments and len(page) >= body + sum(table)
    return not (complete and page[5] & _OGG_END_OF_STREAM)


def _wav_ends_early(path: Path) -> bool:
    """Return whether a WAV file (RIFF) ends before its data chunk should."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        position = _RIFF_HEADER
        while position + _RIFF_CHUNK_HEADER <= size:
            file.seek(position)
            kind, length = struct.unpack("<4sI", file.read(_RIFF_CHUNK_HEADER))
            position += _RIFF_CHUNK_HEADER
            if kind == b"data":
                return not _is_placeholder_size(length) and position + length > size
            position += length + length % 2
    return False
