"""How well a classifier trained on one kind of music, rendered or real, does on the other."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier

from edmlive.models.descriptors import DescriptorFeatures
from edmlive.realtime.classifier import Classifier
from edmlive.taxonomy import COMMON, agrees, common
from edmlive.training.datasets import Tracks
from edmlive.training.descriptors import DESCRIPTORS, TEMPO, fit

CLASSES = tuple(COMMON)
TREES = 400
JITTERED_COPIES = 6
Probabilities = NDArray[np.float64]
"""Probabilities of the common classes, shape (tracks, classes)."""


@dataclass(frozen=True)
class Score:
    """Accuracy in common classes; all values are shares, 0...1.

    Parameters
    ----------
    top_1, top_3
        Share of the tracks whose class has the highest, or one of the three highest, probabilities.
    recalls
        Recall of each class; NaN where it has no track.
    """

    top_1: float
    top_3: float
    recalls: dict[str, float]

    @property
    def balanced(self) -> float:
        """Mean recall over the classes."""
        return float(np.nanmean(list(self.recalls.values())))


def score(probabilities: Probabilities, genres: NDArray[np.str_]) -> Score:
    """Score the probabilities of some tracks against their labels."""
    truth = np.array([CLASSES.index(common(genre)) for genre in genres.tolist()])
    places = (np.argsort(-probabilities, axis=1, kind="stable") == truth[:, None]).argmax(axis=1)
    recalls = {
        name: float((places[truth == i] == 0).mean()) if (truth == i).any() else float("nan")
        for i, name in enumerate(CLASSES)
    }
    return Score(float((places == 0).mean()), float((places < 3).mean()), recalls)


def answers(known: Tracks, tested: Tracks, jitter: float = 0.0) -> dict[str, Probabilities]:
    """Train on some tracks and predict others.

    Both classifiers are those of the project: extremely randomised trees, which the publishers of the data sets found
    best, and the network of the shipped model, both on that model's features, standardised by the training tracks. The
    probability of a class is the mean over its labels, so that no class gains from having more of them.

    Parameters
    ----------
    known
        Training tracks, with their own labels.
    tested
        Tracks to predict; descriptors that any of them lacks are not used.
    jitter
        The network is also trained on copies of the tracks with noise on all descriptors but the tempo, of this many
        standard deviations, because small differences between rendered and real music are not to be relied on.

    Returns
    -------
    dict
        Probabilities by ``trees``, ``network``, and ``both`` averaged.
    """
    used = [i for i, name in enumerate(known.names) if name in DESCRIPTORS and not np.isnan(tested.values[:, i]).any()]
    names = tuple(known.names[i] for i in used)
    train = Tracks(names, known.values[:, used], known.genres, known.artists)
    features = DescriptorFeatures(len(names), names.index(TEMPO)).fit(train.values)
    inputs, tested_inputs = (features(torch.from_numpy(v)).numpy() for v in (train.values, tested.values[:, used]))
    trees = ExtraTreesClassifier(TREES, max_features="sqrt", min_samples_leaf=2, random_state=0)
    trees.fit(inputs, train.genres)
    network = fit(_jittered(train, jitter) if jitter else train)
    labels = np.unique(known.genres)
    by_trees = _by_class(trees.predict_proba(tested_inputs), labels)
    by_network = _by_class(network.probabilities(tested.values[:, used]), labels)
    return {"trees": by_trees, "network": by_network, "both": (by_trees + by_network) / 2}


def shipped(rendered: Tracks) -> tuple[Score, Score]:
    """Score the shipped model on rendered tracks, by common class and by subgenre.

    A label of the model that means the same music is right.
    """
    classifier = Classifier(provider="cpu")
    taken = classifier.spec.input("descriptors")
    assert taken is not None
    columns = [rendered.names.index(name) for name in taken.descriptors]
    windows = rendered.values[:, columns].astype(np.float32)
    order = [np.argsort(-classifier.probabilities({"descriptors": window})) for window in windows]
    right = np.array(
        [
            [agrees(classifier.spec.labels[i], genre) for i in best[:3]]
            for best, genre in zip(order, rendered.genres.tolist(), strict=True)
        ]
    )

    def of(groups: NDArray[np.str_]) -> Score:
        recalls = {group: float(right[groups == group, 0].mean()) for group in np.unique(groups).tolist()}
        return Score(float(right[:, 0].mean()), float(right.any(axis=1).mean()), recalls)

    return of(np.array([common(genre) for genre in rendered.genres.tolist()])), of(rendered.genres)


def _jittered(tracks: Tracks, deviations: float) -> Tracks:
    rng = np.random.default_rng(0)
    scale = deviations * tracks.values.std(axis=0)
    scale[tracks.names.index(TEMPO)] = 0.0
    noisy = [tracks.values + rng.standard_normal(tracks.values.shape) * scale for _ in range(JITTERED_COPIES)]
    copies = JITTERED_COPIES + 1
    values = np.concatenate([tracks.values, *noisy])
    return Tracks(tracks.names, values, np.tile(tracks.genres, copies), np.tile(tracks.artists, copies))


def _by_class(probabilities: NDArray[np.float64], labels: NDArray[np.str_]) -> Probabilities:
    classes = np.array([common(label) for label in labels.tolist()])
    means = [
        probabilities[:, classes == name].mean(axis=1) if (classes == name).any() else np.zeros(len(probabilities))
        for name in CLASSES
    ]
    shares = np.stack(means, axis=1)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))
