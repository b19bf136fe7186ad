from collections.abc import Callable
from pathlib import Path

import pytest

from edmlive.util.audio_files import audio_files
from edmlive.util.files import replacing, replacing_both
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


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "r.html", tmp_path / "r.json"
    for path in paths:
        path.write_text("old")
    return paths


def test_two_files_are_replaced_by_two_that_belong_together(pair: tuple[Path, Path], tmp_path: Path) -> None:
    with replacing_both(*pair) as partial:
        for path in partial:
            path.write_text("new")
    assert [path.read_text() for path in pair] == ["new", "new"]
    assert sorted(tmp_path.iterdir()) == sorted(pair)


def test_a_kill_between_two_replacements_leaves_no_pair_that_does_not_belong_together(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pair
    left: list[list[str]] = []

    def note(change: Callable[..., object]) -> Callable[..., object]:
        def changed(*arguments: object, **options: object) -> object:
            result = change(*arguments, **options)
            left.append([path.read_text() for path in pair if path.exists()])
            return result

        return changed

    for name in ("replace", "unlink"):
        monkeypatch.setattr(Path, name, note(getattr(Path, name)))
    with replacing_both(first, second) as partial:
        for path in partial:
            path.write_text("new")
    assert left == [["old"], ["new"], ["new", "new"]]


def test_the_first_of_two_files_stays_if_the_second_cannot_be_replaced(pair: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = pair
    second.unlink()
    second.mkdir()
    with pytest.raises(IsADirectoryError), replacing_both(first, second) as partial:
        for path in partial:
            path.write_text("new")
    assert first.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == sorted(pair)


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
