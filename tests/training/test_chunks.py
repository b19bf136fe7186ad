"""Chunks out of the store are what the live windows hand over."""

import numpy as np
import pytest
import torch

from edmlive.models.inputs import AUTOCORRELATION, FOURIER, MEL, inputs_of
from edmlive.realtime.windows import Windows
from edmlive.training.chunks import Chunks, MelScale, Span, chunk_features
from edmlive.training.corpus import read_corpus
from edmlive.training.features import compute_features
from edmlive.training.store import FeatureStore
from tests import models
from tests.conftest import decode
from tests.training import corpora

LABELS = ("breaks", "house", "jungle")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    folder = tmp_path_factory.mktemp("chunks")
    return compute_features(read_corpus(corpora.save(folder / "corpus", tracks=1)), folder / "store")


@pytest.mark.parametrize("mel_scale", ["power", "db"])
def test_chunks_are_the_live_windows(store: FeatureStore, mel_scale: MelScale) -> None:
    track = store.tracks[1]
    samples = decode(store.folder.parent / "corpus" / track.name)[0][:, 0]
    rows = store.frames(track)
    spec = models.spec((MEL, FOURIER, AUTOCORRELATION), window="hamming", mel_scale=mel_scale)
    windows, heard = Windows(spec), 0
    for end in (200, 201, 400, 590):
        needed = (end - 1) * 512 + 1024  # when the last frame's last sample is there
        windows.push(samples[heard:needed])
        heard = needed
        live = windows.read().tensors
        assert live is not None
        stored = chunk_features(rows, end - 200, spec.inputs, mel_scale)
        assert set(stored) == set(live)
        np.testing.assert_array_equal(stored["mel"], live["mel"])
        for name in ("fourier_tempogram", "autocorrelation_tempogram"):
            # The store keeps onset strengths in single precision.
            np.testing.assert_allclose(stored[name], live[name], rtol=0, atol=1e-6 * np.abs(live[name]).max())
            assert stored[name].dtype == np.float32


def test_chunks_lie_side_by_side(store: FeatureStore) -> None:
    assert list(Span().starts(5168)) == [200 * k for k in range(25)], "25 chunks of the paper's two minutes"
    assert len(Span(15, 45).starts(5168)) == 6
    assert Span(15, 45).starts(5168)[0] == 645
    assert len(Span(15, 45).starts(700)) == 0
    chunks = Chunks(store, store.tracks, LABELS, inputs_of("late-fusion"), "power")
    assert [track.frames for track in store.tracks] == [603, 603, 603]
    assert len(chunks) == 9
    features, label, number = chunks[4]
    assert (label, number) == (1, 1)
    expected = chunk_features(store.frames(store.tracks[1]), 200, inputs_of("late-fusion"), "power")
    for name, array in expected.items():
        np.testing.assert_array_equal(features[name], array)


def test_labels_are_the_networks_not_the_stores(store: FeatureStore) -> None:
    chunks = Chunks(store, store.tracks, LABELS[::-1], inputs_of("fourier"), "power")
    assert chunks.truth.tolist() == [2, 1, 0]
    assert list(chunks[0][0]) == ["fourier_tempogram"]


def test_shifted_chunks_stay_inside_their_track_and_differ(store: FeatureStore) -> None:
    torch.manual_seed(0)
    chunks = Chunks(store, store.tracks, LABELS, inputs_of("mel"), "power", shift=True)
    rows = np.asarray(store.frames(store.tracks[0])[:, :128])
    starts = set()
    for index in (0, 1, 2) * 20:
        features, _, _ = chunks[index]
        start = int(np.flatnonzero((rows == features["mel"][0, :, 0]).all(axis=1))[0])
        np.testing.assert_array_equal(rows[start : start + 200].T, features["mel"][0])
        assert 200 * index <= start <= min(200 * index + 199, 403)
        starts.add(start)
    assert len(starts) > 20
