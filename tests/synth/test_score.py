import numpy as np
import pytest

from edmlive.synth.arrangement import arrange
from edmlive.synth.audio import RATE
from edmlive.synth.harmony import Chords
from edmlive.synth.recipe import Lane, Part, Recipe
from edmlive.synth.score import Clock, hits, notes

BPM = 120.0
SIXTEENTH = RATE / 8
"""Samples in a sixteenth at 120 BPM."""
STRAIGHT = Clock(BPM, swing=0.0, human=0.0)
RISING = Chords(tonic=9, scale="minor", progression=(1, 4), bars=1, steps=(0, 2, 4))


def made_of(**changes: object) -> Recipe:
    table = {
        "tempo": [120] * 5,
        "harmony": {"scales": "minor", "progressions": [[1]]},
        "drums": {"kick": {"voice": "kick", "grids": "x...x...x...x..."}},
        "parts": {"bass": {"voice": "sub", "patterns": "1..."}},
        "sections": [
            {"name": "intro", "bars": 8, "plays": ["drums"]},
            {"name": "break", "bars": 8, "plays": ["all", "-drums"]},
            {"name": "drop", "bars": 16, "plays": ["all"]},
        ],
        "master": {"loudness": -9, "balance": [0] * 12, "spread": [1] * 12},
    }
    return Recipe.model_validate(table | changes)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(("bars", "expected"), [(32, [8, 8, 16]), (64, [16, 16, 32]), (18, [4, 4, 10]), (10, [10])])
def test_sections_are_scaled_to_whole_phrases(bars: int, expected: list[int]) -> None:
    assert [segment.bars for segment in arrange(made_of(), bars)] == expected


def test_short_track_is_the_fullest_section() -> None:
    (only,) = arrange(made_of(), 4)
    assert only.name == "drop"
    assert only.plays == {"kick", "bass"}


def test_names_after_a_dash_are_left_out() -> None:
    assert [set(segment.plays) for segment in arrange(made_of(), 32)] == [{"kick"}, {"bass"}, {"kick", "bass"}]


def test_hits_fall_on_the_grid_where_the_lane_plays() -> None:
    lane = Lane(voice=("kick",), grids=("X...o...x...x...",))
    played = hits(lane, "kick", arrange(made_of(), 32), STRAIGHT, 0.0, rng())
    starts = [hit.start for hit in played]
    expected = [(16 * bar + step) * SIXTEENTH for bar in (*range(8), *range(16, 32)) for step in (0, 4, 8, 12)]
    np.testing.assert_allclose(starts, expected, atol=1)
    accent, ghost, plain = (played[k].velocity for k in range(3))
    assert ghost < plain < accent


def test_swing_delays_every_second_step_only() -> None:
    lane = Lane(voice=("hat",), grids=("x" * 16,))
    segments = arrange(made_of(), 4)
    swung = hits(lane, "kick", segments, Clock(BPM, swing=0.3, human=0.0), 0.0, rng())
    late = np.array([hit.start for hit in swung]) - np.arange(len(swung)) * SIXTEENTH
    np.testing.assert_allclose(late[::2], 0, atol=1)
    np.testing.assert_allclose(late[1::2], 0.3 * SIXTEENTH, atol=1)


def test_human_timing_has_the_requested_deviation() -> None:
    lane = Lane(voice=("hat",), grids=("x" * 16,))
    swung = hits(lane, "kick", arrange(made_of(), 256), Clock(BPM, swing=0.0, human=100.0), 0.0, rng())
    straying = np.array([hit.start for hit in swung[1:]]) - [
        round(hit.start / SIXTEENTH) * SIXTEENTH for hit in swung[1:]
    ]
    assert straying.std() == pytest.approx(100.0, rel=0.1)
    assert abs(straying.mean()) < 10


def test_roll_leads_into_the_next_section_and_quickens() -> None:
    build = {"name": "build", "bars": 8, "plays": ["all"], "rises": True}
    sections = [build, {"name": "drop", "bars": 8, "plays": ["all"]}]
    lane = Lane(voice=("snare",), grids=("....x...",), steps=8)
    played = hits(lane, "snare", arrange(made_of(sections=sections), 16), STRAIGHT, 0.0, rng())
    bars = np.bincount([int((hit.start + 10) // (16 * SIXTEENTH)) for hit in played], minlength=8)
    assert bars[4:].tolist() == [4, 4, 8, 8]  # as fine as its eight steps allow


def test_notes_follow_the_chords() -> None:
    part = Part(voice=("sub",), patterns=("1-------8-------",), pitch=(45,), length=(1.0, 1.0))
    played = notes(part, "bass", arrange(made_of(), 4), STRAIGHT, RISING, rng())
    assert [note.pitch for note in played[:4]] == [45, 57, 50, 62]
    np.testing.assert_allclose([note.seconds for note in played], 1.0, rtol=1e-6)


def test_chords_are_voiced_about_their_pitch() -> None:
    part = Part(voice=("pad",), patterns=("x---------------",), pitch=(60,))
    played = notes(part, "bass", arrange(made_of(), 2), STRAIGHT, RISING, rng())
    assert sorted(note.pitch % 12 for note in played[:3]) == [0, 4, 9]  # A minor
    assert sorted(note.pitch % 12 for note in played[3:6]) == [2, 5, 9]  # D minor
    assert all(abs(note.pitch - 60) <= 6 for note in played)


def test_motif_comes_again_and_stays_in_the_scale() -> None:
    part = Part(voice=("lead",), patterns=("?.??.?.???.?.?.?",), pitch=(72,))
    played = notes(part, "bass", arrange(made_of(), 8), STRAIGHT, RISING, rng())
    half = len(played) // 4
    assert [note.pitch for note in played[:half]] == [note.pitch for note in played[half : 2 * half]]
    assert {note.pitch % 12 for note in played} <= {9, 11, 0, 2, 4, 5, 7}
    assert len({note.pitch for note in played}) > 3


def test_arpeggio_climbs_through_the_chord() -> None:
    part = Part(voice=("pluck",), patterns=("^" * 16,), pitch=(60,))
    played = notes(part, "bass", arrange(made_of(), 1), STRAIGHT, RISING, rng())
    assert {note.pitch % 12 for note in played} == {0, 4, 9}
