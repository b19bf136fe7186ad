from collections import Counter

import pytest

from edmlive.training.corpus import CorpusError
from edmlive.training.split import split
from edmlive.training.store import StoredTrack


def tracks(genre: str | None, count: int, artists: int = 0) -> list[StoredTrack]:
    return [
        StoredTrack(f"{genre}/{i}", genre, f"artist {i % artists}" if artists else "", f"{genre}{i}.npy", 500)
        for i in range(count)
    ]


def test_eight_to_one_to_one_of_every_genre() -> None:
    parts = split([*tracks("house", 100), *tracks("breaks", 50)])
    assert [Counter(t.genre for t in part) for part in parts] == [
        {"house": 80, "breaks": 40},
        {"house": 10, "breaks": 5},
        {"house": 10, "breaks": 5},
    ]
    assert len({t.name for part in parts for t in part}) == 150


@pytest.mark.parametrize(("count", "expected"), [(3, [1, 1, 1]), (4, [2, 1, 1]), (26, [20, 3, 3])])
def test_small_genres_are_in_every_part(count: int, expected: list[int]) -> None:
    parts = split([*tracks("house", count), *tracks("breaks", count)])
    assert [sum(t.genre == "house" for t in part) for part in parts] == expected


def test_artists_stay_together_even_across_genres() -> None:
    parts = split([*tracks("house", 200, artists=40), *tracks("breaks", 100, artists=25)])
    artists = [{t.artist for t in part} for part in parts]
    assert not artists[0] & artists[1] | artists[0] & artists[2] | artists[1] & artists[2]
    for genre, count in (("house", 200), ("breaks", 100)):
        shares = [sum(t.genre == genre for t in part) / count for part in parts]
        assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.05)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((8, 5, 3, 2, 1, 1), [16, 2, 2]),
        ((10, 5, 5, 5, 5, 5, 5, 5, 5), [40, 5, 5]),
        ((2, 1, 1, 1), [3, 1, 1]),
        ((10, 4, 4), [10, 4, 4]),  # two in training would leave one part empty
    ],
)
def test_prolific_artists_leave_the_shares_as_they_should_be(sizes: tuple[int, ...], expected: list[int]) -> None:
    uneven = [
        StoredTrack(f"house/{artist}-{i}", "house", f"artist {artist}", "", 500)
        for artist, size in enumerate(sizes)
        for i in range(size)
    ]
    for seed in range(5):
        parts = split([*uneven, *tracks("breaks", 30)], seed)
        assert [sum(t.genre == "house" for t in part) for part in parts] == expected


def test_seed_decides_and_order_does_not() -> None:
    corpus = [*tracks("house", 30), *tracks("breaks", 30)]
    assert split(corpus, seed=1) == split(corpus[::-1], seed=1)
    assert split(corpus, seed=1).test != split(corpus, seed=2).test


def test_recordings_without_a_genre_are_dealt_too_and_leave_the_others_where_they_are() -> None:
    corpus = [*tracks("house", 30), *tracks("breaks", 30), *tracks(None, 51)]
    every, labelled = split(corpus, labelled=False), split(corpus)
    assert [sum(t.genre is None for t in part) for part in every] == [41, 5, 5]
    assert [tuple(t for t in part if t.genre) for part in every] == list(labelled)


def test_requirements_on_labelled_tracks_do_not_apply_to_others() -> None:
    for corpus in (tracks(None, 20), tracks("house", 9), [*tracks("house", 1), *tracks(None, 9)]):
        parts = split(corpus, labelled=False)
        assert all(parts) and sum(map(len, parts)) == len(corpus)
    with pytest.raises(CorpusError, match=r"this store has 0\. Recordings without a genre"):
        split(tracks(None, 20))


@pytest.mark.parametrize(
    ("corpus", "words"),
    [
        (tracks("house", 9), "two genres; this store has 1"),
        ([*tracks("house", 9), *tracks("breaks", 1)], "'breaks' has 1 recording:"),
        ([*tracks("house", 9), *tracks("breaks", 2)], "'breaks' has 2 recordings:"),
        ([*tracks("house", 9), *tracks("breaks", 9, artists=2)], "by different artists"),
    ],
    ids=["one genre", "one track", "two tracks", "two artists"],
)
def test_too_little_is_refused(corpus: list[StoredTrack], words: str) -> None:
    with pytest.raises(CorpusError, match=words):
        split(corpus)
