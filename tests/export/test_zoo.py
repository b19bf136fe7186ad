"""The models that ship: what they take, what they answer, and what their cards say."""

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from edmlive.export.network import session
from edmlive.kernels.tables import HOP_LENGTH, SAMPLE_RATE
from edmlive.models.inputs import CHUNK_FRAMES
from edmlive.overlap import classify_with
from edmlive.realtime.classifier import DEFAULT_MODEL, Classifier, zoo
from edmlive.realtime.engine import Engine
from edmlive.realtime.providers import Provider
from edmlive.realtime.recorder import Recorder
from edmlive.realtime.sources.demo import DemoSource
from edmlive.realtime.windows import LIVE_DESCRIPTORS
from edmlive.spec import ModelSpec
from edmlive.training.chunks import chunk_features
from edmlive.training.features import track_features
from tests.conftest import Row


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(DEFAULT_MODEL, "cpu")


@pytest.fixture(scope="module")
def spec(classifier: Classifier) -> ModelSpec:
    return classifier.spec


@pytest.fixture(scope="module")
def real_rows(reference_descriptors: list[Row], spec: ModelSpec) -> NDArray[np.float32]:
    """Descriptors of 51 real tracks, in the model's order."""
    names = spec.inputs[0].descriptors
    return np.array([[float(row[name]) for name in names] for row in reference_descriptors], np.float32)


def test_it_names_32_subgenres_from_live_descriptors(spec: ModelSpec) -> None:
    assert spec.name == DEFAULT_MODEL and len(spec.labels) == 32
    assert list(spec.labels) == sorted(spec.labels) and {"Drum&Bass", "Psy-Trance", "Tech House"} <= set(spec.labels)
    (taken,) = spec.inputs
    assert taken.name == "descriptors" and set(taken.descriptors) <= set(LIVE_DESCRIPTORS)
    assert 30 <= taken.seconds <= 120 and taken.warm_up_seconds <= 10


def test_every_model_is_small_and_has_a_card_with_its_figures() -> None:
    for name, path in zoo().items():
        assert path.stat().st_size < 20_000_000
        card = path.with_suffix(".md").read_text()
        provenance = Classifier(name, "cpu").spec.provenance
        assert provenance.licence in card and provenance.date in card
        for figure, value in provenance.measured.items():
            assert f"{100 * value:.1f} %" in card, f"{figure} is not in the card of {name}"


def test_its_figures_are_what_was_asked_for(spec: ModelSpec) -> None:
    measured = spec.provenance.measured
    assert measured["10-fold top-1"] >= 0.53 and measured["10-fold top-3"] >= 0.78
    assert measured["10-fold top-1, artists apart"] >= 0.53
    assert measured["10-fold calibration error"] < 0.05


@pytest.mark.parametrize("name", ["late-fusion-distilled", "late-fusion-distilled-int8"])
def test_listening_to_the_demo_set_gives_the_probabilities_of_evaluation(name: str, tmp_path: Path) -> None:
    recording = tmp_path / "set.wav"
    with DemoSource(3) as source:
        blocks = []
        while sum(len(block.samples) for block in blocks) < 30 * source.rate:
            blocks.append(next(iter(source)))
        recorder = Recorder(recording, source.rate, source.channels)
        for block in blocks:
            recorder.write(block.samples)
        recorder.close()
        classifier = Remembering(name, "cpu")
        engine = Engine(classifier, source.rate, CHUNK_FRAMES * HOP_LENGTH / SAMPLE_RATE)
        for block in blocks:
            for _ in engine.push(dataclasses.replace(block, time=time.monotonic())):
                pass
    rows, spec = track_features(recording, classifier.spec.window), classifier.spec
    assert len(classifier.answers) >= 5
    for number, live in enumerate(classifier.answers, start=2):  # of the first chunk one frame is not there in time
        # The newest frame is the one centred 1,024 samples before the end of the audio.
        chunk = chunk_features(rows, (number - 1) * CHUNK_FRAMES - 1, spec.inputs, spec.mel_scale)
        (offline,) = classify_with(session(onnx.load(zoo()[name])))({k: v[np.newaxis] for k, v in chunk.items()})
        np.testing.assert_allclose(live, offline, atol=1e-5 if name == "late-fusion-distilled" else 0.02)


class Remembering(Classifier):
    """A classifier that keeps its answers."""

    def __init__(self, model: str, provider: Provider) -> None:
        self.answers: list[NDArray[np.float32]] = []
        super().__init__(model, provider)
        self.answers.clear()  # the one it was warmed up with

    def probabilities(self, features: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        self.answers.append(super().probabilities(features))
        return self.answers[-1]


def test_it_answers_real_tracks_with_probabilities(classifier: Classifier, real_rows: NDArray[np.float32]) -> None:
    answers = np.array([classifier.probabilities({"descriptors": row}) for row in real_rows])
    assert answers.dtype == np.float32 and answers.min() >= 0
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)
    assert len(set(answers.argmax(axis=1).tolist())) >= 5, "51 tracks of ten games are not all one genre"


def test_small_errors_of_the_descriptors_change_little(classifier: Classifier, real_rows: NDArray[np.float32]) -> None:
    random = np.random.default_rng(0)
    shaken = real_rows * (1 + 0.02 * random.uniform(-1, 1, real_rows.shape)).astype(np.float32)
    bpm = classifier.spec.inputs[0].descriptors.index("71-BPMessentia")
    shaken[:, bpm] = real_rows[:, bpm] * (1 + 0.002 * random.uniform(-1, 1, len(real_rows)))
    before, after = (
        np.array([classifier.probabilities({"descriptors": row}) for row in rows]) for rows in (real_rows, shaken)
    )
    assert (before.argmax(axis=1) == after.argmax(axis=1)).mean() >= 0.9
    assert np.abs(before - after).max() < 0.25


def test_missing_descriptors_are_no_harm(classifier: Classifier, real_rows: NDArray[np.float32]) -> None:
    row = real_rows[0].copy()
    row[::5] = np.nan
    for values in (row, np.full_like(row, np.nan)):
        answer = classifier.probabilities({"descriptors": values})
        assert np.isfinite(answer).all() and answer.sum() == pytest.approx(1, abs=1e-5)


def test_tempo_speaks(classifier: Classifier, real_rows: NDArray[np.float32]) -> None:
    bpm = classifier.spec.inputs[0].descriptors.index("71-BPMessentia")
    at = {}
    for tempo in (125.0, 174.0):
        rows = real_rows.copy()
        rows[:, bpm] = tempo
        answers = [classifier.probabilities({"descriptors": row}) for row in rows]
        at[tempo] = np.mean(answers, axis=0)[classifier.spec.labels.index("Drum&Bass")]
    assert at[174.0] > 5 * at[125.0]
