import numpy as np
import pytest

from edmlive.models.descriptors import WHOLE_SECONDS
from edmlive.training.cross_validation import CrossValidation, best_temperature


def answers(tracks: int = 4000, labels: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and genres that were drawn with exactly these probabilities."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(labels, 0.5), tracks)
    truth = (random.random((tracks, 1)) > np.cumsum(probabilities, axis=1)).sum(axis=1)
    return probabilities, np.minimum(truth, labels - 1)


@pytest.mark.parametrize("exponent", [1 / 3, 1.0, 2.5])
def test_finds_the_temperature_that_undoes_a_power(exponent: float) -> None:
    probabilities, truth = answers()
    powered = probabilities**exponent
    cases = [(powered / powered.sum(axis=1, keepdims=True), truth, WHOLE_SECONDS, 1.0)]
    assert best_temperature(cases).whole == pytest.approx(exponent, rel=0.06)


def test_finds_a_temperature_for_every_look_back() -> None:
    probabilities, truth = answers()
    cases = []
    for seconds, exponent in ((7.5, 0.5), (WHOLE_SECONDS, 1.0)):
        powered = probabilities**exponent
        cases.append((powered / powered.sum(axis=1, keepdims=True), truth, seconds, 1.0))
    temperature = best_temperature(cases)
    assert temperature.at(7.5) == pytest.approx(0.5, rel=0.08)
    assert temperature.at(WHOLE_SECONDS) == pytest.approx(1.0, rel=0.08)


def test_a_set_holds_the_right_genre_in_nine_of_ten_cases() -> None:
    probabilities, truth = answers()
    result = CrossValidation(tuple("abcde"), truth, np.arange(len(truth)) % 10, probabilities)
    needed, calibrated = result.set_probability(), result.calibrated()
    order = np.argsort(-calibrated, axis=1)
    before = np.take_along_axis(calibrated, order, axis=1).cumsum(axis=1)
    place = (order == truth[:, None]).argmax(axis=1)
    inside = (place == 0) | (before[np.arange(len(truth)), place - 1] < needed)
    assert inside.mean() == pytest.approx(0.9, abs=0.01)


def test_calibration_repairs_overconfidence() -> None:
    probabilities, truth = answers()
    sharp = probabilities**3 / (probabilities**3).sum(axis=1, keepdims=True)
    result = CrossValidation(tuple("abcde"), truth, np.arange(len(truth)) % 10, sharp)
    figures = result.figures()
    assert figures["calibration error"] < 0.04 < 0.1 < figures["calibration error, uncalibrated"]
    np.testing.assert_array_equal(result.calibrated().argmax(axis=1), sharp.argmax(axis=1))


def test_each_fold_is_calibrated_by_the_others_only() -> None:
    probabilities, truth = answers(400)
    fold = np.arange(400) % 4
    before = CrossValidation(tuple("abcde"), truth, fold, probabilities).calibrated()
    changed = np.where(fold == 2, (truth + 1) % 5, truth)
    after = CrossValidation(tuple("abcde"), changed, fold, probabilities).calibrated()
    np.testing.assert_array_equal(before[fold == 2], after[fold == 2])
    assert np.abs(before[fold != 2] - after[fold != 2]).max() > 1e-3


def test_figures_recall_and_confusions_by_hand() -> None:
    right, wrong = [0.50, 0.20, 0.15, 0.05, 0.06, 0.04], [0.20, 0.50, 0.15, 0.05, 0.06, 0.04]
    truth = np.array([0, 0, 2, 5, 1, 3, 4])  # at places 1, 2, 3, 6, 1, 5 and 4 of the answers
    result = CrossValidation(tuple("abcdef"), truth, np.arange(7) % 2, np.array([right] + [wrong] * 6))
    figures = result.figures()
    assert [figures[f"top-{k}"] for k in (1, 3, 5)] == pytest.approx([2 / 7, 4 / 7, 6 / 7])
    assert result.recall() == {"a": 0.5, "b": 1.0, "c": 0.0, "d": 0.0, "e": 0.0, "f": 0.0}
    assert result.confusions() == [(genre, "b", 1) for genre in "acdef"]


def test_deviations_are_between_folds() -> None:
    right, wrong = [0.9, 0.1], [0.1, 0.9]
    raw = np.array([right, right, right, wrong])
    result = CrossValidation(("a", "b"), np.zeros(4, int), np.array([0, 0, 1, 1]), raw)
    assert result.deviations() == {"top-1": 0.25, "top-3": 0.0, "top-5": 0.0}
    np.testing.assert_array_equal(result.confusion(), [[3, 1], [0, 0]])
