"""Every label has one common class, and those that mean the same music share it."""

import csv
from itertools import chain

import pytest

from edmlive.realtime.classifier import DEFAULT_MODEL, find_model
from edmlive.realtime.onnx_file import read_model
from edmlive.taxonomy import COMMON, FAMILIES, NAMES_OF_2021, SHELVES, SUBGENRES, agrees, common, shelf_of
from tests.conftest import SHARED

LABELS_OF_2021 = read_model(find_model(DEFAULT_MODEL)).spec.labels


def test_no_label_is_in_two_classes() -> None:
    labels = list(chain.from_iterable(COMMON.values()))
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("label", [*SUBGENRES, *LABELS_OF_2021])
def test_every_label_has_a_class(label: str) -> None:
    assert label in COMMON[common(label)]


def test_every_label_of_2016_has_a_class() -> None:
    path = SHARED / "data" / "beatport_2016nov.csv"
    if not path.is_file():
        pytest.skip(f"no table of November 2016 at {path} (set EDMLIVE_SHARED)")
    with path.open(newline="") as file:
        labels = {row["class"] for row in csv.DictReader(file)}
    assert len(labels) == 23
    assert {common(label) for label in labels} <= set(COMMON)


def test_every_class_can_be_rendered_and_tested() -> None:
    assert {common(label) for label in SUBGENRES} == set(COMMON) == {common(label) for label in LABELS_OF_2021}


@pytest.mark.parametrize(("old", "new"), NAMES_OF_2021.items())
def test_a_renamed_label_keeps_its_class(old: str, new: str) -> None:
    assert common(old) == common(new)


def test_unknown_label_has_no_class() -> None:
    with pytest.raises(KeyError):
        common("polka")


def test_the_tree_holds_every_shelf_of_2021_and_every_subgenre_once() -> None:
    assert sorted(shelf.name for shelf in SHELVES) == sorted(LABELS_OF_2021)
    assert sorted(chain.from_iterable(shelf.thirty for shelf in SHELVES)) == sorted(SUBGENRES)


def test_there_are_ten_to_fourteen_families_and_each_has_shelves() -> None:
    assert 10 <= len(FAMILIES) <= 14
    assert {shelf.family for shelf in SHELVES} == set(FAMILIES)


@pytest.mark.parametrize(
    ("label", "shelf", "family"),
    [
        ("Deep House", "Deep House", "House"),
        ("DeepHouse", "Deep House", "House"),
        ("deep-house", "Deep House", "House"),
        ("jungle-drum-and-bass", "Drum&Bass", "Drum & Bass"),
        ("Mainstage", "Big Room", "Mainstage"),
        ("Amapiano", "Afro House", "Melodic House"),
        ("Techno", "Techno (Peak Time-Driving)", "Techno"),
    ],
)
def test_a_label_of_any_list_has_a_shelf_and_a_family(label: str, shelf: str, family: str) -> None:
    found = shelf_of(label)
    assert found is not None and (found.name, found.family) == (shelf, family)


def test_what_is_in_no_list_has_no_shelf() -> None:
    assert shelf_of("polka") is None


def test_a_label_of_several_classes_belongs_to_none() -> None:
    with pytest.raises(KeyError):
        common("Mainstage")


@pytest.mark.parametrize(
    ("predicted", "true"),
    [
        ("Drum&Bass", "jungle-drum-and-bass"),
        ("liquid-drum-and-bass", "jumpup-drum-and-bass"),
        ("Trance", "tech-trance"),
        ("Techno (Raw-Deep-Hypnotic)", "dub-techno"),
        ("breaks", "breaks"),
    ],
)
def test_agrees(predicted: str, true: str) -> None:
    assert agrees(predicted, true)


@pytest.mark.parametrize(
    ("predicted", "true"),
    [
        ("Dubstep", "jungle-drum-and-bass"),
        ("house", "tech-house"),
        ("Psy-Trance", "tech-trance"),
        ("polka", "house"),
        ("house", "polka"),
    ],
)
def test_disagrees(predicted: str, true: str) -> None:
    assert not agrees(predicted, true)
