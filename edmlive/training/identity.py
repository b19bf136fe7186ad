"""What tells one recording from another: its content, not its name, date or tags."""

import hashlib
from pathlib import Path
from typing import Any

import av

from edmlive.models.inputs import IDENTITY_DIGITS

_OPTIONS = {"protocol_whitelist": "none"}  # what looks like a playlist opens nothing else
_TAGS: dict[str, Any] = {"metadata_errors": "ignore"} if int(av.__version__.partition(".")[0]) < 19 else {}
_PIECE = 1 << 20


def identify_recording(path: Path) -> str:
    """Return what identifies a recording wherever it is: 16 hexadecimal digits.

    They are of a hash of its encoded audio, as it is in the file's container. Copies, new names, dates, tags and
    pictures leave it as it is; so do other versions of decoders, whose samples may differ in their last bits. Of what
    is no container with audio, the whole file is hashed. Another encoding of a recording is another recording.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        if not _update_from_packets(digest, file):
            file.seek(0)
            while piece := file.read(_PIECE):
                digest.update(piece)
    return digest.hexdigest()[:IDENTITY_DIGITS]


def _update_from_packets(digest: Any, file: Any) -> bool:
    """Hash the packets of the first audio stream, as far as they can be read; return whether there are any."""
    count = 0
    try:
        with av.open(file, options=_OPTIONS, **_TAGS) as container:
            for packet in container.demux(container.streams.audio[0]):
                if packet.size:
                    digest.update(packet)
                    count += 1
    except (av.FFmpegError, OSError, ValueError, IndexError):
        pass
    return count > 0
