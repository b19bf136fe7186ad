"""A turn at a deck: beats that coincide, basses that do not, no clicks, one loudness."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from edmlive.synth import deck
from edmlive.synth.audio import RATE, Samples
from edmlive.synth.deck import BASS_HERTZ, LEVEL_LUFS, Turn, bar_samples, play
from edmlive.synth.loudness import loudness
from edmlive.synth.render import Rendering, Truth
from tests.synth.clicks import clicks

FADE_BARS = 8


def pair(bpm: float, next_bpm: float, speed: float) -> tuple[Turn, Turn]:
    """A turn, and the next one faded over the end of it."""
    first = Turn("house", bpm, 32, 1, 1000, 1.0, 0, 0, FADE_BARS)
    second = Turn("tech-house", next_bpm, 48, 2, first.exit, speed, first.end - first.exit, 10 * RATE, FADE_BARS)
    return first, second


def onsets(samples: NDArray[np.float32]) -> NDArray[np.int64]:
    """Samples at which clicks stand out from the surrounding music."""
    height = np.abs(np.diff(samples[:, 0], 2, prepend=0, append=0))
    peaks = np.flatnonzero((height[1:-1] > height[:-2]) & (height[1:-1] >= height[2:]) & (height[1:-1] > 0.01)) + 1
    return peaks[np.insert(np.diff(peaks) > 1000, 0, True)]


@pytest.mark.parametrize(
    ("bpm", "next_bpm", "speed", "every"),
    [(124.0, 128.0, 124 / 128, 1), (128.0, 122.0, 128 / 122, 1), (87.0, 172.0, 174 / 172, 2)],
    ids=["slowed down", "sped up", "double"],
)
def test_beats_of_both_decks_coincide_through_a_fade(
    monkeypatch: pytest.MonkeyPatch, bpm: float, next_bpm: float, speed: float, every: int
) -> None:
    monkeypatch.setattr(deck, "render", clicks)
    first, second = pair(bpm, next_bpm, speed)
    out = onsets(play(first)) + first.start
    into = onsets(play(second)) + second.start
    # At the ends of a fade one of the two is too quiet to be seen.
    start, end = second.start + second.fade_in // 20, first.end - second.fade_in // 20
    out, into = (beats[(start < beats) & (beats < end)] for beats in (out, into))
    assert len(out) > 3 * FADE_BARS
    distances = np.abs(out[:, None] - into).min(axis=1)
    assert distances.max() < 0.002 * RATE
    assert len(into) == pytest.approx(every * len(out), abs=1)


def test_track_glides_to_its_own_tempo_and_leaves_on_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deck, "render", clicks)
    _, second = pair(124.0, 128.0, 124 / 128)
    beats = onsets(play(second)) + second.start
    held, own = second.start + second.fade_in, second.start + second.fade_in + second.glide
    tempos = 60 * RATE / np.diff(beats)
    np.testing.assert_allclose(tempos[beats[1:] < held], 124.0, rtol=1e-3)
    np.testing.assert_allclose(tempos[beats[:-1] > own], 128.0, rtol=1e-3)
    for beat, tempo in zip(beats, tempos, strict=False):
        assert second.tempo_at(int(beat)) == pytest.approx(tempo, rel=0.002)
    assert np.abs(beats - second.exit).min() <= 2
    assert second.end - second.exit == pytest.approx(FADE_BARS * bar_samples(128.0), abs=1)


def tone(hertz: float) -> object:
    def render(genre: str, seconds: float, seed: int, bpm: float) -> Rendering:
        mono = 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)
        return Rendering(np.repeat(mono.astype(np.float32)[:, None], 2, axis=1), Truth(genre, bpm, "A", "minor", 0, ()))

    return render


def level(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples))))


def test_only_one_deck_has_bass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deck, "render", tone(BASS_HERTZ / 4))
    first, second = pair(124.0, 124.0, 1.0)
    into, out = play(second)[: second.fade_in], play(first)[first.exit - first.end :]
    full, middle, swap = level(play(first)[:RATE]), second.fade_in // 2, RATE // 10
    assert level(into[: middle - swap]) < 0.01 * full
    assert level(out[middle + swap :]) < 0.01 * full
    assert level(into[middle + swap :]) > 0.7 * full
    assert level(out[: middle - swap]) > 0.7 * full


@pytest.mark.parametrize("hertz", [60.0, 440.0])
def test_fades_add_no_clicks(monkeypatch: pytest.MonkeyPatch, hertz: float) -> None:
    monkeypatch.setattr(deck, "render", tone(hertz))
    for turn in pair(124.0, 128.0, 124 / 128):
        played = play(turn)
        steepest = 2 * np.pi * hertz / RATE * np.abs(played).max()
        inside = played if turn.fade_in else played[1:]
        assert np.abs(np.diff(inside, axis=0)).max() < 1.1 * steepest
        assert np.abs(played[-1]).max() < 1e-3
        if turn.fade_in:
            assert np.abs(played[0]).max() < 1e-3


def test_all_tracks_have_one_loudness(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = dataclasses.replace(pair(124.0, 128.0, 1.0)[0], fade_out_bars=0)
    for hertz in (100.0, 3000.0):
        monkeypatch.setattr(deck, "render", tone(hertz))
        assert loudness(play(turn)) == pytest.approx(LEVEL_LUFS, abs=0.1)


def test_parts_of_a_turn_follow_each_other() -> None:
    for turn in pair(124.0, 128.0, 124 / 128):
        marks = (turn.start, turn.leading, turn.start + turn.fade_in + turn.glide, turn.exit, turn.end)
        assert all(before <= after for before, after in pairwise(marks))
