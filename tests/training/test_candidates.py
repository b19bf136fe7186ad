"""What of a store a network may be tested on."""

from dataclasses import replace
from pathlib import Path

from edmlive.models.checkpoint import Training
from edmlive.training.candidates import parts
from edmlive.training.store import FeatureStore, StoredTrack

TRAINING = Training("mel", 16, "modern", 60, "5f6c", 0, 0.0, 45.0, (16 * "0", 16 * "1"), (16 * "2",))


def store(*artists: str) -> FeatureStore:
    tracks = (
        StoredTrack(f"{i}.flac", "house", a, f"features/00/{str(i) * 24}.npy", 500) for i, a in enumerate(artists)
    )
    return FeatureStore(Path(), "hamming", tuple(tracks), {})


def names(tracks: tuple[StoredTrack, ...]) -> list[str]:
    return [track.name for track in tracks]


def test_training_and_validation_tracks_are_known_in_any_store() -> None:
    found = parts(store("", "", "", "", ""), TRAINING)
    assert list(map(names, found)) == [["0.flac", "1.flac"], ["2.flac"], ["3.flac", "4.flac"]]
    assert parts(store("", "", "", "", ""), replace(TRAINING, store="another", seed=7)) == found


def test_others_by_an_artist_trained_on_are_no_fair_test() -> None:
    found = parts(store("Ann", "Ben", "Cleo", "Ann", "Cleo", "Dan"), TRAINING)
    assert names(found.unseen) == ["5.flac"]


def test_where_nothing_is_known_of_a_training_nothing_was_seen() -> None:
    assert names(parts(store("Ann", "Ann"), None).unseen) == ["0.flac", "1.flac"]
