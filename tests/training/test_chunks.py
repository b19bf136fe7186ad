"""Chunks out of the store are what the live windows hand over."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from edmlive.features.windows import Windows
from edmlive.models.inputs import AUTOCORRELATION, FOURIER, MEL, inputs_of
from edmlive.training.chunks import Chunks, MelScale, Span, chunk_features
from edmlive.training.corpus import read_corpus
from edmlive.training.features import compute_features
from edmlive.training.store import FeatureStore, answers_file
from tests import small_models
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
    spec = small_models.spec((MEL, FOURIER, AUTOCORRELATION), window="hamming", mel_scale=mel_scale)
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


def test_what_is_not_among_the_labels_is_no_label(teacher_store: FeatureStore) -> None:
    chunks = Chunks(teacher_store, teacher_store.tracks[-6:], LABELS, (), "power")
    assert chunks.truth.tolist() == [2, -1, -1, -1, -1, -1]
    assert chunks.track.tolist() == [k for k in range(6) for _ in range(3)]


def test_chunks_with_soft_targets_carry_the_answer_nearest_in_time(teacher_store: FeatureStore) -> None:
    torch.manual_seed(0)
    tracks = teacher_store.tracks[:2]
    answers = [teacher_store.answers(track) for track in tracks]
    still, moving, late = (
        Chunks(teacher_store, tracks, LABELS, inputs_of("mel"), "power", span, shift=shift, soft_targets=True)
        for span, shift in ((Span(), False), (Span(), True), (Span(start=2.5), False))
    )
    np.testing.assert_array_equal(still.answers(), np.concatenate(answers))
    np.testing.assert_array_equal(still[4][1], answers[1][1])
    # From frame 107 on, the next chunk's answer is the nearer one.
    np.testing.assert_array_equal(late[0][1], answers[0][1])
    rows = np.asarray(teacher_store.frames(tracks[0])[:, :128])
    nearest = set()
    for _ in range(30):
        features, answer, _ = moving[0]
        start = int(np.flatnonzero((rows == features["mel"][0, :, 0]).all(axis=1))[0])
        np.testing.assert_array_equal(answer, answers[0][(start + 100) // 200])
        nearest.add((start + 100) // 200)
    assert nearest == {0, 1}


def test_chunks_that_the_teacher_has_not_answered_are_left_out(teacher_store: FeatureStore, tmp_path: Path) -> None:
    shutil.copytree(teacher_store.folder, tmp_path / "store")
    store = FeatureStore.open(tmp_path / "store")
    track = store.tracks[0]
    assert store.teacher is not None
    answers = store.answers(track)
    answers[[0, 2]] = np.nan
    np.save(answers_file(store.folder / track.file, store.teacher), answers)
    chunks = Chunks(store, [track], LABELS, inputs_of("mel"), "power", shift=True, soft_targets=True)
    assert len(chunks) == 1
    for _ in range(30):
        np.testing.assert_array_equal(chunks[0][1], answers[1])
