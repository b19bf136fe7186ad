"""Answers as JSON."""

import json

from edmlive.realtime.reading import Candidate, State, Track
from tests.realtime.readings import LABELS, reading, truth, unsure, waiting


def test_track_is_one_line_with_the_promised_fields() -> None:
    top = tuple(Candidate(label, (6 - i) / 21) for i, label in enumerate(LABELS))
    track = Track("sets/été.ogg", State.LISTENING, "Techno", 6 / 21, top, 128.0, 300.5, "small")
    text = track.to_json()
    assert "\n" not in text
    fields = json.loads(text)
    assert fields.pop("top") == [{"genre": c.genre, "confidence": round(c.confidence, 4)} for c in top[:5]]
    assert fields == {
        "schema": 1,
        "path": "sets/été.ogg",
        "state": "listening",
        "genre": "Techno",
        "confidence": 0.2857,
        "family": None,
        "family_confidence": None,
        "set": [],
        "bpm": 128.0,
        "bpm_candidates": [],
        "seconds": 300.5,
        "model": "small",
        "fault": None,
    }


def test_reading_is_right_when_its_label_means_the_true_genre() -> None:
    techno, house = truth("hardcore-hard-techno"), truth("house")
    assert reading(genre="Techno", truth=techno).right is True
    assert reading(genre="Techno", truth=house).right is False
    assert waiting(truth=house).right is False
    assert reading(genre="Techno").right is None


def test_answer_in_words() -> None:
    assert reading().answer == reading(state=State.UNSURE).answer == "Techno"
    assert unsure().answer == "Club, perhaps Techno"
    assert unsure(state=State.LISTENING).answer == "Techno"
    assert unsure(family_confidence=6 / 21).answer == "Techno"  # the family says no more
    assert unsure(family="Techno").answer == "Techno"
    assert waiting(state=State.UNKNOWN).answer == "unknown"
