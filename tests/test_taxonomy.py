"""Every label has one common class, and those that mean the same music share it."""

import csv
from itertools import chain

import pytest

from edmlive.realtime.classifier import DEFAULT_MODEL, find_model
from edmlive.realtime.onnx_file import read_model
from edmlive.taxonomy import COMMON, NAMES_OF_2021, SUBGENRES, agrees, common
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
    [("Dubstep", "jungle-drum-and-bass"), ("house", "tech-house"), ("Psy-Trance", "tech-trance"), ("polka", "house")],
)
def test_disagrees(predicted: str, true: str) -> None:
    assert not agrees(predicted, true)
