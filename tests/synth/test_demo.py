"""The demo set: every genre, matched tempos, a truth that holds, and the same samples each time."""

from itertools import count, islice, pairwise

import numpy as np
import pytest

from edmlive.synth import deck
from edmlive.synth.audio import RATE
from edmlive.synth.deck import Turn, bar_samples
from edmlive.synth.demo import CEILING, KNEE, OPENING, OPENING_BARS, PITCH_RANGE, TRACK_SECONDS, DemoSet, turns
from edmlive.synth.recipe import recipe
from edmlive.taxonomy import SUBGENRES
from tests.synth.clicks import clicks

SEEDS = range(3)


def plan(seed: int, count: int = 60) -> list[Turn]:
    return list(islice(turns(seed), count))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_lap_goes_through_all_genres_in_an_order_of_its_own(seed: int) -> None:
    genres = [turn.genre for turn in plan(seed, 62)][2:]  # the first three tracks are of one genre
    first, second = genres[:30], genres[30:]
    assert sorted(first) == sorted(second) == sorted(SUBGENRES)
    assert first != second
    assert all(before != after for before, after in pairwise(genres))


@pytest.mark.parametrize("opening", SUBGENRES)
def test_the_opening_is_short_tracks_of_the_genre_asked_for(opening: str) -> None:
    *planned, after = islice(turns(0, opening), 4)
    assert {turn.genre for turn in planned} == {opening} != {after.genre}
    assert [turn.bars for turn in planned] == list(OPENING_BARS)
    assert len({turn.bpm for turn in planned}) == 1
    assert len({turn.seed for turn in planned}) == 3
    # Each is rendered while the one before it plays, if rendering is four times as fast as playing.
    for playing, coming in pairwise([*planned, after]):
        assert (coming.end - coming.start) / (playing.exit - playing.start) < 4.1
        assert playing.exit >= playing.start + playing.fade_in + playing.glide


def test_a_set_begins_with_the_default_opening() -> None:
    assert plan(0, 1)[0].genre == OPENING


@pytest.mark.parametrize("seed", SEEDS)
def test_tracks_have_tempos_of_their_genre_and_are_matched_in_fades(seed: int) -> None:
    cuts = 0
    for before, after in pairwise(plan(seed)):
        slowest, *_, fastest = recipe(after.genre).tempo
        assert round(slowest) <= after.bpm <= round(fastest)
        if after.fade_in:
            assert abs(after.speed - 1) <= PITCH_RANGE
            ratio = before.bpm / (after.bpm * after.speed)
            assert min(abs(ratio / times - 1) for times in (0.5, 1, 2)) < 1e-9
        else:
            assert after.speed == 1
            cuts += 1
    assert cuts <= 12  # of 59


@pytest.mark.parametrize("seed", SEEDS)
def test_tracks_follow_each_other_on_phrases(seed: int) -> None:
    for before, after in pairwise(plan(seed)):
        assert after.start == before.exit
        bars = before.bars - before.fade_out_bars
        assert bars > 0 and bars % 8 == 0 and before.bars % 8 == 0 and before.fade_out_bars in (0, 8, 16)
        assert after.fade_in == before.end - before.exit
        assert after.fade_in == pytest.approx(before.fade_out_bars * bar_samples(before.bpm), abs=1)
        shortest, longest = TRACK_SECONDS  # to the nearest phrase
        if before.bars not in OPENING_BARS:
            assert shortest - 15 <= (before.end - before.start) / RATE <= longest + 15
        assert before.exit >= before.start + before.fade_in + before.glide


def test_seeds_give_different_sets() -> None:
    assert plan(0) == plan(0) != plan(1)


def listen(seed: int, seconds: float, blocks: int) -> tuple[np.ndarray, list[tuple[int, str, int]]]:
    """Return a set's samples, and after which of them which genre played since when."""
    demo, heard, truths, position = DemoSet(seed), [], [], 0
    while position < seconds * RATE:
        heard.append(demo.read(blocks))
        position += blocks
        truths.append((position, demo.playing.genre, demo.playing.leading))
    return np.concatenate(heard)[: round(seconds * RATE)], truths


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clicks for tracks."""
    monkeypatch.setattr(deck, "render", clicks)


@pytest.mark.usefixtures("fast")
def test_same_seed_is_the_same_set_in_any_blocks() -> None:
    first, second = plan(0, 2)
    seconds = second.start / RATE + 30
    whole, _ = listen(0, seconds, RATE)
    np.testing.assert_array_equal(listen(0, seconds, RATE // 7 + 3)[0], whole)
    other = next(seed for seed in count(1) if plan(seed, 1)[0].bpm != first.bpm)  # clicks differ by tempo only
    assert not np.array_equal(listen(other, 10, RATE)[0], whole[: 10 * RATE])
    # And it is what both decks give.
    mix = np.zeros_like(whole)
    for turn in (first, second):
        played = deck.play(turn)[: len(mix) - turn.start]
        mix[turn.start : turn.start + len(played)] += played
    clear = np.abs(mix) < KNEE
    assert clear.mean() > 0.99
    np.testing.assert_allclose(whole[clear], mix[clear], atol=1e-6)


@pytest.mark.usefixtures("fast")
def test_truth_changes_in_the_middle_of_each_fade() -> None:
    planned = plan(3, 6)
    seconds = planned[-1].start / RATE
    _, truths = listen(3, seconds, RATE // 10)
    for position, genre, start in truths:
        playing = [turn for turn in planned if turn.leading < position][-1]
        assert (genre, start) == (playing.genre, playing.leading)
    assert len({start for _, _, start in truths}) == 5


@pytest.mark.usefixtures("fast")
def test_reported_tempo_is_the_one_played() -> None:
    demo = DemoSet(0)
    first, second = plan(0, 2)
    tempos: list[float] = []
    while len(tempos) < (second.exit // RATE):
        demo.read(RATE)
        tempos.append(round(demo.playing.tempo_at(demo.position - 1), 1))
    assert tempos[0] == first.bpm
    assert tempos[second.leading // RATE + 1] == pytest.approx(second.bpm * second.speed, abs=0.06)
    assert tempos[-1] == second.bpm


def test_nothing_rises_over_the_ceiling(monkeypatch: pytest.MonkeyPatch) -> None:
    loud = np.random.default_rng(0).choice(np.array([-0.99, 0.99], np.float32), (200 * RATE, 2))
    monkeypatch.setattr("edmlive.synth.demo.play", lambda turn: loud[: turn.end - turn.start])
    heard, _ = listen(0, plan(0, 2)[1].start / RATE + 1, RATE)
    assert 0.9 < np.abs(heard).max() < CEILING


def test_failure_of_a_render_reaches_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(turn: Turn) -> None:
        raise OSError("no recipe")

    monkeypatch.setattr("edmlive.synth.demo.play", broken)
    with pytest.raises(OSError, match="no recipe"):
        DemoSet(0).read(1)
