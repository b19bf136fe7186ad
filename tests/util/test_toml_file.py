"""What is wrong in a TOML file is reported with its line."""

import re
import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field

from edmlive.errors import UserError
from edmlive.util.toml_file import Table, read_toml


class Cue(Table):
    note: int = 0
    text: str = ""


class Show(Table):
    name: str = ""
    levels: list[int] = Field(default_factory=list)
    cue: Cue = Cue()
    cues: list[Cue] = Field(default_factory=list)
    by_name: dict[str, Cue] = Field(default_factory=dict)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "show.toml"


def error_of(file: Path, text: str) -> str:
    file.write_text(text)
    with pytest.raises(UserError) as refused:
        read_toml(file, Show)
    return str(refused.value)


def test_a_valid_file_is_read(file: Path) -> None:
    file.write_text("name = 'one'\nlevels = [1, 2]\n[cue]\nnote = 3\n[[cues]]\nnote = 4\n[[cues]]\n")
    assert read_toml(file, Show) == Show(name="one", levels=[1, 2], cue=Cue(note=3), cues=[Cue(note=4), Cue()])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("nam = 'one'", 1),
        ("name = 5", 1),
        ("\n# name = 5\nname = 5", 3),
        ("levels = [  # [\n  1,\n  'two',\n]\n", 1),
        ("name = '''\n[cue]\nnote = 'x'\n'''\n[cue]\nnote = 'x'\n", 6),
        ('name = """\n\\"""\n[["""""\n[cue]\nnote = 1.5\n', 5),
        ("name = 'a # b [' # ' [ \"\n[cue]\nnot = 1\n", 3),
        ('name = "a \\" # [ \'"\ncue.note = 0.5', 2),
        ("[[cues]]\nnote = 1\n[[cues]]\n[[cues]]\nnote = 2\nnot = 3\n", 6),
        ("[by_name]\n'[' = { note = 1 }\n\"]\" = { note = '}' }\n", 3),
        ("[by_name.a]\n\n[cue]\nnote = 1\n[by_name.b]\nnote = 1\ntext = 2\n", 7),
        ("name = 1\r\n[cue]\r\nnote = ''\r\n", 1),
    ],
)
def test_the_first_wrong_line_is_named(file: Path, text: str, line: int) -> None:
    assert f"show.toml, line {line}: " in error_of(file, text)


def test_the_nearest_name_is_suggested(file: Path) -> None:
    message = error_of(file, "[cue]\nnots = 1")
    assert "'nots'" in message
    assert "'note'" in message


def test_a_wrong_value_is_shown_with_its_key(file: Path) -> None:
    message = error_of(file, "[[cues]]\n[[cues]]\nnote = 'C4'")
    assert "cues.1.note" in message
    assert "'C4'" in message


KEYS = st.sampled_from(["name", "levels", "cue.note", "cue.text", "'cue'.note", "cues.note"])
VALUES = st.sampled_from(
    ["1", "'#'", "[\n1,\n2]", '"""\n[cue]\n"""', "'''\n''''", '["]", #[\n1]', "{ a = 1 }", '"\\\\"', "''"]
)
STATEMENTS = st.one_of(
    st.tuples(KEYS, VALUES).map(" = ".join),
    st.sampled_from(["[cue]", "[[cues]]", "[by_name.a]", "[by_name.b]", "# it's [", "", "[cues.a]"]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(st.lists(STATEMENTS, max_size=8))
def test_cutting_the_file_before_the_named_line_leaves_nothing_wrong(file: Path, statements: list[str]) -> None:
    lines = "\n".join(statements).split("\n")
    file.write_text("\n".join(lines))
    try:
        read_toml(file, Show)
    except UserError as error:
        if (named := re.search(r", line (\d+): ", str(error))) is not None:
            file.write_text("\n".join(lines[: int(named[1]) - 1]))
            read_toml(file, Show)


@pytest.mark.parametrize(
    "text",
    [
        "[by_name]\n" + "".join(f"'cue {i}' = {{ note = {i} }}\n" for i in range(5_000)) + "[cue]\nwrong = 1\n",
        "levels = [\n" + "1,\n" * 20_000 + "]\nwrong = 1\n",
        "[by_name]\n" + "".join(f"'cue {i}' = {{ note = 'C4' }}\n" for i in range(5_000)),
    ],
    ids=["statements", "one long array", "nothing but faults"],
)
def test_the_line_in_a_long_file_is_found_without_parsing_anew_for_every_line(file: Path, text: str) -> None:
    started = time.process_time()
    tomllib.loads(text)
    parsed = time.process_time()
    error_of(file, text)
    assert time.process_time() - parsed < 100 * (parsed - started)
