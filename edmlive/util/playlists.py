"""Playlists and cue sheets: which local audio files they list."""

import re
from pathlib import Path
from urllib.parse import unquote

PLAYLIST_SUFFIXES = frozenset({".m3u", ".m3u8", ".pls", ".cue"})
LARGEST_PLAYLIST = 16 * 2**20
"""Bytes; no playlist of a person is longer."""

_ENTRIES = {
    ".pls": re.compile(r"^\s*File\d+\s*=\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE),
    ".cue": re.compile(r'^\s*FILE\s+(?:"([^"\n]+)"|(\S+))', re.IGNORECASE | re.MULTILINE),
}
_LINES = re.compile(r"^\s*([^#\s].*?)\s*$", re.MULTILINE)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def is_url(location: str) -> bool:
    """Return whether this text is a URL, whatever its scheme; a path never is, for it has no two slashes in a row."""
    return _URL.match(location) is not None


def is_playlist(path: Path) -> bool:
    """Return whether a file is a playlist or cue sheet by its suffix."""
    return path.suffix.lower() in PLAYLIST_SUFFIXES


def read_playlist(path: Path) -> list[str] | None:
    """Return the entries of a playlist or cue sheet in order, each once: paths, or URLs as they stand.

    Relative paths are made relative to the playlist's folder. ``None`` for an HLS playlist, whose entries
    are the segments of one stream.

    Raises
    ------
    OSError
        It cannot be read, or is too long to be a playlist.
    """
    with path.open("rb") as file:
        data = file.read(LARGEST_PLAYLIST + 1)
    if len(data) > LARGEST_PLAYLIST:
        raise OSError(f"longer than {LARGEST_PLAYLIST // 2**20} MiB, so no playlist")
    text = _decode(data)
    if re.search(r"^#EXT-X-", text, re.MULTILINE):
        return None
    matches = _ENTRIES.get(path.suffix.lower(), _LINES).finditer(text)
    entries = (next(filter(None, match.groups())) for match in matches)
    return list(dict.fromkeys(_resolve(path.parent, entry) for entry in entries))


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _resolve(folder: Path, entry: str) -> str:
    if entry.lower().startswith("file://"):
        return file_url_path(entry)
    if is_url(entry):
        return entry
    path = folder / entry
    forward = folder / entry.replace("\\", "/")  # written on Windows
    return str(forward if "\\" in entry and not _exists(path) else path)


def file_url_path(url: str) -> str:
    """Return the path in a ``file://`` URL. Like every path it has no two slashes in a row after its beginning."""
    path = re.sub("^file://(localhost(?=/))?", "", url, flags=re.IGNORECASE)
    return str(Path(unquote(path, errors="surrogateescape")))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
