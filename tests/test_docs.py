"""The documentation keeps up with the code: links lead somewhere, and every command line and example still parses."""

import argparse
import ast
import functools
import importlib
import inspect
import re
import runpy
import shlex
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
import typer.main
import yaml

import edmlive
from edmlive.cli import app
from edmlive.cli.profile import read_profile
from edmlive.realtime.classifier import DEFAULT_MODEL, Classifier
from edmlive.realtime.names import names_of
from edmlive.sinks.midi_map import read_map
from tests.conftest import ROOT

PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "benchmarks/README.md")),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "edmlive" / "models" / "zoo").glob("*.md"),
    ]
)
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ {4}(?=\S)(.*)$", re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(r"(^|\| )(\.venv/bin/)?(edmlive|make|python|pip|pytest) ")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PATH = re.compile(r"`(\w[\w.*-]*(?:/[\w.*-]+)+)/?`")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def page_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of a page in a language."""
    return [text for found, text in FENCE.findall(path.read_text()) if found == language]


def prose(path: Path) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", path.read_text())


# Links


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(prose(path))}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_relative_links_resolve(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_files_that_are_named_exist(page: Path) -> None:
    """Paths in code style that begin with a folder of the repository or of the package."""
    for path in PATH.findall(prose(page)):
        first = path.partition("/")[0]
        for base in (ROOT, ROOT / "edmlive"):
            assert not (base / first).is_dir() or any(base.glob(path.replace("NAME", "*"))), path


# Command lines


@dataclass(frozen=True)
class CommandLine:
    """A command as a page gives it; one in running text may leave arguments out."""

    page: Path
    words: tuple[str, ...]
    complete: bool

    def __str__(self) -> str:
        return f"{page_id(self.page)}: {shlex.join(self.words)}"


def commands(line: str) -> Iterator[tuple[str, ...]]:
    """The commands of a pipeline, without redirections; optional parts, in brackets, count as given."""
    words: list[str] = []
    for word in [*shlex.split(re.sub(r"\[(-[^\]]*)\]", r"\1", line), comments=True), "|"]:
        if word != "|":
            words.append(word)
            continue
        yield tuple(words[: words.index(">")] if ">" in words else words)
        words = []


def command_lines() -> Iterator[CommandLine]:
    """Every command that this test can check, in the order of the pages."""
    for page in PAGES:
        lines = [line for block in blocks(page, "") for line in block.splitlines()]
        lines += INDENTED.findall(prose(page))
        for text in lines + INLINE.findall(prose(page)):
            if not COMMAND.search(text):
                continue
            for program, *arguments in commands(text):
                program = program.removeprefix(".venv/bin/")
                if program in CHECKS and arguments:
                    yield CommandLine(page, (program, *arguments), complete=text in lines)


class ParsedError(Exception):
    """The arguments were understood; there is nothing more to see."""


def check_edmlive(arguments: list[str], complete: bool) -> None:
    """Let the command's own parser read the arguments; nothing is run."""
    command = typer.main.get_command(app)
    disarm(command)
    try:
        command.main(arguments, "edmlive", standalone_mode=False)
    except Exception as error:
        if complete or "Missing" not in str(error):
            raise


def disarm(command: Any) -> None:
    """Take from commands what they do, and leave how they are called."""
    for inner in getattr(command, "commands", {}).values():
        disarm(inner)
    if not hasattr(command, "commands"):
        command.callback = functools.update_wrapper(lambda **_: None, command.callback)


def check_make(arguments: list[str], complete: bool) -> None:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(arguments) <= set(targets)


def check_python(arguments: list[str], complete: bool) -> None:
    """Let the module's own parser read the arguments, and stop there."""
    dash_m, module, *rest = arguments
    assert dash_m == "-m"
    rest = ["psy-trance" if word == "GENRE" else word for word in rest]
    parse = argparse.ArgumentParser.parse_args

    def parse_only(self: argparse.ArgumentParser, *given: Any) -> NoReturn:
        parse(self, *given)
        raise ParsedError

    with pytest.MonkeyPatch.context() as patch, pytest.raises(ParsedError):
        patch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
        patch.setattr(sys, "argv", [module, *rest])
        runpy.run_module(module, run_name="__main__")


def check_pip(arguments: list[str], complete: bool) -> None:
    """The extras and dependency groups that pip is asked for exist."""
    for extras in re.findall(r"(?:edmlive|\.)\[([\w,]+)\]", " ".join(arguments)):
        assert set(extras.split(",")) <= set(PYPROJECT["project"]["optional-dependencies"])
    if "--group" in arguments:
        assert arguments[arguments.index("--group") + 1] in PYPROJECT["dependency-groups"]


def check_pytest(arguments: list[str], complete: bool) -> None:
    assert all((ROOT / name).exists() for name in arguments if not name.startswith("-"))


CHECKS = {
    "edmlive": check_edmlive,
    "make": check_make,
    "python": check_python,
    "pip": check_pip,
    "pytest": check_pytest,
}


@pytest.mark.parametrize("line", [*dict.fromkeys(command_lines())], ids=str)
def test_command_line_is_understood(line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "club.toml").touch()  # the profile in the examples
    CHECKS[line.words[0]](list(line.words[1:]), line.complete)


def test_every_command_is_shown_somewhere() -> None:
    shown = {line.words[1] for line in command_lines() if line.words[0] == "edmlive"}
    group: Any = typer.main.get_command(app)
    assert set(group.commands) - shown == {"plot"}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("listen --chanels 3,4", "--chanels"),
        ("lisen --web", "'lisen'"),
        ("listen --hop soon", "valid number"),
        ("report", "Missing"),
    ],
)
def test_wrong_command_line_is_noticed(line: str, complaint: str) -> None:
    with pytest.raises(Exception, match=complaint):
        check_edmlive(line.split(), complete=True)


# Examples


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=page_id)
def test_python_examples_use_what_exists(page: Path) -> None:
    for block in blocks(page, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(str(node.module))
                assert all(hasattr(module, alias.name) for alias in node.names), ast.unparse(node)
            elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "edmlive":
                assert node.attr in edmlive.__all__
            elif isinstance(node, ast.Call) and ast.unparse(node.func).startswith("edmlive."):
                function = getattr(edmlive, ast.unparse(node.func).removeprefix("edmlive."))
                inspect.signature(function).bind(*node.args, **{str(k.arg): k.value for k in node.keywords})


def test_toml_examples_are_valid(tmp_path: Path) -> None:
    """The profile, the names and the MIDI map of the page for live shows."""
    names, profile, midi_map = blocks(ROOT / "docs" / "live-show.md", "toml")
    path = tmp_path / "club.toml"
    path.write_text(profile)
    assert read_profile(path, typer.main.get_command(app)).keys() == {"listen", "classify"}
    spec = Classifier(DEFAULT_MODEL).spec
    path.write_text(names)
    assert {"DnB", "Deep", "Afro"} < set(names_of(spec, path).all_genres)
    path.write_text(midi_map)
    known = names_of(spec)
    messages = read_map(path, known.all_genres, known.all_families)
    assert len(messages.genres) == 3 and len(messages.families) == 1


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "yaml")], ids=page_id)
def test_yaml_examples_are_valid(page: Path) -> None:
    for block in blocks(page, "yaml"):
        assert isinstance(yaml.safe_load(block), dict)


# Files that other tools read


def test_citation_names_this_version_and_the_paper() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PYPROJECT["project"]["version"]
    assert citation["license"] == PYPROJECT["project"]["license"]
    (paper,) = citation["references"]
    assert paper["title"] in " ".join((ROOT / "README.md").read_text().split())


def test_hooks_run_what_make_test_runs() -> None:
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    makefile = (ROOT / "Makefile").read_text().replace("$(TEST_VENV)", ".venv-test")
    for hook in local["hooks"]:
        program, *subcommand = hook["entry"].split(" --")[0].split()
        assert re.search(rf"^\t{' '.join((program, *subcommand[:1]))}\b", makefile, re.MULTILINE), hook["id"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_issue_forms_ask_for_something(path: Path) -> None:
    form = yaml.safe_load(path.read_text())
    assert {"name", "description", "body"} <= set(form)
    assert any(field.get("validations", {}).get("required") for field in form["body"])
    assert len({field["id"] for field in form["body"]}) == len(form["body"])
