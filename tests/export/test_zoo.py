"""The models that ship: what they take, what they answer, and what their cards say."""

import json
import math
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from edmlive.cli import app
from edmlive.features.windows import LIVE_DESCRIPTORS
from edmlive.kernels.tables import HOP_LENGTH, SAMPLE_RATE
from edmlive.models.inputs import CHUNK_FRAMES
from edmlive.realtime.classifier import DEFAULT_MODEL, Classifier, zoo
from edmlive.realtime.onnx_file import read_model
from edmlive.spec import LOOK_BACK, ModelSpec
from edmlive.training.candidates import chunks_for, open_candidate
from edmlive.training.predictions import predict
from edmlive.training.store import FeatureStore
from tests.conftest import Row

Reading = dict[str, Any]
EVERY_THIRD_FRAME = 3 * HOP_LENGTH / SAMPLE_RATE
"""Then decisions fall on the last frame of every third chunk that `evaluate` cuts a recording into."""


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
    whole = {LOOK_BACK: 120.0}
    return np.array([[float((row | whole)[name]) for name in names] for row in reference_descriptors], np.float32)


def test_it_names_32_subgenres_from_live_descriptors(spec: ModelSpec) -> None:
    assert spec.name == DEFAULT_MODEL and len(spec.labels) == 32
    assert list(spec.labels) == sorted(spec.labels) and {"Drum&Bass", "Psy-Trance", "Tech House"} <= set(spec.labels)
    (taken,) = spec.inputs
    assert taken.name == "descriptors" and set(taken.descriptors) <= set(LIVE_DESCRIPTORS)
    assert 30 <= taken.seconds <= 120 and taken.warm_up_seconds <= 10


def test_every_model_is_small_and_has_a_card_with_its_figures() -> None:
    for name, path in zoo().items():
        assert path.stat().st_size < (13_000_000 if name.endswith("-int8") else 50_000_000)
        card = path.with_suffix(".md").read_text()
        provenance = Classifier(name, "cpu").spec.provenance
        assert provenance.licence in card and provenance.date in card
        for figure, value in provenance.measured.items():
            assert f"{100 * value:.1f} %" in card, f"{figure} is not in the card of {name}"


def test_the_papers_network_ships_in_both_precisions_and_says_what_it_was_trained_on() -> None:
    for name in ("late-fusion-distilled", "late-fusion-distilled-int8"):
        card = zoo()[name].with_suffix(".md").read_text()
        assert "trained on rendered audio" in card and "on real music" in card


def test_all_are_listed_with_what_was_measured() -> None:
    listed = CliRunner().invoke(app, ["models"]).output
    assert listed.index("beatport-2021  (default)") < listed.index("distilled\n") < listed.index("distilled-int8\n")
    for name, path in zoo().items():
        provenance = read_model(path).spec.provenance
        for said in (name, str(path), str(path.with_suffix(".md")), provenance.measured_on, *provenance.measured):
            assert said in listed


def test_its_figures_reach_the_required_accuracy(spec: ModelSpec) -> None:
    measured = spec.provenance.measured
    assert measured["10-fold top-1"] >= 0.53 and measured["10-fold top-3"] >= 0.78
    assert measured["10-fold top-1, artists apart"] >= 0.53
    assert measured["10-fold calibration error"] < 0.05


def listen(
    model: str, location: object, folder: Path, *options: object, seconds: float = math.inf
) -> dict[float, Reading]:
    """Listen until the end, or to so many seconds; readings, a decision each, by the number of samples heard."""
    said = folder / f"{model}.jsonl"
    command = [sys.executable, "-m", "edmlive", "listen", "--input", location, "--model", model, "--json", said]
    command += ["--votes", 1, "--hop", EVERY_THIRD_FRAME, *options]
    with subprocess.Popen([str(part) for part in command], stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and (
            not said.exists() or len(said.read_bytes().splitlines()) < seconds / EVERY_THIRD_FRAME
        ):
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    readings = [json.loads(line) for line in said.read_text().splitlines()]
    return {reading["time"]: reading for reading in readings}


@pytest.fixture(scope="module")
def demo_set(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[float, Reading]]:
    """A corpus of one recording, which `listen` made of the demo set, and what it said meanwhile."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "corpus/House").mkdir(parents=True)
    recording = folder / "corpus/House/set.wav"
    readings = listen("late-fusion-distilled", "demo:3", folder, "--record", recording, seconds=47)
    return recording, readings


@pytest.mark.parametrize(
    ("model", "tolerance"),
    [("late-fusion-distilled", 1e-5), ("late-fusion-distilled-int8", 0.02)],
    ids=["float32", "int8"],
)
def test_listening_to_the_demo_set_gives_the_probabilities_of_evaluation(
    model: str, tolerance: float, demo_set: tuple[Path, dict[float, Reading]], tmp_path: Path
) -> None:
    recording, live = demo_set
    if model != "late-fusion-distilled":
        live = listen(model, recording, tmp_path)
    arguments = ["features", str(recording.parents[1]), "-o", str(tmp_path / "store")]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    candidate = open_candidate(zoo()[model])
    chunks = chunks_for(FeatureStore.open(tmp_path / "store"), candidate.spec, candidate.training)
    offline = predict(candidate.classify, candidate.spec.labels, chunks).probabilities
    # The newest frame of a decision is the one centred 1,024 samples before the end of the audio.
    ends = ((number * CHUNK_FRAMES + 1) * HOP_LENGTH for number in range(1, len(offline) + 1))
    times = [round(end / SAMPLE_RATE, 3) for end in ends]
    both = [(live[time]["top"], answer) for time, answer in zip(times, offline, strict=True) if time in live]
    assert len(both) >= 3, "every third chunk ends with a decision"
    for top, answer in both:
        assert len(top) == 5 and candidate.spec.labels[answer.argmax()] == top[0]["genre"]
        for given in top:
            assert answer[candidate.spec.labels.index(given["genre"])] == pytest.approx(
                given["confidence"],
                abs=tolerance + 0.5e-4,  # JSON has four decimal places
            )


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
