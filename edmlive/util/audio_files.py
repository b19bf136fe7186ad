"""The audio files in a folder, recognised by their suffixes."""

from pathlib import Path

AUDIO_SUFFIXES = (
    ".aac",
    ".aif",
    ".aiff",
    ".ape",
    ".caf",
    ".flac",
    ".m4a",
    ".mka",
    ".mp2",
    ".mp3",
    ".mp4",
    ".oga",
    ".ogg",
    ".opus",
    ".wav",
    ".webm",
    ".wma",
    ".wv",
)


def audio_files(folder: Path) -> list[Path]:
    """Return the audio files in a folder and its subfolders, sorted."""
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES and p.is_file())
