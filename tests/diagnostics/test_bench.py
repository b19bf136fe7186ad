"""What `edmlive bench` measures is what happened."""

import re
import time
from pathlib import Path

import numpy as np
import pytest

from edmlive.diagnostics import stages
from edmlive.diagnostics.latency import describe_steps, latency
from edmlive.diagnostics.machine import this_machine
from edmlive.realtime.classifier import Classifier
from tests import small_models


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return small_models.save(tmp_path / "small.onnx", small_models.spec(small_models.CHUNK), scale=5)


def test_each_step_is_timed_by_itself_and_all_together(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = Classifier(path, "cpu", batch=4)
    run = classifier.inference.run

    def slow_run() -> None:
        time.sleep(0.02)
        run()

    monkeypatch.setattr(classifier.inference, "run", slow_run)
    timed = latency(classifier, 10)
    assert (timed.batch, timed.decisions, timed.provider, timed.difference) == (4, 12, "cpu", None)
    assert timed.inference.p50 >= 0.02 > max(timed.transfer.p50, timed.back.p50)
    assert timed.total.p50 >= timed.inference.p50
    assert timed.total.p50 <= timed.total.p95 <= timed.total.p99 <= timed.total.worst
    assert timed.per_second <= 4 / 0.02


def test_difference_is_from_the_answers_of_the_cpu(path: Path, tmp_path: Path) -> None:
    other = small_models.save(tmp_path / "other.onnx", small_models.spec(small_models.CHUNK), scale=5, seed=1)
    classifier = Classifier(path, "cpu")
    assert latency(classifier, 1, Classifier(path, "cpu")).difference == 0
    difference = latency(classifier, 1, Classifier(other, "cpu")).difference
    assert difference is not None and difference > 0.01


def test_windows_are_full_before_listening_is_measured(path: Path) -> None:
    assert (
        stages.seconds_to_fill(small_models.spec())
        == stages.seconds_to_fill(small_models.spec(small_models.CHUNK))
        == 61
    )
    assert stages.seconds_to_fill(Classifier().spec) == 91
    (share, streams) = stages.listening(path, "cpu")
    assert 0 < share.value < 100
    assert streams.value == pytest.approx(100 / share.value)


def test_pause_of_the_machine_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0001, 0.0002, 0.3002, 0.9, 1.1])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    (longest,) = stages.pauses()
    assert longest.value == pytest.approx(599.8)


def test_what_it_measures_on_sounds_like_music() -> None:
    audio = stages.music(2, 22_050)
    assert audio.dtype == np.float32 and audio.shape == (44_100,)
    assert 0.1 < np.abs(audio).max() <= 1


def test_machine_is_described() -> None:
    machine = this_machine()
    assert machine.processor and machine.system and machine.cores >= 1
    assert {"edmlive", "ONNX Runtime"} <= set(machine.versions)


def test_steps_of_the_newest_decisions_are_summed_up_in_a_sentence(path: Path) -> None:
    classifier = Classifier(path, "cpu")
    window = {str(i.name): np.zeros(i.shape, np.float32) for i in classifier.spec.inputs}
    for _ in range(1_200):
        classifier.probabilities(window)
    assert len(classifier.inference.steps) == 1_000
    assert re.fullmatch(
        r"A decision on cpu, median / 99 %: transfer [\d.]+ / [\d.]+ ms, inference [\d.]+ / [\d.]+ ms, "
        r"back [\d.]+ / [\d.]+ ms, total [\d.]+ / [\d.]+ ms\.",
        describe_steps(classifier.provider, classifier.inference.steps),
    )
