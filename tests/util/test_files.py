from pathlib import Path

import pytest

from edmlive.util.audio_files import audio_files
from edmlive.util.files import replacing
from edmlive.util.timecode import clock


def test_a_file_is_replaced_when_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_text("old")
    with replacing(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_failure_leaves_the_former_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "model.onnx"
    path.write_text("old")
    with pytest.raises(error), replacing(path) as partial:
        partial.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_before_anything_was_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError), replacing(tmp_path / "model.onnx"):
        raise OSError
    assert not list(tmp_path.iterdir())


def test_audio_files_are_found_by_suffix_in_all_folders_in_order(tmp_path: Path) -> None:
    (tmp_path / "b" / "deep").mkdir(parents=True)
    (tmp_path / "folder.wav").mkdir()
    for name in ("c.FLAC", "b/deep/a.mp3", "b/notes.txt", "b/z.opus", "cover.jpg"):
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in audio_files(tmp_path)]
    assert found == ["b/deep/a.mp3", "b/z.opus", "c.FLAC"]


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "0:00"), (59.9, "0:59"), (60, "1:00"), (3599, "59:59"), (3600, "1:00:00")]
)
def test_a_time_is_written_as_on_a_player(seconds: float, expected: str) -> None:
    assert clock(seconds) == expected
