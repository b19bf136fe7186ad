"""Cross-validation of models over descriptors, and calibration by it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import softmax
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from edmlive.models.descriptors import WHOLE_SECONDS
from edmlive.taxonomy import shelf_of
from edmlive.training import scores
from edmlive.training.datasets import Tracks
from edmlive.training.transplants import Transplants

_TOP = (1, 3, 5)
_LIVE_SECONDS = (30.0, 45.0, 60.0, 90.0)
"""Look-backs of which the figures for handled music are the mean."""
CLEAN_WEIGHT = 3.0
"""Weight of the tracks as released in the calibration, where handled ones count 1 at each look-back."""
SET_COVERAGE = 0.9
"""Share of cases in which a set of genres is to hold the right one."""


class DescriptorModel(Protocol):
    """A model over descriptors; its labels are the sorted genres of its training tracks."""

    def probabilities(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Classify (tracks, descriptors) values; shape (tracks, labels), rows sum to 1."""
        ...


@dataclass(frozen=True)
class CrossValidation:
    """Predictions about every track from a model that was not trained on it.

    Parameters
    ----------
    labels
        Genres, sorted.
    truth
        Index of each track's genre, shape (tracks,).
    fold
        The fold in which each track was tested, from 0, shape (tracks,).
    raw
        Probabilities before calibration, shape (tracks, labels).
    handled
        The same for each track under a handling that was transplanted to it, by look-back in seconds; empty without
        handlings.
    """

    labels: tuple[str, ...]
    truth: NDArray[np.intp]
    fold: NDArray[np.intp]
    raw: NDArray[np.float64]
    handled: Mapping[float, NDArray[np.float64]] = field(default_factory=dict)

    def calibrated(self) -> NDArray[np.float64]:
        """Return probabilities at the temperature fitted to the other folds, shape (tracks, labels)."""
        return self._calibrated[WHOLE_SECONDS, False]

    def temperature(self) -> "Temperature":
        """Return the temperature fitted to all folds, clean and handled."""
        return self._temperature(np.ones(len(self.truth), bool))

    def set_probability(self) -> float:
        """Return the sum of probabilities from which the likeliest genres hold the right one in `SET_COVERAGE`."""
        masses = np.concatenate([_masses_to(raw, self.truth) for raw in self._calibrated.values()])
        return float(np.quantile(masses, SET_COVERAGE))

    def _cases(self) -> dict[tuple[float, bool], NDArray[np.float64]]:
        """All probabilities before calibration, by look-back and whether they are of handled music."""
        return {(WHOLE_SECONDS, False): self.raw, **{(seconds, True): raw for seconds, raw in self.handled.items()}}

    def _temperature(self, rows: NDArray[np.bool_]) -> "Temperature":
        return best_temperature(
            [
                (raw[rows], self.truth[rows], seconds, 1.0 if handled else CLEAN_WEIGHT)
                for (seconds, handled), raw in self._cases().items()
            ]
        )

    @cached_property
    def _calibrated(self) -> dict[tuple[float, bool], NDArray[np.float64]]:
        cases = self._cases()
        calibrated = {case: np.empty_like(raw) for case, raw in cases.items()}
        for tested in self._folds():
            temperature = self._temperature(~tested)
            for case, raw in cases.items():
                calibrated[case][tested] = tempered(raw[tested], temperature.at(case[0]))
        return calibrated

    def figures(self) -> dict[str, float]:
        """Return the figures to report, by name; all are shares of tracks, 0..1."""
        return {
            **self._accuracies(np.ones(len(self.truth), bool)),
            "calibration error": scores.expected_calibration_error(self.calibrated(), self.truth),
            "calibration error, uncalibrated": scores.expected_calibration_error(self.raw, self.truth),
            **self._family_figures(),
            **self._handled_figures(),
        }

    def _family_figures(self) -> dict[str, float]:
        shelves = [shelf_of(label) for label in self.labels]
        families = [shelf.family for shelf in shelves if shelf is not None]
        if len(families) < len(self.labels):
            return {}
        names, index = np.unique(families, return_inverse=True)
        members = np.eye(len(names))[index]

        def accuracy(raw: NDArray[np.float64]) -> float:
            return float(((raw @ members).argmax(axis=1) == index[self.truth]).mean())

        handled = [accuracy(self.handled[seconds]) for seconds in _LIVE_SECONDS if seconds in self.handled]
        return {"family": accuracy(self.raw)} | ({"family, handled": float(np.mean(handled))} if handled else {})

    def _handled_figures(self) -> dict[str, float]:
        calibrated = self._calibrated
        figures: dict[str, float] = {}
        accuracies = {}
        for seconds, raw in self.handled.items():
            ranking = scores.rank(raw)
            accuracies[seconds] = {k: scores.top_k_accuracy(ranking, self.truth, k) for k in _TOP[:2]}
            figures |= {f"top-{k}, handled, {seconds:g} s": share for k, share in accuracies[seconds].items()}
            error = scores.expected_calibration_error(calibrated[seconds, True], self.truth)
            figures[f"calibration error, handled, {seconds:g} s"] = error
        live = [accuracies[seconds] for seconds in _LIVE_SECONDS if seconds in accuracies]
        means = {f"top-{k}, handled": float(np.mean([case[k] for case in live])) for k in _TOP[:2] if live}
        return means | figures

    def deviations(self) -> dict[str, float]:
        """Return the standard deviations between folds of the accuracies among `figures`, by name."""
        folds = [self._accuracies(tested) for tested in self._folds()]
        return {name: float(np.std([fold[name] for fold in folds])) for name in folds[0]}

    def recall(self) -> dict[str, float]:
        """Return the share of each genre's tracks that were classified as such."""
        return dict(zip(self.labels, scores.recall(self.confusion()).tolist(), strict=True))

    def confusion(self) -> NDArray[np.int64]:
        """Count tracks: a row for each true genre, a column for each predicted one, shape (labels, labels)."""
        return scores.confusion(self.truth, self.raw.argmax(axis=1), len(self.labels))

    def confusions(self) -> list[tuple[str, str, int]]:
        """Return (true genre, predicted genre, number of tracks) for every kind of error, the most frequent first."""
        counts = self.confusion()
        np.fill_diagonal(counts, 0)
        pairs = [(self.labels[i], self.labels[j], int(counts[i, j])) for i, j in np.argwhere(counts)]
        return sorted(pairs, key=lambda pair: -pair[2])

    def _folds(self) -> list[NDArray[np.bool_]]:
        return [np.asarray(self.fold == k) for k in range(int(self.fold.max()) + 1)]

    def _accuracies(self, tested: NDArray[np.bool_]) -> dict[str, float]:
        ranking = scores.rank(self.raw[tested])
        return {f"top-{k}": scores.top_k_accuracy(ranking, self.truth[tested], k) for k in _TOP}


def cross_validate(
    tracks: Tracks,
    fit: Callable[[Tracks], DescriptorModel],
    *,
    folds: int = 10,
    seed: int = 0,
    artists_apart: bool = False,
    transplants: Transplants | None = None,
    advance: Callable[[], None] = lambda: None,
) -> CrossValidation:
    """Train on all folds but one and classify that one, for each fold.

    Parameters
    ----------
    tracks
        Tracks to train on and to test; at least `folds` of each genre.
    fit
        Trains a model, not calibrated yet, on some of them.
    folds
        Number of folds, shuffled and stratified by genre.
    seed
        Of the folds.
    artists_apart
        Keep all tracks of an artist in one fold.
    transplants
        Handlings to test under as well, of recordings that the models are not trained on.
    advance
        Called after each fold.
    """
    splitter = (StratifiedGroupKFold if artists_apart else StratifiedKFold)(folds, shuffle=True, random_state=seed)
    groups = tracks.artists if artists_apart else None
    labels, truth = np.unique(tracks.genres, return_inverse=True)
    fold = np.zeros(len(tracks), np.intp)
    raw = np.empty((len(tracks), len(labels)))
    handled = {seconds: np.empty_like(raw) for seconds in (transplants.look_backs if transplants else ())}
    for k, (train, test) in enumerate(splitter.split(tracks.values, truth, groups)):
        fold[test] = k
        model = fit(tracks[train])
        raw[test] = _of_labels(model.probabilities(tracks.values[test]), len(labels))
        for seconds, probabilities in handled.items():
            assert transplants is not None
            values = transplants.applied(tracks.values[test], seconds, np.random.default_rng([seed, k]))
            probabilities[test] = _of_labels(model.probabilities(values), len(labels))
        advance()
    return CrossValidation(tuple(labels.tolist()), truth, fold, raw, handled)


@dataclass(frozen=True)
class Temperature:
    """A temperature that depends on the look-back.

    Parameters
    ----------
    whole
        At `WHOLE_SECONDS`.
    slope
        Exponent of the look-back's share of `WHOLE_SECONDS`.
    """

    whole: float
    slope: float

    def at(self, seconds: float) -> float:
        """Return the temperature at a look-back."""
        return float(self.whole * (seconds / WHOLE_SECONDS) ** self.slope)


def best_temperature(cases: list[tuple[NDArray[np.float64], NDArray[np.intp], float, float]]) -> Temperature:
    """Return the temperature of least negative log-likelihood.

    C. Guo et al., *On calibration of modern neural networks*, 2017.

    Parameters
    ----------
    cases
        Probabilities, shape (tracks, labels); the index of each track's genre, shape (tracks,); their look-back; and
        the weight of the case.
    """
    slopes = len({seconds for _, _, seconds, _ in cases}) > 1

    def loss(parameters: NDArray[np.float64]) -> float:
        temperature = Temperature(float(np.exp(parameters[0])), float(parameters[1]) if slopes else 0.0)
        return float(
            sum(
                -weight * np.log(tempered(raw, temperature.at(seconds))[np.arange(len(truth)), truth] + 1e-12).mean()
                for raw, truth, seconds, weight in cases
            )
        )

    found = minimize(loss, np.zeros(2 if slopes else 1), method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-6}).x
    return Temperature(float(np.exp(found[0])), float(found[1]) if slopes else 0.0)


def tempered(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Raise probabilities of shape (tracks, labels) to ``1 / temperature`` and normalise the rows."""
    return np.asarray(softmax(np.log(probabilities) / temperature, axis=1))


def _of_labels(probabilities: NDArray[np.float64], labels: int) -> NDArray[np.float64]:
    """Leave the unknown out."""
    known = probabilities[:, :labels]
    return np.asarray(known / known.sum(axis=1, keepdims=True))


def _masses_to(probabilities: NDArray[np.float64], truth: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the sum of the probabilities of the genres up to the true one, likeliest first, shape (tracks,)."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    sums = np.take_along_axis(probabilities, order, axis=1).cumsum(axis=1)
    place = (order == truth[:, None]).argmax(axis=1)
    # The set ends with the genre that reaches the sum: a true genre further down must not be missed.
    return np.asarray(np.where(place == 0, 0.0, sums[np.arange(len(truth)), np.maximum(place - 1, 0)]))
