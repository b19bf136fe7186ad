"""Playlists and cue sheets of many programs."""

from pathlib import Path

import pytest

from edmlive.util.playlists import LARGEST_PLAYLIST, is_url, read_playlist


def entries(folder: Path, name: str, data: str | bytes) -> list[str] | None:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    found = read_playlist(path)
    return None if found is None else [entry.removeprefix(f"{folder}/") for entry in found]


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        (
            "a.m3u",
            "#EXTM3U\n#EXTINF:123,Artist - Title\na b.mp3\n\n  c/d.mp3  \r\n/e/f.mp3\n",
            ["a b.mp3", "c/d.mp3", "/e/f.mp3"],
        ),
        ("a.M3U8", "\ufeffé.mp3\né.mp3\n", ["é.mp3"]),
        ("a.m3u", "é.mp3\n".encode("cp1252"), ["é.mp3"]),
        ("a.m3u", "é.mp3\r\n".encode("utf-16"), ["é.mp3"]),
        ("a.m3u", "file:///x/a%20b.mp3\nfile://localhost/y.mp3\n", ["/x/a b.mp3", "/y.mp3"]),
        ("a.m3u", "file://http://host/a.mp3", ["http:/host/a.mp3"]),
        ("a.m3u", "http://host/a.mp3", ["http://host/a.mp3"]),
        (
            "a.pls",
            "[playlist]\nFile1=a.mp3\nTitle1=x\nLength1=-1\nfile2 = b.mp3\nNumberOfEntries=2\n",
            ["a.mp3", "b.mp3"],
        ),
        (
            "a.cue",
            'PERFORMER "x"\nFILE "set one.wav" WAVE\n  TRACK 01 AUDIO\n    TITLE "FILE"\nFILE b.wav WAVE\n',
            ["set one.wav", "b.wav"],
        ),
        ("a.m3u", "", []),
        ("a.pls", "nonsense", []),
        ("a.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n", None),
    ],
)
def test_entries_are_read(tmp_path: Path, name: str, data: str | bytes, expected: list[str] | None) -> None:
    assert entries(tmp_path, name, data) == expected


def test_path_written_on_windows_is_found(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/a.mp3").touch()
    (tmp_path / r"odd\name.mp3").touch()
    assert entries(tmp_path, "a.m3u", "sub\\a.mp3\nodd\\name.mp3\n") == ["sub/a.mp3", r"odd\name.mp3"]


def test_endless_file_is_no_playlist(tmp_path: Path) -> None:
    path = tmp_path / "a.m3u"
    with path.open("wb") as file:
        file.truncate(100 * LARGEST_PLAYLIST)
    with pytest.raises(OSError, match="no playlist"):
        read_playlist(path)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://host", True),
        ("HTTPS://host", True),
        ("srt+x://host", True),
        ("http:/host", False),
        ("tcp:host", False),
        ("a/http://b", False),
        ("12:30.mp3", False),
        ("1://x", False),
        ("concat:a", False),
        ("", False),
    ],
)
def test_only_a_scheme_and_two_slashes_make_a_url(text: str, url: bool) -> None:
    assert is_url(text) == url
