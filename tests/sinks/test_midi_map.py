"""Maps from genres to MIDI messages; reading them needs no MIDI system."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edmlive.errors import UserError
from edmlive.sinks.midi_map import Controllers, GenreMessages, MidiMap, default_map, read_map
from tests.realtime.readings import LABELS

MAP = """
channel = 10
clock = false
controllers = { confidence = 30 }

[genres]
Techno = { program = 5 }
House = { note = 36, channel = 2 }

[genres."Drum & Bass"]
program = 7
note = 40
"""


@pytest.fixture
def write_map(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "map.toml"
        path.write_text(text)
        return path

    return write


def test_map_file(write_map: Callable[[str], Path]) -> None:
    assert read_map(write_map(MAP), LABELS) == MidiMap(
        channel=10,
        clock=False,
        controllers=Controllers(confidence=30),
        genres={
            "Techno": GenreMessages(program=5),
            "House": GenreMessages(note=36, channel=2),
            "Drum & Bass": GenreMessages(program=7, note=40),
        },
    )


def test_a_family_that_no_answer_has_is_an_error(write_map: Callable[[str], Path]) -> None:
    with pytest.raises(UserError, match="line 2: there is no family 'Klub': the nearest is 'Club'"):
        read_map(write_map("[families]\nKlub = { note = 60 }"), LABELS, ("Club", "Bass"))


def test_default_numbers_the_programs_by_the_models_order() -> None:
    plain = default_map(LABELS)
    assert [plain.genres[label].program for label in LABELS] == [0, 1, 2, 3, 4, 5]
    assert plain.controllers == Controllers(confidence=20, level=21)
    assert plain.clock


def test_default_of_a_model_with_more_genres_than_programs() -> None:
    assert len(default_map(tuple(map(str, range(200)))).genres) == 128


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("chanel = 3", 1, "there is no key 'chanel': the nearest is 'channel'"),
        ("\n# map\n[genres]\nTekno = { program = 1 }", 4, "there is no genre 'Tekno': the nearest is 'Techno'"),
        ("[genres.Techno]\nnote = 1\nprogramm = 2", 3, "there is no key 'programm': the nearest is 'program'"),
        ("[genres]\nHouse = {}\nTechno = { program = 128 }", 3, "genres.Techno.program: input should be less than or"),
        ('channel = 1\nclock = "yes"', 2, "clock: input should be a valid boolean, not 'yes'"),
        ("channel = 0", 1, "channel: input should be greater than or equal to 1, not 0"),
        ("channel = true", 1, "channel: input should be a valid integer, not True"),
        ("[controllers]\nconfidence = 20\nlevle = 21", 3, "there is no key 'levle': the nearest is 'level'"),
        ("genres = 3", 1, "genres: input should be a valid dictionary, not 3"),
        ("[genres]\nTechno = 7", 2, "genres.Techno: input should be a valid dictionary"),
    ],
)
def test_error_names_the_line(write_map: Callable[[str], Path], text: str, line: int, sentence: str) -> None:
    with pytest.raises(UserError) as fault:
        read_map(write_map(text), LABELS)
    assert f"map.toml, line {line}: {sentence}" in str(fault.value)


def test_file_that_is_missing_or_not_toml_is_an_error(write_map: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"map\.toml is not valid TOML: .*line 2"):
        read_map(write_map("channel = 1\nchannel = 2\n"), LABELS)
    with pytest.raises(UserError, match=r"cannot be read \(no such file or directory\)"):
        read_map(tmp_path / "missing.toml", LABELS)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="not a text file"):
        read_map(tmp_path / "bytes.toml", LABELS)


@settings(deadline=None)  # the machine may be busy
@given(st.text(st.sampled_from("chanelgr.[]{}=\"'#\n 0129,tTecno"), max_size=60))
def test_any_text_is_a_map_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(text)
    try:
        read_map(path, LABELS)
    except UserError as error:
        assert str(error).endswith(".")
