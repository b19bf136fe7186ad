"""Folders as people keep them: what is audio, what is left out, and what may not be read."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edmlive.util.audio_files import audio_files, ffmpeg_name, scan_folder

NOBODY = 65_534


def touch(folder: Path, *names: str) -> list[Path]:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return sorted(folder / name for name in names)


@contextmanager
def unprivileged(folder: Path) -> Iterator[None]:
    """Run as a user to whom permissions apply."""
    if os.geteuid() != 0:
        yield
        return
    for parent in [folder, *folder.parents][:3]:
        if parent.stat().st_uid == 0 and parent != Path("/tmp"):
            parent.chmod(0o755)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_every_usual_suffix_of_audio_is_taken_whatever_its_case(tmp_path: Path) -> None:
    suffixes = "aif aifc aiff au dsf flac m4a m4b mkv mka mov mp3 MP3 mp4 oga ogg opus w64 wav wave Wav webm wma wv"
    expected = touch(tmp_path, *(f"{number}.{suffix}" for number, suffix in enumerate(suffixes.split())))
    touch(tmp_path, "cover.jpg", "a.txt", "b.txt", "README")
    found = scan_folder(tmp_path)
    assert found.files == expected
    assert found.left_out == {".jpg": 1, ".txt": 2, "without a suffix": 1}
    assert "2 .txt" in str(found.summary())


def test_companions_and_hidden_folders_are_no_tracks(tmp_path: Path) -> None:
    expected = touch(tmp_path, "a.mp3", "b/c.mp3")
    touch(
        tmp_path, "._a.mp3", "b/._c.mp3", ".Trashes/501/d.mp3", ".Spotlight-V100/e.mp3", "__MACOSX/._a.mp3",
        "@eaDir/a.mp3", "$RECYCLE.BIN/f.mp3",
    )  # fmt: skip
    found = scan_folder(tmp_path)
    assert found.files == expected
    assert found.hidden == 7
    assert not found.denied


def test_hidden_folder_that_is_asked_for_is_read(tmp_path: Path) -> None:
    assert scan_folder(tmp_path / ".music").denied
    assert scan_folder(tmp_path / ".music").files == []
    expected = touch(tmp_path / ".music", "a.mp3")
    assert audio_files(tmp_path / ".music") == expected


def test_links_to_folders_are_followed_and_loops_of_them_end(tmp_path: Path) -> None:
    touch(tmp_path, "lib/a.mp3", "elsewhere/b.mp3")
    (tmp_path / "lib/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "lib/0").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "lib/up").symlink_to(tmp_path)
    (tmp_path / "elsewhere/back").symlink_to(tmp_path / "lib")
    (tmp_path / "lib/self").symlink_to("self")
    found = scan_folder(tmp_path / "lib")
    assert found.files == [tmp_path / "lib/0/b.mp3", tmp_path / "lib/a.mp3"]


def test_dangling_link_is_tried_so_that_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").symlink_to("gone.mp3")
    (tmp_path / "b").symlink_to("gone")
    found = scan_folder(tmp_path)
    assert found.files == [tmp_path / "a.mp3"]
    assert found.left_out == {"without a suffix": 1}


def test_what_is_no_regular_file_is_left_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp3")
    with socket.socket(socket.AF_UNIX) as listening:
        before = Path.cwd()
        os.chdir(tmp_path)  # a socket's path may not be long
        try:
            listening.bind("socket.mp3")
        finally:
            os.chdir(before)
        (tmp_path / "folder.mp3").mkdir()
        found = scan_folder(tmp_path)
    assert found.files == []
    assert found.left_out == {"pipes, sockets and devices": 2}


@pytest.mark.parametrize("mode", [0o000, 0o444, 0o111])
def test_folder_without_permission_is_named_and_the_rest_is_found(tmp_path: Path, mode: int) -> None:
    touch(tmp_path, "a.mp3", "locked/b.mp3", "z/c.mp3")
    (tmp_path / "locked").chmod(mode)
    try:
        with unprivileged(tmp_path):
            found = scan_folder(tmp_path)
            with pytest.raises(OSError, match="locked"):
                audio_files(tmp_path)
    finally:
        (tmp_path / "locked").chmod(0o755)
    assert found.files == [tmp_path / "a.mp3", tmp_path / "z/c.mp3"]
    ((path, reason),) = found.denied
    assert "locked" in str(path)
    assert "permission" in reason


def test_folders_deeper_than_a_path_may_be_long_are_named(tmp_path: Path) -> None:
    before = Path.cwd()
    touch(tmp_path, "a.mp3")
    os.chdir(tmp_path)
    try:
        for _ in range(18):
            Path("d" * 250).mkdir()
            os.chdir("d" * 250)
        Path("deep.mp3").touch()
    finally:
        os.chdir(before)
    found = scan_folder(tmp_path)
    assert found.files == [tmp_path / "a.mp3"]
    assert any("too long" in reason for _, reason in found.denied)


@pytest.mark.parametrize("name", ["http:/host/a", "concat:a|b", "pipe:0", "subfile,,start,0,:a", "data:x", "12:30.mp3"])
def test_local_name_is_a_file_to_ffmpeg(name: str) -> None:
    assert ffmpeg_name(Path(name)) == f"file:{Path.cwd()}/{name}"
