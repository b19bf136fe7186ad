"""The feature store: what is in it, and what interrupts, breaks or spoils its making."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from edmlive.cli import app
from edmlive.kernels.tables import SAMPLE_RATE
from edmlive.realtime.frontend import FrontEnd
from edmlive.training import features as features_module
from edmlive.training.corpus import Recording, read_corpus
from edmlive.training.features import compute_features, track_features
from edmlive.training.store import FeatureStore, StoreError
from tests.conftest import decode
from tests.training import corpora


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return corpora.save(tmp_path / "corpus", tracks=1)


def test_features_are_the_live_front_ends_bit_for_bit(corpus: Path) -> None:
    path = corpus / "house" / "0.flac"
    samples = decode(path)[0][:, 0]
    assert len(samples) == corpora.SECONDS * SAMPLE_RATE
    front_end = FrontEnd("hann")
    parts = [*(front_end.push(block) for block in np.array_split(samples, 41)), front_end.flush()]
    stored = track_features(path, "hann")
    assert len(stored) == 1 + len(samples) // 512
    np.testing.assert_array_equal(stored[:, :128], np.concatenate([frames.mel for frames in parts]))
    np.testing.assert_array_equal(stored[:, 128], np.concatenate([frames.onset_strength for frames in parts]))
    assert not np.array_equal(track_features(path, "hamming"), stored)


def test_store_holds_every_recording_and_opens_again(corpus: Path, tmp_path: Path) -> None:
    recordings = [*read_corpus(corpus), Recording(corpus / "house/0.flac", "again.flac", "house", "Someone")]
    store = compute_features(recordings, tmp_path / "store")
    assert store.labels == ("breaks", "house", "jungle")
    assert [track.name for track in store.tracks] == [recording.name for recording in recordings]
    assert store.tracks[-1].artist == "Someone"
    rows = store.frames(store.tracks[1])
    assert isinstance(rows, np.memmap), "read by slices"
    np.testing.assert_array_equal(rows, track_features(corpus / "house/0.flac"))
    opened = FeatureStore.open(tmp_path / "store")
    assert opened == store
    assert opened.digest == store.digest


def test_files_of_one_name_stay_apart(tmp_path: Path) -> None:
    for genre, bpm in (("house", 128.0), ("breaks", 90.0)):
        corpora.write(tmp_path / "corpus" / genre / "same.flac", bpm, seed=1)
    store = compute_features(read_corpus(tmp_path / "corpus"), tmp_path / "store")
    assert len({track.file for track in store.tracks}) == 2


def test_broken_files_are_listed_and_skipped(corpus: Path, tmp_path: Path) -> None:
    whole = (corpus / "house/0.flac").read_bytes()
    (corpus / "house/cut.flac").write_bytes(whole[: len(whole) // 2])
    (corpus / "house/text.mp3").write_text("This is no music.")
    corpora.write(corpus / "house/short.flac", 128, seed=1, seconds=4.0)
    (corpus / "house/gone.flac").symlink_to("nowhere")
    recordings = [*read_corpus(corpus), Recording(corpus / "gone.flac", "gone.flac", "house")]
    store = compute_features(recordings, tmp_path / "store")
    assert [track.name for track in store.tracks] == ["breaks/0.flac", "house/0.flac", "jungle/0.flac"]
    assert set(store.skipped) == {"house/cut.flac", "house/text.mp3", "house/short.flac", "gone.flac"}
    for name, reason in store.skipped.items():
        assert name.rpartition("/")[2] in reason
        assert reason.endswith(".")
    assert FeatureStore.open(tmp_path / "store") == store


def test_a_second_run_goes_on_where_the_first_ended(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[str] = []

    def interrupted(path: Path, window: str) -> np.ndarray:
        if len(computed) == 2:
            raise KeyboardInterrupt
        computed.append(path.parent.name)
        return track_features(path, window)

    monkeypatch.setattr(features_module, "track_features", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compute_features(read_corpus(corpus), tmp_path / "store")
    with pytest.raises(StoreError, match="no finished feature store"):
        FeatureStore.open(tmp_path / "store")
    computed.clear()
    store = compute_features(read_corpus(corpus), tmp_path / "store")
    assert computed == ["jungle"]
    assert len(store.tracks) == 3
    computed.clear()
    os.utime(corpus / "house/0.flac", (1, 1))
    compute_features(read_corpus(corpus), tmp_path / "store")
    assert computed == ["house"], "a recording that has changed is computed anew"


def test_processes_compute_the_same(corpus: Path, tmp_path: Path) -> None:
    one, two = (compute_features(read_corpus(corpus), tmp_path / str(n), workers=n) for n in (1, 2))
    assert one.tracks == two.tracks
    for track in one.tracks:
        np.testing.assert_array_equal(one.frames(track), two.frames(track))


def test_full_disk_leaves_what_was_finished(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compute_features(read_corpus(corpus)[:1], tmp_path / "store")
    before = {path: path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(StoreError, match=r"no space left on device.*make room and run again"):
        compute_features(read_corpus(corpus), tmp_path / "store")
    assert {path: path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()} == before


def test_nothing_usable_is_said_with_the_first_reason(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_text("This is no music.")
    with pytest.raises(StoreError, match=r"None of 1 recordings could be used; the first, a\.mp3: .*a\.mp3"):
        compute_features([Recording(tmp_path / "a.mp3", "a.mp3", "house")], tmp_path / "store")


def test_wrong_stores_are_refused(corpus: Path, tmp_path: Path) -> None:
    store = compute_features(read_corpus(corpus), tmp_path / "store")
    index = tmp_path / "store" / "store.json"
    text = index.read_text()
    index.write_text(json.dumps(json.loads(text) | {"version": 99}))
    with pytest.raises(StoreError, match="version 99, not the version 1"):
        FeatureStore.open(tmp_path / "store")
    for spoilt in ("{", "[]"):
        index.write_text(spoilt)
        with pytest.raises(StoreError):
            FeatureStore.open(tmp_path / "store")
    (store.folder / store.tracks[0].file).unlink()
    np.save(store.folder / store.tracks[1].file, np.zeros((3, 129), np.float32))
    for track in store.tracks[:2]:
        with pytest.raises(StoreError, match="run 'edmlive features' again"):
            store.frames(track)


def test_command(corpus: Path, tmp_path: Path) -> None:
    (corpus / "house/text.mp3").write_text("This is no music.")
    result = CliRunner().invoke(app, ["features", str(corpus), "-o", str(tmp_path / "store"), "--workers", "1"])
    assert result.exit_code == 0, result.output
    assert "3 recordings of 3 genres" in result.output
    assert "skipped" in result.output and "text.mp3" in result.output
    assert FeatureStore.open(tmp_path / "store").window == "hamming"
