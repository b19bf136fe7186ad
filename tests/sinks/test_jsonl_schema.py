"""The documented schemas are what the program writes: no more, no less."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError

import edmlive
from edmlive.realtime.classifier import Classifier
from edmlive.realtime.engine import Engine
from edmlive.realtime.reading import SCHEMA, Reading, State, TempoCandidate, Track
from edmlive.sources.health import Counts, Liveness
from tests import small_models
from tests.conftest import ROOT, write_audio
from tests.music import render
from tests.realtime.readings import reading, truth, unsure, waiting

RATE = 22_050
CLOCK = "2026-11-22T23:15:00.250+01:00"
COUNTS = Counts(decisions=9, decisions_skipped=1, gaps=2, frames_lost=4410, overflows=3, reconnects=1)

Validate = Callable[[str], None]


def schema(name: str) -> dict[str, Any]:
    return json.loads((ROOT / "docs" / f"{name}.schema.json").read_text())


def validator(name: str) -> Validate:
    validate = Draft202012Validator(schema(name), format_checker=Draft202012Validator.FORMAT_CHECKER).validate
    return lambda line: validate(json.loads(line))


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds of music between seconds of silence."""
    samples = render(14, RATE)
    samples[: 3 * RATE] = samples[11 * RATE :] = 0
    return write_audio(tmp_path_factory.mktemp("music") / "music.wav", samples, RATE, "pcm_f32le", "flt")


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    path = tmp_path_factory.mktemp("models") / "small.onnx"
    return Classifier(small_models.save(path, small_models.spec(), scale=0.5), "cpu")


@pytest.mark.parametrize(("name", "kind"), [("reading", Reading), ("track", Track)])
def test_schema_is_valid_and_names_the_fields_and_the_version_of_the_code(name: str, kind: type) -> None:
    document = schema(name)
    Draft202012Validator.check_schema(document)
    fields = {field.name for field in dataclasses.fields(kind)}
    assert set(document["properties"]) == set(document["required"]) == {"schema"} | fields
    assert document["properties"]["schema"]["const"] == SCHEMA
    assert document["$id"] == f"urn:edmlive:{name}:{SCHEMA}"
    assert all("description" in field for field in document["properties"].values())


def test_schema_has_the_states_and_counts_of_the_code() -> None:
    fields = schema("reading")["properties"]
    assert fields["state"]["enum"] == list(State)
    assert fields["liveness"]["enum"] == list(Liveness)
    assert list(fields["counts"]["properties"]) == [field.name for field in dataclasses.fields(Counts)]


def test_every_reading_of_a_session_is_valid(classifier: Classifier, music: Path) -> None:
    with edmlive.open_source(music) as source:
        readings = list(Engine(classifier, source.rate).run(source))
    assert {State.SILENCE, State.WARMING_UP} < {r.state for r in readings}
    for heard in readings:
        validator("reading")(heard.to_json())


def test_track_is_valid(classifier: Classifier, music: Path) -> None:
    track = edmlive.classify(music, classifier)
    validator("track")(track.to_json())
    validator("track")(dataclasses.replace(track, bpm=None, fault="ends at 0:08 of 0:20").to_json())
    unknown = dataclasses.replace(track, state=State.UNKNOWN, genre=None, confidence=None, top=())
    validator("track")(unknown.to_json())
    with pytest.raises(ValidationError):
        validator("track")(dataclasses.replace(track, state=State.UNKNOWN).to_json())


@pytest.mark.parametrize(
    "heard",
    [
        reading(clock=CLOCK),
        reading(clock=CLOCK, state=State.UNSURE, bpm=None, truth=truth(), counts=COUNTS, notices=("The input clips.",)),
        unsure(clock=CLOCK, set=("Techno", "House"), mixing=True, bpm_candidates=(TempoCandidate(128.0, 0.9),)),
        *(waiting(clock=CLOCK, state=state) for state in (State.WARMING_UP, State.SILENCE, State.UNKNOWN)),
        *(waiting(clock=CLOCK, state=State.NO_INPUT, liveness=liveness) for liveness in Liveness),
    ],
    ids=lambda heard: f"{heard.state}-{heard.liveness}",
)
def test_reading_of_every_state_is_valid(heard: Reading) -> None:
    validator("reading")(heard.to_json())


BROKEN: dict[str, Any] = {
    "level_dbfs": -121,
    "confidence": 1.1,
    "time": -1,
    "bpm": 0,
    "state": "asleep",
    "clock": "2026-11-22T23:15:00",
    "genre": None,
    "schema": SCHEMA + 1,
    "top": [],
    "counts": {},
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_out_of_range_is_refused(name: str) -> None:
    line = json.loads(reading(clock=CLOCK).to_json())
    with pytest.raises(ValidationError):
        validator("reading")(json.dumps(line | {name: BROKEN[name]}))


@given(st.text(min_size=1))
def test_field_that_the_schema_does_not_know_is_refused(name: str) -> None:
    line = json.loads(reading(clock=CLOCK).to_json())
    if name not in line:
        with pytest.raises(ValidationError):
            validator("reading")(json.dumps(line | {name: 1}))


@pytest.mark.parametrize("state", [State.SILENCE, State.UNKNOWN])
def test_genre_in_silence_and_of_what_is_unknown_is_refused(state: State) -> None:
    line = json.loads(waiting(clock=CLOCK, state=state).to_json())
    with pytest.raises(ValidationError):
        validator("reading")(json.dumps(line | {"genre": "Techno"}))
