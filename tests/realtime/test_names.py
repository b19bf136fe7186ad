"""What answers are called: families, lists of other years, and files of one's own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edmlive.errors import UserError
from edmlive.realtime.names import names_of, read_tree
from edmlive.realtime.reading import Candidate, State
from edmlive.realtime.voter import Vote
from edmlive.spec import ModelSpec, VoteSpec
from edmlive.taxonomy import FAMILIES
from tests import small_models
from tests.realtime.readings import truth

SPEC = small_models.spec(
    labels=("Deep House", "House", "Big Room", "Electro House", "Drum&Bass", "Techno (Raw-Deep-Hypnotic)"),
    vote=VoteSpec(minimum_confidence=0.35),
)
SHARES = (0.3, 0.25, 0.2, 0.15, 0.06, 0.04)
WriteTree = Callable[[str], Path]


def vote(winner: str = "Deep House", shares: tuple[float, ...] = SHARES, spec: ModelSpec = SPEC) -> Vote:
    found = [Candidate(label, share) for label, share in zip(spec.labels, shares, strict=True)]
    found.sort(key=lambda candidate: (candidate.genre != winner, -candidate.confidence))
    return Vote(winner, found[0].confidence, tuple(found), {winner: 3, "Big Room": 2})


@pytest.fixture
def write_tree(tmp_path: Path) -> WriteTree:
    def write(text: str) -> Path:
        path = tmp_path / "names.toml"
        path.write_text(text)
        return path

    return write


def test_without_a_choice_the_vote_is_unchanged_and_has_a_family() -> None:
    heard = vote("House")
    answer = names_of(SPEC).answer(State.UNSURE, heard)
    assert (answer.genre, answer.confidence, answer.top, answer.votes) == ("House", 0.25, heard.top, heard.counts)
    assert (answer.state, answer.family) == (State.UNSURE, "House")
    assert answer.family_confidence == pytest.approx(0.55)


def test_families_add_up_their_shelves() -> None:
    answer = names_of(SPEC, "families").answer(State.UNSURE, vote())
    assert [candidate.genre for candidate in answer.top] == ["House", "Mainstage", "Drum & Bass", "Techno"]
    assert sum(candidate.confidence for candidate in answer.top) == pytest.approx(1)
    assert answer.genre == answer.family == "House"
    assert answer.confidence == answer.family_confidence == pytest.approx(0.55)
    assert answer.votes == {"House": 3, "Mainstage": 2}
    assert answer.state is State.LISTENING  # the family is sure where none of its shelves is


def test_the_likeliest_name_wins_where_names_hold_several_labels() -> None:
    answer = names_of(SPEC, "2025").answer(State.UNSURE, vote())
    assert answer.genre == "Mainstage" and answer.confidence == pytest.approx(0.35)
    assert answer.family == "House"


def test_labels_of_the_paper_and_of_2016_are_called_as_in_2021() -> None:
    spec = small_models.spec(labels=("jungle-drum-and-bass", "liquid-drum-and-bass", "PsyTrance", "my own"))
    names = names_of(spec, "2021")
    assert names.all_genres == ("Drum&Bass", "Psy-Trance", "my own")
    assert set(names.all_families) == {"Drum & Bass", "Psy-Trance"} < set(FAMILIES)


@pytest.mark.parametrize("state", [State.UNKNOWN, State.SILENCE, State.NO_INPUT, State.WARMING_UP])
def test_only_an_answer_has_a_genre(state: State) -> None:
    answer = names_of(SPEC).answer(state, vote())
    assert answer.state is state
    assert {answer.genre, answer.confidence, answer.family, answer.family_confidence} == {None}
    assert answer.top == () and answer.votes == {}


def test_a_model_of_other_labels_has_no_family() -> None:
    spec = small_models.spec()
    answer = names_of(spec).answer(State.LISTENING, Vote("genre A", 0.5, (Candidate("genre A", 0.5),), {"genre A": 1}))
    assert answer.genre == "genre A" and (answer.family, answer.family_confidence) == (None, None)
    for choice in ("families", "2021", "2025"):
        with pytest.raises(UserError, match=r"Model small has no families.* give --labels a file"):
            names_of(spec, choice)


def test_a_file_renames_and_groups_labels(write_tree: WriteTree) -> None:
    names = names_of(SPEC, write_tree('DnB = "Drum&Bass"\n"Warm-up" = ["Deep House", "House"]\n'))
    answer = names.answer(State.LISTENING, vote())
    assert names.all_genres == ("Warm-up", "Big Room", "Electro House", "DnB", "Techno (Raw-Deep-Hypnotic)")
    assert answer.genre == "Warm-up" and answer.confidence == pytest.approx(0.55)
    assert answer.family == "House"  # edmlive's, since the file has no level above


def test_the_top_of_a_tree_is_the_family(write_tree: WriteTree) -> None:
    text = '[Soft]\nHouse = ["House", "Deep House"]\n[Hard]\nRoom = "Big Room"\nRaw = ["Techno (Raw-Deep-Hypnotic)"]\n'
    answer = names_of(SPEC, write_tree(text)).answer(State.LISTENING, vote())
    assert (answer.genre, answer.family) == ("House", "Soft")
    tree = read_tree(write_tree('Night = ["Soft"]\nSoft = ["House"]\n'), SPEC)
    assert tree == {"House": ("Soft", "Night")}


def test_a_copy_of_the_own_tree_is_a_file_of_names(write_tree: WriteTree) -> None:
    text = (
        '[Club]\n"House" = { class = "house", 2016 = "House", 2025 = "House" }\n[House]\n"Deep House" = { class = "x" }'
    )
    assert read_tree(write_tree(text), SPEC) == {"House": ("Club",), "Deep House": ("House",)}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('A = ["B"]\nB = ["A"]', "circle: A > B > A"),
        ('[A]\nB = ["House"]\n[B]\nA = ["Deep House"]', "circle"),
        ('[House.House]\nHouse = "Deep House"', "circle: House > House"),
        (
            'A = ["Deap House"]',
            "'Deap House' under 'A', which model small does not know: the nearest name is 'Deep House'",
        ),
        ('A = ["House"]\nB = ["House"]', "'House' under both 'A' and 'B'"),
        ('[A]\nX = ["House"]\n[B]\nX = ["Deep House"]', "'X' under both 'A' and 'B'"),
        ("A = [", "not valid TOML"),
        ("", "names nothing"),
        ("# nothing", "names nothing"),
        ("A = []", "'A' holds neither labels nor names, but"),
        ("A = 3", "'A' holds neither labels nor names, but 3"),
        ("[A]", "'A' holds neither labels nor names, but {}"),
        ('A = [["House"]]', "'A' holds neither"),
        ('"" = "House"', "printable characters"),
        ('"A\\nB" = "House"', "printable characters"),
    ],
)
def test_a_bad_file_is_one_sentence(write_tree: WriteTree, text: str, sentence: str) -> None:
    with pytest.raises(UserError) as fault:
        names_of(SPEC, write_tree(text))
    assert sentence in str(fault.value) and "names.toml" in str(fault.value)
    assert "\n" not in str(fault.value) and str(fault.value).endswith(".")


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no-such-tree cannot be read"):
        names_of(SPEC, tmp_path / "no-such-tree")


def test_the_truth_is_called_likewise() -> None:
    playing = truth("electro-big-room")
    assert names_of(SPEC).truth(playing) is playing
    for choice, genre in (("families", "Mainstage"), ("2021", "electro-big-room"), ("2025", "Mainstage")):
        renamed = names_of(SPEC, choice).truth(playing)
        assert renamed is not None and renamed.genre == genre
        assert (renamed.bpm, renamed.start) == (playing.bpm, playing.start)
    unheard = truth("psy-trance")
    assert names_of(SPEC, "families").truth(unheard) == unheard
    assert names_of(SPEC, "families").truth(None) is None
