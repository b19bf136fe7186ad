"""Which shelves of Beatport a model cannot tell apart, and how often it is right about families of them.

    python -m research.families beatport_2021jan.csv --pool beatport_2016nov.csv

Cross-validates the recipe of the shipped model (three minutes on one core) and clusters the shelves by how probable
each is made on tracks of the other. `edmlive/taxonomy.toml` follows the twelve clusters (right 77.9 % of the time), but
psy-trance stays apart from techno, deep house, tech house, bass house and minimal go with house, and garage, which
is nobody's neighbour, with breaks: eleven families, right 80.7 % of the time.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from edmlive.taxonomy import FAMILIES, shelf_of
from edmlive.training import descriptors
from edmlive.training.cross_validation import CrossValidation, cross_validate
from edmlive.training.datasets import poolable, read_tracks

FEWEST, MOST = 10, 14


def confusions(validation: CrossValidation) -> NDArray[np.float64]:
    """Return the mean probability of each label on tracks of each other, symmetrised, shape (labels, labels)."""
    probabilities, truth = validation.calibrated(), validation.truth
    means = np.stack([probabilities[truth == i].mean(axis=0) for i in range(len(validation.labels))])
    return np.asarray((means + means.T) / 2)


def clusters(confused: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Return the cluster of each label, from 0: agglomerative, by average confusion."""
    distances = 1 - confused / confused.max()
    np.fill_diagonal(distances, 0.0)
    tree = linkage(squareform(distances, checks=False), "average")
    return np.asarray(fcluster(tree, count, "maxclust") - 1)


def accuracy(validation: CrossValidation, group: NDArray[np.intp]) -> tuple[float, list[float]]:
    """Return how often the group with the highest sum of probabilities is right, in all and for each group."""
    sums = validation.calibrated() @ np.eye(group.max() + 1)[group]
    truth = group[validation.truth]
    right = sums.argmax(axis=1) == truth
    return float(right.mean()), [float(right[truth == i].mean()) for i in range(group.max() + 1)]


def main() -> None:
    """Print clusters of ten to fourteen, then the families that ship, each with its accuracy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, help="table of tracks of January 2021")
    parser.add_argument("--pool", type=Path, help="table of November 2016, to train on as well")
    parser.add_argument("--folds", type=int, default=10)
    options = parser.parse_args()
    tracks = read_tracks(options.dataset, descriptors.DESCRIPTORS)
    pool = poolable(read_tracks(options.pool, descriptors.DESCRIPTORS, partial=True), tracks) if options.pool else None
    validation = cross_validate(tracks, partial(descriptors.fit, pool=pool), folds=options.folds)
    confused = confusions(validation)

    def show(title: str, names: list[str], group: NDArray[np.intp]) -> None:
        share, each = accuracy(validation, group)
        print(f"{title}: right {share:.1%} of the time")
        for i, name in enumerate(names):
            members = [label for label, own in zip(validation.labels, group, strict=True) if own == i]
            print(f"  {each[i]:4.0%}  {name}{', '.join(members)}")

    for count in range(FEWEST, MOST + 1):
        group = clusters(confused, count)
        show(f"{count} clusters", [""] * int(group.max() + 1), group)
    families = [shelf.family for label in validation.labels if (shelf := shelf_of(label))]
    shipped = np.array([FAMILIES.index(name) for name in families])
    show(f"The {len(FAMILIES)} families", [f"{name}: " for name in FAMILIES], shipped)
    print(f"One shelf alone is right {validation.figures()['top-1']:.1%} of the time.")


if __name__ == "__main__":
    main()
