"""The feature store: what is in it, and what interrupts, breaks or spoils its making."""

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from edmlive.cli import app
from edmlive.errors import ModelError
from edmlive.features.front_end import FrontEnd
from edmlive.features.windows import Windows
from edmlive.kernels.tables import SAMPLE_RATE
from edmlive.models.inputs import CHUNK_FRAMES
from edmlive.realtime.classifier import Classifier
from edmlive.training import features as features_module
from edmlive.training.corpus import Recording, read_corpus
from edmlive.training.features import FeatureExtractor, compute_features, extract, track_features
from edmlive.training.identity import identify_recording
from edmlive.training.split import split
from edmlive.training.store import FeatureStore, StoreError, answers_file
from tests import small_models
from tests.conftest import decode, write_audio
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
    other = corpora.write(tmp_path / "other.flac", 120, seed=9)
    recordings = [*read_corpus(corpus), Recording(other, "other.flac", "house", "Someone")]
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
    unreadable = {"house/cut.flac", "house/text.mp3", "house/short.flac", "house/gone.flac", "gone.flac"}
    assert set(store.skipped) == unreadable
    for name, reason in store.skipped.items():
        assert name.rpartition("/")[2] in reason
        assert reason.endswith(".")
    assert FeatureStore.open(tmp_path / "store") == store


def test_a_second_run_resumes_where_the_first_ended(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[str] = []

    def interrupted(path: Path, extractors: Collection[FeatureExtractor]) -> None:
        if len(computed) == 2:
            raise KeyboardInterrupt
        computed.append(path.parent.name)
        extract(path, extractors)

    monkeypatch.setattr(features_module, "extract", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compute_features(read_corpus(corpus), tmp_path / "store")
    with pytest.raises(StoreError, match="no finished feature store"):
        FeatureStore.open(tmp_path / "store")
    computed.clear()
    store = compute_features(read_corpus(corpus), tmp_path / "store")
    assert computed == ["jungle"]
    assert len(store.tracks) == 3
    computed.clear()
    corpora.write(corpus / "house/0.flac", 128.0, seed=99)
    compute_features(read_corpus(corpus), tmp_path / "store")
    assert computed == ["house"], "a recording that has changed is computed anew"


def retag(path: Path, to: Path) -> None:
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-c", "copy", "-metadata", "title=Another", str(to)]
    subprocess.run(command, check=True)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg")
def test_a_recording_is_known_by_its_content(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = compute_features(read_corpus(corpus), tmp_path / "store")
    elsewhere = tmp_path / "elsewhere"
    for path in sorted(corpus.rglob("*.flac")):
        (elsewhere / path.parent.name).mkdir(parents=True)
    shutil.copyfile(corpus / "house/0.flac", elsewhere / "house/renamed.flac")
    retag(corpus / "breaks/0.flac", elsewhere / "breaks/0.flac")
    shutil.copyfile(corpus / "jungle/0.flac", elsewhere / "jungle/0.flac")
    os.utime(elsewhere / "jungle/0.flac", (1, 1))

    def never(path: Path, extractors: Collection[FeatureExtractor]) -> None:
        pytest.fail(f"{path} was decoded again")

    other = compute_features(read_corpus(elsewhere), tmp_path / "other", window="hann")
    monkeypatch.setattr(features_module, "extract", never)
    copied = compute_features(read_corpus(elsewhere), tmp_path / "store")
    for again in (copied, other):
        assert {t.identity for t in again.tracks} == {t.identity for t in store.tracks}
    assert copied.digest == store.digest
    for ours, theirs in zip(split(store.tracks, labelled=False), split(copied.tracks, labelled=False), strict=True):
        assert [track.identity for track in ours] == [track.identity for track in theirs]


def test_a_store_holds_a_recording_once(corpus: Path, tmp_path: Path) -> None:
    for copy in ("house/copy.flac", "jungle/house.flac", "loose.flac"):
        shutil.copyfile(corpus / "house/0.flac", corpus / copy)
    result = CliRunner().invoke(app, ["features", str(corpus), "-o", str(tmp_path / "store"), "--workers", "2"])
    assert result.exit_code == 0, result.output
    assert "3 recordings of 3 genres" in result.output and "3 copies" in result.output
    store = FeatureStore.open(tmp_path / "store")
    assert [track.name for track in store.tracks] == ["breaks/0.flac", "house/0.flac", "jungle/0.flac"]
    assert set(store.skipped) == {"house/copy.flac", "jungle/house.flac", "loose.flac"}
    for reason in store.skipped.values():
        assert str(corpus / "house/0.flac") in reason
    assert "'house' instead of 'jungle'" in store.skipped["jungle/house.flac"]


def test_rubbish_is_no_copy_of_other_rubbish(corpus: Path, tmp_path: Path) -> None:
    for name in ("a.mp3", "b.mp3"):
        (corpus / "house" / name).write_text(f"{name} is no music.")
    store = compute_features(read_corpus(corpus), tmp_path / "store")
    assert set(store.skipped) == {"house/a.mp3", "house/b.mp3"}
    assert not any(features_module.COPY_OF in reason for reason in store.skipped.values())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs")
def test_a_fifo_is_no_recording(corpus: Path, tmp_path: Path) -> None:
    os.mkfifo(corpus / "pipe.wav")
    recordings = [*read_corpus(corpus), Recording(corpus / "pipe.wav", "pipe.wav", "house")]
    assert "is not a file" in compute_features(recordings, tmp_path / "store").skipped["pipe.wav"]


def test_what_was_read_once_is_not_read_again(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(path: Path) -> str:
        read.append(path.parent.name)
        return identify_recording(path)

    monkeypatch.setattr(features_module, "identify_recording", counted)
    store = compute_features(read_corpus(corpus), tmp_path / "store")
    assert read == ["breaks", "house", "jungle"]
    assert compute_features(read_corpus(corpus), tmp_path / "store") == store
    os.utime(corpus / "house/0.flac", (1, 1))
    compute_features(read_corpus(corpus), tmp_path / "store")
    assert read == ["breaks", "house", "jungle", "house"]


@pytest.mark.parametrize(
    "change",
    [
        {"file": "../secret.npy"},
        {"file": "/etc/passwd"},
        {"file": "features/../../secret.npy"},
        {"file": 3},
        {"frames": -1},
        {"frames": 1e300},
        {"artist": None},
        {"unknown": [[]]},
    ],
)
def test_an_index_of_somebody_elses_making(corpus: Path, tmp_path: Path, change: dict[str, object]) -> None:
    compute_features(read_corpus(corpus), tmp_path / "store")
    index = tmp_path / "store" / "store.json"
    facts = json.loads(index.read_text())
    for key in facts["tracks"][1].keys() & change.keys():
        facts["tracks"][1][key] = change[key]
    facts |= {} if change.keys() <= facts["tracks"][1].keys() else {"tracks": change["unknown"]}
    index.write_text(json.dumps(facts))
    with pytest.raises(StoreError, match="run 'edmlive features' again"):
        FeatureStore.open(tmp_path / "store")


def test_nothing_outside_of_a_store_is_read(corpus: Path, tmp_path: Path) -> None:
    store = compute_features(read_corpus(corpus), tmp_path / "store")
    linked, moved, _ = store.tracks
    secret = tmp_path / "secret.npy"
    (store.folder / linked.file).rename(secret)
    (store.folder / linked.file).symlink_to(secret)
    with pytest.raises(StoreError, match="run 'edmlive features' again"):
        store.frames(linked)
    folder = (store.folder / moved.file).parent
    folder.rename(tmp_path / "outside")
    folder.symlink_to(tmp_path / "outside", target_is_directory=True)
    with pytest.raises(StoreError, match="leads out of the feature store"):
        FeatureStore.open(store.folder)


@pytest.mark.parametrize("header", [b"{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 129)}", b"(((("])
def test_arrays_of_the_wrong_kind(corpus: Path, tmp_path: Path, header: bytes) -> None:
    store = compute_features(read_corpus(corpus), tmp_path / "store")
    path = store.folder / store.tracks[0].file
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header + b"\n").to_bytes(2, "little") + header + b"\n")
    with pytest.raises(StoreError, match="run 'edmlive features' again"):
        store.frames(store.tracks[0])


def test_processes_compute_the_same(corpus: Path, tmp_path: Path) -> None:
    one, two = (compute_features(read_corpus(corpus), tmp_path / str(n), workers=n) for n in (1, 2))
    assert one.tracks == two.tracks
    for track in one.tracks:
        np.testing.assert_array_equal(one.frames(track), two.frames(track))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_full_disk_leaves_what_was_finished(corpus: Path, tmp_path: Path) -> None:
    store = compute_features(read_corpus(corpus), tmp_path / "store")
    lost = store.folder / store.tracks[1].file
    whole = lost.read_bytes()
    lost.unlink()
    before = {path: path.read_bytes() for path in store.folder.rglob("*") if path.is_file()}
    lost.with_name(f"{lost.name}.part").symlink_to("/dev/full")
    with pytest.raises(StoreError, match=r"no space left on device.*make room and run again"):
        compute_features(read_corpus(corpus), tmp_path / "store")
    assert {path: path.read_bytes() for path in store.folder.rglob("*") if path.is_file()} == before
    assert compute_features(read_corpus(corpus), tmp_path / "store") == store
    assert lost.read_bytes() == whole


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux only")
def test_names_that_are_no_unicode_are_listed_and_skipped(corpus: Path, tmp_path: Path) -> None:
    latin = os.fsencode(corpus / "house" / "0.flac").replace(b"0.flac", b"caf\xe9.flac")
    os.link(corpus / "house" / "0.flac", latin)
    recordings = [*read_corpus(corpus), *(Recording(corpus / name, name, "house") for name in ("\0", "\ud800"))]
    store = compute_features(recordings, tmp_path / "store")
    assert len(store.tracks) == 3 and FeatureStore.open(tmp_path / "store") == store
    assert len(store.skipped) == 3
    for reason in store.skipped.values():
        assert reason.endswith("is no Unicode name: rename the file.") and reason.isprintable()


def test_processes_end_with_the_one_that_started_them(corpus: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "edmlive",
        "features",
        str(corpus),
        "-o",
        str(tmp_path / "store"),
        "--workers",
        "2",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    deadline = time.monotonic() + 300
    try:
        while not any((tmp_path / "store").rglob("*.npy")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
        process.communicate(timeout=60)  # until nobody has its output open any more
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert len(compute_features(read_corpus(corpus), tmp_path / "store").tracks) == 3


def test_nothing_usable_is_said_with_the_first_reason(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_text("This is no music.")
    with pytest.raises(StoreError, match=r"None of 1 recordings could be used; the first, a\.mp3: .*a\.mp3"):
        compute_features([Recording(tmp_path / "a.mp3", "a.mp3", "house")], tmp_path / "store")


def test_wrong_stores_are_refused(corpus: Path, tmp_path: Path) -> None:
    store = compute_features(read_corpus(corpus), tmp_path / "store")
    index = tmp_path / "store" / "store.json"
    text = index.read_text()
    index.write_text(json.dumps(json.loads(text) | {"version": 99}))
    with pytest.raises(StoreError, match="version 99, not the version 2"):
        FeatureStore.open(tmp_path / "store")
    index.write_text(json.dumps(json.loads(text) | {"version": 1}))
    with pytest.raises(StoreError, match=r"earlier edmlive.*make it again in a new folder"):
        FeatureStore.open(tmp_path / "store")
    deep = "[" * 100_000
    for spoilt in ("{", "[]", '{"version": 2}', '{"version": 2, "tracks": [{"name": "a"}]}', deep, "\x00"):
        index.write_text(spoilt)
        with pytest.raises(StoreError):
            FeatureStore.open(tmp_path / "store")
    wrong, short, missing = (store.folder / track.file for track in store.tracks)
    np.save(wrong, np.zeros((3, 129)))
    short.write_bytes(short.read_bytes()[:-1])
    missing.write_bytes(b"")
    for track in store.tracks:
        with pytest.raises(StoreError, match="run 'edmlive features' again"):
            store.frames(track)
    assert compute_features(read_corpus(corpus), tmp_path / "store") == store
    for track in store.tracks:
        np.testing.assert_array_equal(store.frames(track), track_features(corpus / track.name))


def test_command(corpus: Path, tmp_path: Path) -> None:
    (corpus / "house/text.mp3").write_text("This is no music.")
    result = CliRunner().invoke(app, ["features", str(corpus), "-o", str(tmp_path / "store"), "--workers", "1"])
    assert result.exit_code == 0, result.output
    assert "3 recordings of 3 genres" in result.output
    assert "genre 'jungle' has one recording" in result.output, "too few to train on"
    assert "skipped" in result.output and "text.mp3" in result.output
    assert FeatureStore.open(tmp_path / "store").window == "hamming"


def test_a_teachers_answers_are_its_live_decisions(teacher: Path, teacher_store: FeatureStore) -> None:
    classifier = Classifier(teacher)
    track = teacher_store.tracks[-1]
    samples = decode(teacher_store.folder.parent / track.name)[0][:, 0]
    answers = teacher_store.answers(track)
    assert answers.shape == (track.frames // CHUNK_FRAMES, 4) == (3, 4) and answers.dtype == np.float32
    windows = Windows(classifier.spec)
    for k in range(2):
        windows.push(samples[k * CHUNK_FRAMES * 512 : (k + 1) * CHUNK_FRAMES * 512])
        window = windows.read().tensors
        assert window is not None
        np.testing.assert_array_equal(answers[k], classifier.probabilities(window))
    assert np.isfinite(answers).all()
    assert teacher_store.teacher is not None and teacher_store.teacher.labels == classifier.spec.labels


def test_a_teacher_says_nothing_while_it_warms_up_and_in_silence(tmp_path: Path) -> None:
    descriptors = dataclasses.replace(small_models.DESCRIPTORS, warm_up_seconds=6.0)
    model = small_models.save(tmp_path / "slow.onnx", small_models.spec((descriptors,)))
    music = decode(corpora.write(tmp_path / "music.flac", 128, seed=1, seconds=28.0))[0]
    music[int(11 * SAMPLE_RATE) :] = 0
    write_audio(tmp_path / "a.wav", music, SAMPLE_RATE, "pcm_s16le", "s16", "mono")
    store = compute_features([Recording(tmp_path / "a.wav", "a.wav", None)], tmp_path / "store", teacher=model)
    assert np.isfinite(store.answers(store.tracks[0])).all(axis=1).tolist() == [False, True, True, False, False, False]


def test_a_teacher_is_added_without_computing_features_anew(corpus: Path, teacher: Path, tmp_path: Path) -> None:
    before = compute_features(read_corpus(corpus), tmp_path / "store")
    files = [before.folder / track.file for track in before.tracks]
    stamps = [file.stat().st_mtime_ns for file in files]
    with pytest.raises(StoreError, match="--teacher"):
        before.answers(before.tracks[0])
    after = compute_features(read_corpus(corpus), tmp_path / "store", teacher=teacher)
    assert [file.stat().st_mtime_ns for file in files] == stamps
    assert after == FeatureStore.open(tmp_path / "store") != before
    assert after.digest == before.digest
    together = compute_features(read_corpus(corpus), tmp_path / "together", teacher=teacher, workers=2)
    for track in after.tracks:
        np.testing.assert_array_equal(after.answers(track), together.answers(track))
        np.testing.assert_array_equal(after.frames(track), together.frames(track))


def test_an_index_from_before_there_were_teachers_is_read(corpus: Path, tmp_path: Path) -> None:
    store = compute_features(read_corpus(corpus), tmp_path / "store")
    index = tmp_path / "store" / "store.json"
    facts = json.loads(index.read_text())
    del facts["teacher"]
    index.write_text(json.dumps(facts))
    assert FeatureStore.open(tmp_path / "store") == store


def test_wrong_answers_are_refused(corpus: Path, teacher: Path, tmp_path: Path) -> None:
    store = compute_features(read_corpus(corpus), tmp_path / "store", teacher=teacher)
    assert store.teacher is not None
    missing, short, broken = (answers_file(store.folder / track.file, store.teacher) for track in store.tracks)
    missing.unlink()
    np.save(short, np.zeros((1, 4), np.float32))
    broken.write_bytes(b"")
    for track in store.tracks:
        with pytest.raises(StoreError, match="run 'edmlive features' again"):
            store.answers(track)


def test_command_with_a_teacher_and_without_genres(corpus: Path, teacher: Path, tmp_path: Path) -> None:
    arguments = ["features", str(corpus / "house"), "-o", str(tmp_path / "store"), "--workers", "1"]
    result = CliRunner().invoke(app, [*arguments, "--teacher", str(teacher)])
    assert result.exit_code == 0, result.output
    assert "1 recordings of 0 genres, 1 of them without a genre" in result.output
    assert "With the answers of small" in result.output
    opened = FeatureStore.open(tmp_path / "store")
    assert opened.labels == () and opened.answers(opened.tracks[0]).shape == (3, 4)
    wrong = CliRunner().invoke(app, [*arguments, "--teacher", "nobody"])
    assert isinstance(wrong.exception, ModelError) and "nobody" in str(wrong.exception)
