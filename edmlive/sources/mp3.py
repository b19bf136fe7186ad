"""Whether an MP3 file states its length: most do, in a first frame that holds no sound."""

from pathlib import Path

_LARGEST_FRAME = 2_881
_STATEMENTS = (b"Xing", b"Info", b"VBRI")


def states_length(path: Path) -> bool:
    """Tell whether the first frame of an MP3 file is a Xing, Info or VBRI header.

    Without one FFmpeg guesses the length from the first bit rate, which a variable bit rate makes far too long.
    """
    with path.open("rb") as file:
        tag = file.read(10)  # ID3v2: its size is the last four bytes, seven bits each
        size = sum((byte & 0x7F) << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=False))
        file.seek(10 + size if tag.startswith(b"ID3") else 0)
        frame = file.read(_LARGEST_FRAME)
    return any(statement in frame for statement in _STATEMENTS)
