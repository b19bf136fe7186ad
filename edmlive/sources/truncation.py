"""Whether a file is whole, by what its container says about itself."""

import struct
from pathlib import Path

import av

from edmlive.util.timecode import clock

SHORTFALL_SECONDS = 0.25
"""Audio missing at the end of a file before it counts as truncated; encoder delays stay below."""

_MP3_LARGEST_FRAME = 2_881
_MP3_LENGTH_HEADERS = (b"Xing", b"Info", b"VBRI")
_OGG_PAGE_HEADER, _OGG_LARGEST_PAGE = 27, 65_307
_OGG_END_OF_STREAM = 0x04
_RIFF_HEADER, _RIFF_CHUNK_HEADER = 12, 8
_RIFF_UNKNOWN_SIZES = (0, 0xFFFFFFFF)
"""Left by programs that write to a pipe and cannot go back to fill in the length; RF64 keeps it elsewhere."""


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
    if stated is not None and stated - seconds > SHORTFALL_SECONDS:
        return f"ends at {clock(seconds)} of the {clock(stated)} that it claims: the file is truncated"
    if "ogg" in container and _ogg_ends_early(path):
        return f"ends at {clock(seconds)} without an end mark: the file is truncated"
    if "wav" in container and _wav_ends_early(path):
        return f"ends at {clock(seconds)}, short of what its header states: the file is truncated"
    return None


def _stated_seconds(path: Path, stream: av.AudioStream) -> float | None:
    """Return the length that the file states; ``None`` where FFmpeg would only estimate it."""
    container = stream.container
    kind = container.format.name
    if kind == "aac" or (kind == "mp3" and not _mp3_states_length(path)):
        return None
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    # A container is as long as its longest stream, which may be a video.
    alone = len(container.streams) == 1 and container.duration is not None
    return float(container.duration / av.time_base) if alone else None


def _mp3_states_length(path: Path) -> bool:
    """Return whether the first frame of an MP3 file is a Xing, Info or VBRI header.

    Without one FFmpeg estimates the length from the first bit rate, which makes a variable bit rate far too long.
    """
    with path.open("rb") as file:
        tag = file.read(10)  # ID3v2: its size is the last four bytes, seven bits each
        size = sum((byte & 0x7F) << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=False))
        file.seek(10 + size if tag.startswith(b"ID3") else 0)
        frame = file.read(_MP3_LARGEST_FRAME)
    return any(header in frame for header in _MP3_LENGTH_HEADERS)


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
                return length not in _RIFF_UNKNOWN_SIZES and position + length > size
            position += length + length % 2
    return False
