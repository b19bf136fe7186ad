"""What a classifier that learnt from one kind of music, rendered or real, knows of the other."""

from dataclasses import dataclass

import numpy as np
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
"""Of the common classes, shape (tracks, classes)."""


@dataclass(frozen=True)
class Score:
    """How good answers in common classes are; all are shares, 0...1.

    Parameters
    ----------
    top_1, top_3
        Share of the tracks whose class is the first answer, or one of the first three.
    recalls
        Share of each class's tracks for which it is the first answer; NaN where there is none.
    """

    top_1: float
    top_3: float
    recalls: dict[str, float]

    @property
    def balanced(self) -> float:
        """Mean recall of the classes."""
        return float(np.nanmean(list(self.recalls.values())))


def score(probabilities: Probabilities, genres: NDArray[np.str_]) -> Score:
    """Compare answers with the labels of the same tracks."""
    truth = np.array([CLASSES.index(common(genre)) for genre in genres.tolist()])
    places = (np.argsort(-probabilities, axis=1, kind="stable") == truth[:, None]).argmax(axis=1)
    recalls = {
        name: float((places[truth == i] == 0).mean()) if (truth == i).any() else float("nan")
        for i, name in enumerate(CLASSES)
    }
    return Score(float((places == 0).mean()), float((places < 3).mean()), recalls)


def answers(known: Tracks, tested: Tracks, jitter: float = 0.0) -> dict[str, Probabilities]:
    """Learn from some tracks, answer about others.

    Both learners are the house's own: extremely randomised trees, which the data sets' publishers found best, and the
    network of the shipped model, both over that model's features, standardised by the tracks that are learnt from. A
    class is as likely as its labels are on average, so that no class gains from having more of them.

    Parameters
    ----------
    known
        Tracks to learn from, with their own labels.
    tested
        Tracks to answer about; descriptors that any of them lacks are not used.
    jitter
        The network also learns from copies of the tracks with noise on all descriptors but the tempo, of so many of
        their standard deviations: what differs between rendered and real music is not to be trusted to a hair.

    Returns
    -------
    dict
        Probabilities by ``trees``, ``network``, and ``both`` averaged.
    """
    used = [i for i, name in enumerate(known.names) if name in DESCRIPTORS and not np.isnan(tested.values[:, i]).any()]
    names = tuple(known.names[i] for i in used)
    learnt = Tracks(names, known.values[:, used], known.genres, known.artists)
    features = DescriptorFeatures.fitted(learnt.values, names.index(TEMPO))
    trees = ExtraTreesClassifier(TREES, max_features="sqrt", min_samples_leaf=2, random_state=0)
    trees.fit(features(learnt.values), learnt.genres)
    network = fit(_jittered(learnt, jitter) if jitter else learnt)
    labels = np.unique(known.genres)
    by_trees = _by_class(trees.predict_proba(features(tested.values[:, used])), labels)
    by_network = _by_class(network.probabilities(tested.values[:, used]), labels)
    return {"trees": by_trees, "network": by_network, "both": (by_trees + by_network) / 2}


def shipped(rendered: Tracks) -> tuple[Score, Score]:
    """Return how good the shipped model's answers about rendered tracks are, by common class and by subgenre.

    The model answers with its own labels; one that means the same music is right.
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
