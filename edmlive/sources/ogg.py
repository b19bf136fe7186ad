"""Ogg's own statement of completeness (RFC 3533): the last page carries an end-of-stream flag."""

from pathlib import Path

_CAPTURE = b"OggS"
_LARGEST_PAGE = 65_307
_END_OF_STREAM = 0x04


def ends_early(path: Path) -> bool:
    """Tell whether an Ogg file lacks a complete last page marked as the end of its stream."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _LARGEST_PAGE - 27))
        tail = file.read()
    start = tail.rfind(_CAPTURE)
    if start < 0 or len(tail) < start + 27:
        return True
    segments = tail[start + 26]
    table = tail[start + 27 : start + 27 + segments]
    complete = len(table) == segments and len(tail) >= start + 27 + segments + sum(table)
    return not (complete and tail[start + 5] & _END_OF_STREAM)
