"""Local audio files: which files of a folder are audio, and how to name one so that FFmpeg opens just that file."""

import os
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

AUDIO_SUFFIXES = frozenset(
    {
        ".3g2",
        ".3gp",
        ".aa3",
        ".aac",
        ".ac3",
        ".adts",
        ".aif",
        ".aifc",
        ".aiff",
        ".amr",
        ".ape",
        ".asf",
        ".au",
        ".avi",
        ".bwf",
        ".caf",
        ".dff",
        ".dsf",
        ".dts",
        ".eac3",
        ".ec3",
        ".f4a",
        ".flac",
        ".flv",
        ".m2ts",
        ".m4a",
        ".m4b",
        ".m4p",
        ".m4r",
        ".m4v",
        ".mka",
        ".mkv",
        ".mov",
        ".mp1",
        ".mp2",
        ".mp3",
        ".mp4",
        ".mpa",
        ".mpc",
        ".mpeg",
        ".mpg",
        ".mpga",
        ".mts",
        ".oga",
        ".ogg",
        ".ogm",
        ".ogv",
        ".ogx",
        ".oma",
        ".opus",
        ".qt",
        ".ra",
        ".rf64",
        ".rm",
        ".shn",
        ".snd",
        ".spx",
        ".tak",
        ".tta",
        ".vob",
        ".voc",
        ".w64",
        ".wav",
        ".wave",
        ".weba",
        ".webm",
        ".wma",
        ".wmv",
        ".wv",
    }
)

_SYSTEM_FOLDERS = frozenset(
    {"$RECYCLE.BIN", "#recycle", "@eaDir", "__MACOSX", "lost+found", "System Volume Information"}
)
"""Kept by operating systems and file servers beside the music; never part of it."""


@dataclass
class AudioFolder:
    """What a folder and its subfolders hold.

    Attributes
    ----------
    files
        Audio files by their suffixes, sorted, also those that opening will show to be links to nowhere or denied.
    denied
        Folders that cannot be read, each with the reason.
    left_out
        How many files were left out, by suffix.
    hidden
        How many hidden files and folders, and folders of the operating system, were left out.
    """

    files: list[Path] = field(default_factory=list)
    denied: list[tuple[Path, str]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    hidden: int = 0

    def summary(self) -> str | None:
        """Say what was left out, as the end of a sentence; ``None`` if nothing was."""
        suffixes = [f"{number} {suffix}" for suffix, number in sorted(self.left_out.items())]
        others = [f"{self.hidden} hidden"] if self.hidden else []
        return ", ".join(suffixes + others) or None


def scan_folder(folder: Path) -> AudioFolder:
    """Look for audio files in a folder and its subfolders.

    Links to folders are followed, each folder being read once, so that a loop of links ends.
    """
    result = AudioFolder()
    seen: set[tuple[int, int]] = set()
    links: list[Path] = []
    pending = [folder]
    while pending or links:
        current = pending.pop() if pending else links.pop(0)
        try:
            status = current.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            entries = sorted(os.scandir(current), key=lambda entry: entry.name)
        except OSError as error:
            result.denied.append((current, reason(error)))
            continue
        for entry in entries:
            _take(result, entry, pending, links)
    result.files.sort()
    return result


def _take(result: AudioFolder, entry: "os.DirEntry[str]", folders: list[Path], links: list[Path]) -> None:
    path = Path(entry.path)
    if is_hidden(entry.name):
        result.hidden += 1
        return
    try:
        mode = entry.stat().st_mode
    except OSError as error:
        locked = isinstance(error, PermissionError) and not entry.is_symlink()
        if locked or entry.is_dir(follow_symlinks=False):
            denied = (path.parent if locked else path, reason(error))
            if denied not in result.denied[-1:]:
                result.denied.append(denied)
            return
        mode = stat.S_IFREG  # a link that leads nowhere
    if stat.S_ISDIR(mode):
        (links if entry.is_symlink() else folders).append(path)
    elif not stat.S_ISREG(mode):
        result.left_out["pipes, sockets and devices"] += 1
    elif path.suffix.lower() in AUDIO_SUFFIXES:
        result.files.append(path)
    else:
        result.left_out[path.suffix.lower() or "without a suffix"] += 1


def is_hidden(name: str) -> bool:
    """Return whether a file or folder of this name is hidden, or belongs to the operating system."""
    return name.startswith(".") or name in _SYSTEM_FOLDERS


def is_folder(path: str) -> bool:
    """Return whether this is a folder; false where nobody may say, or where no path can have that name."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False


def is_file(path: str) -> bool:
    """Return whether this is a regular file; false where nobody may say, or where no path can have that name."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def audio_files(folder: Path) -> list[Path]:
    """Return the audio files in a folder and its subfolders, sorted.

    Raises
    ------
    OSError
        The folder or one below it cannot be read.
    """
    found = scan_folder(folder)
    for path, why in found.denied:
        raise OSError(f"{path} cannot be read ({why})")
    return found.files


def ffmpeg_name(path: Path) -> str:
    """Return a name by which FFmpeg opens this local file, even if it looks like ``http:/host`` or ``concat:a``."""
    return "file:" + str(path.absolute())


def reason(error: OSError) -> str:
    """Return what went wrong, in the system's words, without the path."""
    return (error.strerror or str(error)).lower()
