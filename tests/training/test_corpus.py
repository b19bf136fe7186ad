import json
from pathlib import Path

import pytest

from edmlive.training.corpus import Recording, read_corpus
from edmlive.training.tables import TableError


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_a_folder_for_each_genre(tmp_path: Path) -> None:
    for name in ("house/b.flac", "house/album/a.MP3", "breaks/b.flac", "house/cover.jpg", ".hidden/c.flac"):
        touch(tmp_path / name)
    assert read_corpus(tmp_path) == [
        Recording(tmp_path / "breaks/b.flac", "breaks/b.flac", "breaks"),
        Recording(tmp_path / "house/album/a.MP3", "house/album/a.MP3", "house"),
        Recording(tmp_path / "house/b.flac", "house/b.flac", "house"),
    ]


ENTRIES: list[dict[str, object]] = [
    {"path": "a.flac", "genre": "house", "artist": "x", "bpm": 128},
    {"path": "b/c.flac", "genre": "breaks"},
]
AS_JSONL = "\n".join(map(json.dumps, ENTRIES)) + "\n\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.json", json.dumps(ENTRIES)),
        ("m.jsonl", AS_JSONL),
        ("m.csv", "path,genre,bpm,artist\na.flac,house,128,x\nb/c.flac,breaks,,\n"),
        ("m.csv", "Path,GENRE,Artist\na.flac,house,x\nb/c.flac,breaks,\n"),
        ("m.json", json.dumps([{key.title(): value for key, value in entry.items()} for entry in ENTRIES])),
    ],
)
def test_manifests(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_corpus(tmp_path / name) == [
        Recording(tmp_path / "a.flac", "a.flac", "house", "x"),
        Recording(tmp_path / "b/c.flac", "b/c.flac", "breaks", ""),
    ]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("m.json", "{", "malformed"),
        ("m.json", "{}", "not a JSON list"),
        ("m.json", "[]", "lists no recordings"),
        ("m.json", "[" * 100_000, "malformed"),
        ("m.json", '["a.flac"]', "entry 1"),
        ("m.jsonl", AS_JSONL + '{"genre": "house"}', "no 'path' in line 4, only 'genre'"),
        ("m.jsonl", AS_JSONL + AS_JSONL, "lists .*a.flac 2 times"),
        ("m.csv", "path,genre\na.flac,house\n./b/../a.flac,breaks\n", "lists .*a.flac 2 times"),
        ("m.csv", "File;genre\na.flac;house\n", "no column 'path', only 'File', 'genre'"),
        ("m.csv", "path,genre\n\n,house\n", "no 'path' in line 3"),
        ("m.csv", "path,genre,genre\na.flac,house,x\n", "2 columns 'genre'"),
        ("m.csv", "", "is empty"),
        ("m.csv", "path,genre\na.flac,hou\x1b[2Jse\n", r"line 2 of .*genre 'hou\\x1b\[2Jse'"),
        ("m.jsonl", json.dumps({"path": "a.flac", "genre": "x" * 101}), "line 1 of .*100 printable"),
        ("m.json", '[{"path": "a.flac", "genre": 3}]', "genre that is not text in entry 1"),
        ("m.json", '[{"path": "a.flac", "artist": {}}]', "artist that is not text in entry 1"),
        ("m.json", '[{"path": "a.flac", "artist": ' + 5000 * "1" + "}]", "malformed"),
        ("m.txt", "a.flac", "neither a folder nor"),
    ],
)
def test_wrong_manifest_is_one_sentence(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(TableError, match=words) as caught:
        read_corpus(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.json", '[{"path": "a.flac"}, {"path": "b.flac", "genre": null, "artist": "x"}]'),
        ("m.jsonl", '{"path": "a.flac", "genre": ""}\n{"path": "b.flac", "artist": "x"}\n'),
        ("m.csv", "path,genre,artist\na.flac,,\nb.flac,,x\n"),
        ("m.csv", "path,artist\na.flac,\nb.flac,x\n"),
    ],
)
def test_a_genre_need_not_be_known(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_corpus(tmp_path / name) == [
        Recording(tmp_path / "a.flac", "a.flac", None),
        Recording(tmp_path / "b.flac", "b.flac", None, "x"),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.csv", '\ufeffpath;genre;artist\r\n"a, \u2028b.flac"; deep  house ;\u00a017\r\n'),
        ("m.csv", '\ufeffpath,genre,artist\r\n"a, \u2028b.flac", deep house ," 17"\r\n'),
        ("m.jsonl", '{"path": "a, \u2028b.flac", "genre": "deep house", "artist": 17}\r\n'),
    ],
)
def test_spaces_numbers_and_odd_names(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    path = "a, \u2028b.flac"
    assert read_corpus(tmp_path / name) == [Recording(tmp_path / path, path, "deep house", "17")]


def test_a_genre_has_one_spelling_and_one_form(tmp_path: Path) -> None:
    for folder in ("House ", "House", "E\u0301lectro", "\u00c9lectro"):
        touch(tmp_path / folder / "a.flac")
    assert {recording.genre for recording in read_corpus(tmp_path)} == {"House", "\u00c9lectro"}


def test_a_folder_whose_name_no_model_can_have_is_named(tmp_path: Path) -> None:
    touch(tmp_path / "house" / "a.flac")
    touch(tmp_path / "b\x1b[2J" / "a.flac")
    with pytest.raises(TableError, match=r"name of a folder.*'b\\x1b\[2J'"):
        read_corpus(tmp_path)


def test_audio_beside_genre_folders_is_of_no_known_genre(tmp_path: Path) -> None:
    for name in ("b.flac", "a.wav", "manifest.jsonl"):
        touch(tmp_path / name)
    loose = [Recording(tmp_path / name, name, None) for name in ("a.wav", "b.flac")]
    assert read_corpus(tmp_path) == loose
    house = touch(tmp_path / "house/c.flac")
    assert read_corpus(tmp_path) == [*loose, Recording(house, "house/c.flac", "house")]


def test_missing_and_unreadable(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="neither a folder"):
        read_corpus(tmp_path / "none")
    with pytest.raises(TableError, match="no such file"):
        read_corpus(tmp_path / "none.csv")
    (tmp_path / "m.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TableError, match="UTF-8"):
        read_corpus(tmp_path / "m.csv")


def test_empty_genre_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="holds neither audio files nor folders"):
        read_corpus(tmp_path)
    touch(tmp_path / "house" / "a.flac")
    (tmp_path / "breaks").mkdir()
    with pytest.raises(TableError, match="breaks holds no audio files that can be read"):
        read_corpus(tmp_path)
