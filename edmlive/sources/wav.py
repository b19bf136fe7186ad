"""The length that a WAV file states (RIFF): its data chunk against what follows."""

import struct
from pathlib import Path

_RIFF_HEADER, _CHUNK_HEADER = 12, 8
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)
"""What programs that write to a pipe leave for a length they cannot go back to fill in; RF64 keeps it elsewhere."""


def missing_bytes(path: Path) -> int:
    """Return how many bytes of its data chunk a WAV file lacks; 0 where it is whole or states no length."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        position = _RIFF_HEADER
        while position + _CHUNK_HEADER <= size:
            file.seek(position)
            kind, length = struct.unpack("<4sI", file.read(_CHUNK_HEADER))
            position += _CHUNK_HEADER
            if kind == b"data":
                return 0 if length in _UNKNOWN_SIZES else max(0, position + length - size)
            position += length + length % 2
    return 0
