import os
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from edmlive.models.descriptors import CLIP, DescriptorFeatures
from edmlive.spec import LOOK_BACK, ModelSpec, Provenance
from edmlive.training import descriptors
from edmlive.training.cross_validation import cross_validate
from edmlive.training.datasets import Tracks, poolable, read_tracks
from edmlive.training.descriptors import (
    BATCH,
    DESCRIPTORS,
    EPOCHS,
    MEMBERS,
    TEMPO,
    UNITS,
    WEIGHT_DECAY,
    describe,
    fit,
)
from edmlive.training.real_music import RealMusic
from edmlive.training.transplants import Transplants
from tests.training.tables import save_2016, save_2021


def fitted(tracks: Tracks) -> DescriptorFeatures:
    return DescriptorFeatures(len(DESCRIPTORS), DESCRIPTORS.index(TEMPO)).fit(tracks.values)


def seen_by(features: DescriptorFeatures, values: np.ndarray) -> np.ndarray:
    return features(torch.from_numpy(values)).numpy()


@pytest.fixture
def tracks(tmp_path: Path) -> Tracks:
    return read_tracks(save_2021(tmp_path / "2021.csv"), DESCRIPTORS)


@pytest.fixture
def pool(tmp_path: Path, tracks: Tracks) -> Tracks:
    return poolable(read_tracks(save_2016(tmp_path / "2016.csv"), DESCRIPTORS, partial=True), tracks)


def test_features_are_standard_in_the_logarithm_where_descriptors_are_positive(tracks: Tracks) -> None:
    features = fitted(tracks)
    np.testing.assert_array_equal(features.logged.numpy(), (tracks.values > 0).all(axis=0))
    assert 0 < int((~features.logged).sum()) < 20
    j = int(np.flatnonzero(features.logged.numpy())[0])
    levels = np.log(tracks.values[:, j])
    expected = np.clip((levels - levels.mean()) / levels.std(), -CLIP, CLIP)
    np.testing.assert_allclose(seen_by(features, tracks.values)[:, j], expected, rtol=1e-9)


def test_features_survive_anything(tracks: Tracks) -> None:
    features = fitted(tracks)
    for strange in (np.nan, np.inf, -np.inf, 0.0, -1.0, 1e30):
        seen = seen_by(features, np.full((1, len(DESCRIPTORS)), strange))
        assert np.isfinite(seen).all() and np.abs(seen).max() <= CLIP, strange
    assert not seen_by(features, np.full((1, len(DESCRIPTORS)), np.nan)).any(), "what is missing counts as the mean"


def test_a_constant_descriptor_does_no_harm(tracks: Tracks) -> None:
    tracks.values[:, 0] = 0.25
    features = fitted(tracks)
    assert not seen_by(features, tracks.values)[:, 0].any()


def test_tempo_features_separate_near_tempi_and_ignore_octaves(tracks: Tracks) -> None:
    features = fitted(tracks)

    def circle(bpm: float) -> np.ndarray:
        row = tracks.values[:1].copy()
        row[0, DESCRIPTORS.index(TEMPO)] = bpm
        return seen_by(features, row)[0, len(DESCRIPTORS) :]

    np.testing.assert_allclose(circle(87), circle(174), atol=1e-9)
    likeness = [float(circle(124) @ circle(124 + step)) for step in (0, 1, 3, 6, 12)]
    assert likeness == sorted(likeness, reverse=True), "nearer tempi look more alike"
    assert np.linalg.norm(circle(124) - circle(127)) > 0.5


@pytest.mark.parametrize("genres", [4, 2])
def test_the_network_learns_what_scikit_learns_perceptrons_learn(tracks: Tracks, genres: int) -> None:
    tracks = tracks[np.isin(tracks.genres, np.unique(tracks.genres)[:genres])]
    features, batch = seen_by(fitted(tracks), tracks.values), min(BATCH, len(tracks))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        members = [
            MLPClassifier((UNITS,), alpha=WEIGHT_DECAY, batch_size=batch, max_iter=EPOCHS, random_state=i)
            for i in range(MEMBERS)
        ]
        expected = np.mean([m.fit(features, tracks.genres).predict_proba(features) for m in members], axis=0)
    network = fit(tracks, seed=3).probabilities(tracks.values)
    np.testing.assert_array_equal(network.argmax(axis=1), expected.argmax(axis=1))


def test_a_tempo_of_zero_is_none(tracks: Tracks) -> None:
    row = tracks.values[:1].copy()
    row[0, DESCRIPTORS.index(TEMPO)] = 0.0
    assert not seen_by(fitted(tracks), row)[0, len(DESCRIPTORS) :].any()


def heard(tracks: Tracks, electronic: bool = True) -> RealMusic:
    """Recordings: untouched and whole, then twice as bright and half as long; each three times."""
    values = np.repeat(tracks.looking_back(120.0).values, 2, axis=0)
    values[1::2, 8] += 1.0
    values[1::2, -1] = 30.0
    count = len(tracks)
    untouched = np.tile([True, False], count)
    recording = np.repeat(np.arange(count), 2)
    names = (*tracks.names, LOOK_BACK)
    return RealMusic(
        names, values, values[:, -1], recording, untouched, np.full(2 * count, electronic), np.full(2 * count, True)
    )


def test_differences_are_those_between_handled_and_whole(tracks: Tracks) -> None:
    looking = tracks.looking_back(120.0)
    features = DescriptorFeatures(len(looking.names), DESCRIPTORS.index(TEMPO)).fit(looking.values)
    found = Transplants(heard(tracks), features).differences.numpy()
    assert not found[::2].any()
    np.testing.assert_allclose(found[1::2, 8], 1.0, atol=1e-9)
    np.testing.assert_allclose(found[1::2, -1], np.log(30 / 120))


def test_what_handling_changes_is_not_relied_on(tracks: Tracks) -> None:
    looking = tracks.looking_back(120.0)
    network = fit(looking, real=heard(tracks), members=2)
    bright = looking.values.copy()
    bright[:, 8] += 1.0
    bright[:, -1] = 30.0
    labels = np.unique(tracks.genres)
    right = labels[network.probabilities(bright).argmax(axis=1)] == tracks.genres
    assert right.mean() > 0.9
    assert network.unknown is None


def test_what_is_no_electronic_music_is_told(tracks: Tracks, monkeypatch: pytest.MonkeyPatch) -> None:
    looking = tracks.looking_back(120.0)
    strange = heard(tracks, electronic=False)
    strange.values[:, 21:60] *= 9.0
    both = RealMusic(
        strange.names,
        *(
            np.concatenate([getattr(heard(tracks), name), getattr(strange, name)])
            for name in ("values", "seconds", "recording", "untouched", "electronic", "music")
        ),
    )
    monkeypatch.setattr(descriptors, "DETECTOR_EPOCHS", 200)
    network = fit(looking, real=both, members=2)
    genres = len(np.unique(tracks.genres))
    known, unknown = network.probabilities(looking.values), network.probabilities(strange.values)
    assert known.shape[1] == genres + 1
    np.testing.assert_allclose(known.sum(axis=1), 1.0)
    assert known[:, -1].mean() < 0.2 and unknown[:, -1].mean() > 0.8


def test_the_temperature_follows_the_look_back(tracks: Tracks) -> None:
    looking = tracks.looking_back(120.0)
    network = fit(looking, members=2)
    before = network.probabilities(looking.values)
    network.temperature_slope = -0.5
    np.testing.assert_allclose(network.probabilities(looking.values), before)
    looking.values[:, -1] = 30.0
    assert (network.probabilities(looking.values).max(axis=1) < before.max(axis=1)).all()


def test_the_same_seed_gives_the_same_network(tracks: Tracks) -> None:
    first, same, other = (fit(tracks, seed=s).probabilities(tracks.values) for s in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).max() > 1e-6


def test_learns_and_generalises(tracks: Tracks) -> None:
    result = cross_validate(tracks, fit, folds=4)
    assert result.labels == tuple(sorted(set(tracks.genres.tolist())))
    assert result.figures()["top-1"] > 0.9


def test_learns_nothing_where_there_is_nothing_to_learn(tracks: Tracks, pool: Tracks) -> None:
    random = np.random.default_rng(0)
    shuffled = Tracks(tracks.names, tracks.values, random.permutation(tracks.genres), tracks.artists)
    assert cross_validate(shuffled, partial(fit, pool=pool), folds=4).figures()["top-1"] < 0.5, "a fold was trained on"


def test_folds_are_stratified_and_reported(tracks: Tracks) -> None:
    ticks: list[int] = []
    result = cross_validate(tracks, fit, folds=3, advance=lambda: ticks.append(1))
    assert len(ticks) == 3
    for genre in range(len(result.labels)):
        np.testing.assert_array_equal(np.bincount(result.fold[result.truth == genre]), [4, 4, 4])
    np.testing.assert_allclose(result.raw.sum(axis=1), 1, atol=1e-9)


def test_an_artist_stays_in_one_fold(tracks: Tracks) -> None:
    result = cross_validate(tracks, fit, folds=3, artists_apart=True)
    for artist in set(tracks.artists.tolist()):
        assert len(set(result.fold[tracks.artists == artist].tolist())) == 1


def test_pooled_tracks_are_used_for_training_despite_missing_values(tracks: Tracks, pool: Tracks) -> None:
    few = tracks[np.isin(tracks.genres, ["Big Room", "Dubstep"])]
    pooled = pool[np.isin(pool.genres, ["Big Room", "Dubstep"])]
    assert np.isnan(pooled.values).any()
    between = (few.values[::2] + few.values[::-2]) / 2
    alone, together = fit(few).probabilities(between), fit(few, pooled).probabilities(between)
    assert np.isfinite(together).all() and np.abs(alone - together).max() > 1e-3


def test_the_spec_describes_the_network(tracks: Tracks) -> None:
    spec = describe("small", ("a", "b"), Provenance(data="made up"))
    (taken,) = spec.inputs
    assert taken.descriptors == DESCRIPTORS and taken.shape == (len(DESCRIPTORS),)
    assert ModelSpec.from_json(spec.to_json()) == spec


@pytest.mark.skipif(
    not Path(os.environ.get("EDMLIVE_BEATPORT_2021", "")).is_file(),
    reason="set EDMLIVE_BEATPORT_2021 to beatport_2021jan.csv of the PyPI package bandcamp-librarian 0.2.2",
)
def test_learns_real_genres() -> None:
    real = read_tracks(Path(os.environ["EDMLIVE_BEATPORT_2021"]), DESCRIPTORS)
    figures = cross_validate(real, fit, folds=3).figures()
    assert figures["top-1"] > 0.52 and figures["top-3"] > 0.77 and figures["calibration error"] < 0.06
