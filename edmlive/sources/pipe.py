"""Audio from a pipe: reading it as it comes, and recognising what is in it."""

import io
import os
import select
from pathlib import Path

from edmlive.errors import SourceError

FIRST_BYTE_SECONDS = 10.0

_MAGIC = (
    (0, b"OggS"),
    (0, b"fLaC"),
    (0, b"RF64"),
    (0, b"BW64"),
    (8, b"AIFF"),
    (8, b"AIFC"),
    (4, b"ftyp"),
    (0, b"\x1aE\xdf\xa3"),  # Matroska, WebM
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),  # ASF: WMA
    (0, b"riff\x2e\x91\xcf\x11"),  # Wave64
    (0, b"caff\x00\x01"),
    (0, b".snd\x00\x00"),
    (0, b"wvpk"),
    (0, b"MAC \x8c\x0f"),
    (0, b"MAC \x96\x0f"),
    (0, b"TTA1"),
    (0, b"MPCK"),
    (0, b"MP+"),
    (0, b"tBaK"),
    (0, b"DSD \x1c\x00"),
    (0, b"FRM8"),
    (0, b"FLV\x01"),
    (0, b"#!AMR"),
    (0, b"#EXTM3U"),
    (0, b"APETAGEX"),
    (0, b"\x00\x00\x01\xba"),  # MPEG program stream
)
_LONGEST_MAGIC = 12
_CHAIN_BYTES = 4_608
"""Enough for three MPEG frames of the largest size."""
_CHAIN_FRAMES = 3

_TRANSPORT_PACKET = 188
_MP3_BIT_RATES = {  # kbit/s by (MPEG-1, layer)
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MPEG1_RATES = (44_100, 48_000, 32_000)


def read_when_ready(stream: io.RawIOBase, size: int) -> bytes:
    """Read up to `size` bytes as soon as there are any, also from a non-blocking stream; empty at the end."""
    while (data := stream.read(size)) is None:
        select.select([stream], [], [])
    return data


class PipeReader(io.RawIOBase):
    """A pipe that can be looked into before it is read. Closing it leaves the pipe open to whoever opened it.

    Parameters
    ----------
    stream
        An unbuffered binary stream; it may be non-blocking.
    name
        What to call it in front of a user.
    """

    def __init__(self, stream: io.RawIOBase, name: str) -> None:
        self.name = name
        self._stream = stream
        self._ahead = b""

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it cannot be rewound."""
        return False

    def fileno(self) -> int:
        """Return the descriptor of the pipe."""
        return self._stream.fileno()

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end, and leave them to be read."""
        while len(self._ahead) < size and (data := read_when_ready(self._stream, size - len(self._ahead))):
            self._ahead += data
        return self._ahead[:size]

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes as soon as there are any; empty at the end."""
        if self._ahead:
            size = len(self._ahead) if size < 0 else size
            data, self._ahead = self._ahead[:size], self._ahead[size:]
            return data
        return read_when_ready(self._stream, io.DEFAULT_BUFFER_SIZE if size < 0 else size)


def open_fifo(path: Path) -> io.FileIO:
    """Open a named pipe once something is written to it.

    Raises
    ------
    OSError
        It may not be read.
    SourceError
        Nothing was written for `FIRST_BYTE_SECONDS`.
    """
    stream = io.FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    if not select.select([stream], [], [], FIRST_BYTE_SECONDS)[0]:
        stream.close()
        raise SourceError(f"Nothing was written to the pipe {path} for {FIRST_BYTE_SECONDS:.0f} s.")
    return stream


def holds_audio_file(pipe: PipeReader) -> bool:
    """Return whether a pipe holds an audio file (WAV, MP3, Ogg and so on) rather than raw samples."""
    head = pipe.peek(_LONGEST_MAGIC)
    if any(head[at : at + len(magic)] == magic for at, magic in _MAGIC):
        return True
    if head[:4] == b"RIFF":
        return head[8:12] == b"WAVE"
    if head[:3] == b"ID3":
        return len(head) > 9 and 2 <= head[3] <= 4 and max(head[6:10]) < 0x80
    if head[:1] == b"\xff" and head[1:2] >= b"\xe0":
        return _is_chain(pipe.peek(_CHAIN_BYTES))
    if head[:1] == b"G":
        packets = pipe.peek(_CHAIN_FRAMES * _TRANSPORT_PACKET + 1)[::_TRANSPORT_PACKET]
        return packets == (1 + _CHAIN_FRAMES) * b"G"
    return False


def _is_chain(data: bytes) -> bool:
    """Return whether data begins with frames of MPEG audio or AAC that follow each other without a gap."""
    position = 0
    for _ in range(_CHAIN_FRAMES):
        size = _frame_bytes(data[position : position + 7])
        if size is None:
            return False
        position += size
    return True


def _frame_bytes(header: bytes) -> int | None:
    if len(header) < 7 or header[0] != 0xFF or header[1] < 0xE0:
        return None
    if header[1] & 0xF6 == 0xF0:  # AAC (ADTS): 13 bits of length
        size = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
        return size if size > 7 and (header[2] >> 2) & 15 < 13 else None
    version, layer = (header[1] >> 3) & 3, 4 - ((header[1] >> 1) & 3)
    bit_rate, rate = header[2] >> 4, (header[2] >> 2) & 3
    if version == 1 or layer == 4 or bit_rate in (0, 15) or rate == 3:
        return None
    bits = 1000 * _MP3_BIT_RATES[version == 3, layer][bit_rate - 1]
    hertz = _MPEG1_RATES[rate] // {3: 1, 2: 2, 0: 4}[version]
    padding = (header[2] >> 1) & 1
    if layer == 1:
        return (12 * bits // hertz + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // hertz + padding
