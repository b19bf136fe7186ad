"""The contract between training, export and live use: what it keeps, and what it refuses."""

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edmlive.spec import InputSpec, ModelSpec, Provenance, SpecError, VoteSpec
from tests.small_models import CHUNK, DESCRIPTORS, spec


@pytest.mark.parametrize(
    "model",
    [
        spec(),
        spec((*CHUNK, DESCRIPTORS), window="hamming", mel_scale="db", onset_floor_db=80.0),
        spec(
            name="modèle",
            labels=("Drum & Bass", "Électro"),
            vote=VoteSpec(votes=9, hop_seconds=0.5, minimum_confidence=0.25),
            provenance=Provenance("Beatport", "2021-01-31", "CC0-1.0", {"10-fold top-1": 0.56}, "3,200 tracks"),
        ),
    ],
    ids=["descriptors", "all inputs", "text and figures"],
)
def test_spec_survives_json(model: ModelSpec) -> None:
    assert ModelSpec.from_json(model.to_json()) == model
    assert ModelSpec.from_json(model.to_json().encode()) == model


def test_reader_takes_defaults_and_ignores_fields_of_later_versions() -> None:
    fields = json.loads(spec().to_json())
    for name in ("vote", "provenance", "window", "schema"):
        del fields[name]
    fields["invented later"] = {"nested": [1, 2]}
    assert ModelSpec.from_json(json.dumps(fields)) == dataclasses.replace(spec(), vote=VoteSpec())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": 2}, "version 2"),
        ({"sample_rate": 44100}, "44100"),
        ({"n_fft": 4096}, "4096"),
        ({"hop_length": 256}, "256"),
        ({"n_mels": 96}, "96"),
        ({"tempogram_window": 400}, "400"),
        ({"labels": ("House",)}, "labels"),
        ({"labels": ("House", "House")}, "distinct"),
        ({"labels": tuple(map(str, range(1001)))}, "1000"),
        ({"labels": ("House", "")}, "printable"),
        ({"labels": ("House", "House ")}, "space"),
        ({"labels": ("House", "a\x1b[31mb")}, r"'a\\x1b\[31mb'"),
        ({"labels": ("House", "a\u202egnp.exe")}, "printable"),
        ({"labels": ("House", 101 * "a")}, "100"),
        ({"name": "two\nlines"}, "name"),
        ({"onset_floor_db": float("nan")}, "onset_floor_db"),
        ({"onset_floor_db": -80.0}, "onset_floor_db"),
        ({"inputs": ()}, "inputs"),
        ({"inputs": (CHUNK[0], CHUNK[0])}, "distinct"),
    ],
    ids=str,
)
def test_contradictory_model_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        dataclasses.replace(spec(), **change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "descriptors", "shape": (2,), "descriptors": ("a",), "seconds": 9.0, "warm_up_seconds": 1.0}, "2"),
        ({"name": "descriptors", "shape": (0,), "seconds": 9.0, "warm_up_seconds": 1.0}, "0 names"),
        ({"name": "descriptors", "shape": (1,), "descriptors": ("a",), "seconds": 9.0}, "warm_up"),
        (
            {"name": "descriptors", "shape": (1,), "descriptors": ("a",), "seconds": 9.0, "warm_up_seconds": 10.0},
            "warm_up",
        ),
        (
            {"name": "descriptors", "shape": (1,), "descriptors": ("\x07",), "seconds": 9.0, "warm_up_seconds": 1.0},
            "printable",
        ),
        ({"name": "mel", "shape": (128, 200)}, "expected"),
        ({"name": "mel", "shape": (1, 96, 200)}, "expected"),
        ({"name": "mel", "shape": (1, 128, 0)}, "expected"),
        ({"name": "fourier_tempogram", "shape": (192, 50)}, "193"),
        ({"name": "onset_strength", "shape": (1, 50)}, "expected"),
        ({"name": "onset_strength", "shape": ()}, "expected"),
        ({"name": "autocorrelation_tempogram", "shape": (193, 50)}, "384"),
        ({"name": "mel", "shape": (1, 128, 200), "stride": 0}, "stride"),
    ],
    ids=str,
)
def test_contradictory_input_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        InputSpec(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"votes": 0},
        {"hop_seconds": 0.0},
        {"hop_seconds": -1.0},
        {"hop_seconds": float("nan")},
        {"hop_seconds": 1e-300},
        {"hop_seconds": 601.0},
        {"votes": 10**12},
        {"minimum_confidence": -0.1},
        {"minimum_confidence": 1.1},
    ],
    ids=str,
)
def test_impossible_vote_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="vote"):
        VoteSpec(**change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": None}, "'name'"),
        ({"labels": "House"}, "'labels'"),
        ({"labels": ["House", 2]}, r"'labels\.1'"),
        ({"sample_rate": "fast"}, "'sample_rate'"),
        ({"window": "blackman"}, "'window'"),
        ({"mel_scale": "log"}, "'mel_scale'"),
        ({"inputs": [{"name": "chroma", "shape": [12, 50]}]}, r"'inputs\.0\.name'"),
        ({"inputs": [{"name": "mel", "shape": [1, 128, 2.5]}]}, r"'inputs\.0\.shape\.2'"),
        ({"vote": {"votes": 0}}, "1 <= votes"),
        ({"schema": 99}, "version 99"),
    ],
    ids=str,
)
def test_malformed_json_is_refused_by_its_place(change: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        ModelSpec.from_json(json.dumps(json.loads(spec().to_json()) | change))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"spec"', "{}", "[" * 100_000, b"\xff\xfe"], ids=repr)
def test_what_is_no_spec_at_all_is_refused(text: str | bytes) -> None:
    with pytest.raises(SpecError):
        ModelSpec.from_json(text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("a\n\u0394", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("a\n\u0394", max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([f.name for f in dataclasses.fields(ModelSpec)]), _JSON, max_size=3))
def test_untrusted_json_gives_a_spec_or_a_spec_error(change: dict[str, Any]) -> None:
    text = json.dumps(json.loads(spec().to_json()) | change)
    try:
        ModelSpec.from_json(text)
    except SpecError as error:
        assert "\n" not in str(error)


def test_frames_are_those_that_one_chunk_spans() -> None:
    assert [i.frames for i in CHUNK] == [200, 200, 200]
    assert DESCRIPTORS.frames == 0


def test_input_is_found_by_name() -> None:
    model = spec(CHUNK)
    assert model.input("mel") == CHUNK[0]
    assert model.input("descriptors") is None
