"""Training, validation and test: 8 : 1 : 1 of every genre, all recordings of an artist in one part.

Cross-validation uses scikit-learn's `StratifiedGroupKFold`. It does not serve here: with one of ten folds each for
validation and test, genres of few artists end up far from 8 : 1 : 1, or missing from a part.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edmlive.training.corpus import CorpusError
from edmlive.training.store import StoredTrack

LEAST_OF_A_GENRE = 3
_HELD_OUT_SHARE = 0.1


class Split(NamedTuple):
    """The tracks of each part."""

    train: tuple[StoredTrack, ...]
    validation: tuple[StoredTrack, ...]
    test: tuple[StoredTrack, ...]


def split(tracks: Sequence[StoredTrack], seed: int = 0, *, labelled: bool = True) -> Split:
    """Divide tracks (section III.A); the same recordings and seed always give the same parts, whatever their names.

    Parameters
    ----------
    tracks
        Any tracks. One whose artist is not known counts as by an artist of its own; those without a genre are treated
        as a genre of their own.
    seed
        Of the order in which artists are assigned.
    labelled
        Drop the tracks without a genre after the division; the others have to be of two genres or more, each of which
        is in all three parts.

    Raises
    ------
    CorpusError
        Of labelled tracks, there is one genre only, or one with too few tracks, or too few artists, for three parts.
    """
    counts = Counter(track.genre for track in tracks)
    genres = sorted(counts, key=lambda genre: genre or "")
    if labelled and len(counts.keys() - {None}) < 2:
        raise CorpusError(
            f"Training needs at least two genres; this store has {len(counts.keys() - {None})}. Recordings without a "
            "genre are used for distillation only."
        )
    artists = _artists(tracks, seed)
    sizes = np.array([[sum(track.genre == genre for track in artist) for genre in genres] for artist in artists])
    assigned = _assign(sizes)
    parts = [[track for k in np.flatnonzero(assigned == part) for track in artists[k]] for part in range(3)]
    for genre, count in counts.items():
        missing = any(all(track.genre != genre for track in part) for part in parts)
        if labelled and genre is not None and missing:
            raise CorpusError(
                f"Genre '{genre}' has {count} recording{'s' if count > 1 else ''}: training, validation and test need "
                "at least three, by different artists."
            )
    kept = ([track for track in part if track.genre is not None or not labelled] for part in parts)
    return Split(*(tuple(sorted(part, key=lambda track: track.identity)) for part in kept))


def _artists(tracks: Sequence[StoredTrack], seed: int) -> list[list[StoredTrack]]:
    """Return the tracks of each artist, shuffled, then those with the most tracks first."""
    artists: dict[str, list[StoredTrack]] = defaultdict(list)
    for track in sorted(tracks, key=lambda track: track.identity):
        artists[f"artist {track.artist}" if track.artist else f"track {track.identity}"].append(track)
    shuffled = np.random.default_rng(seed).permutation(sorted(artists)).tolist()
    return sorted((artists[name] for name in shuffled), key=len, reverse=True)


def _assign(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Assign artists one by one to training (0), validation (1) or test (2); shape (artists,).

    Each goes to the part that would otherwise lack one of the artist's genres, else to the one that it overfills least,
    else to the one that has the least of what it should have.

    Parameters
    ----------
    sizes
        Number of each artist's tracks of each genre, shape (artists, genres), in the order of assignment.
    """
    counts = sizes.sum(axis=0)
    held_out = np.maximum(1, np.round(_HELD_OUT_SHARE * counts).astype(int))
    targets = np.stack([counts - 2 * held_out, held_out, held_out])
    filled = np.zeros_like(targets)
    artists_left = (sizes > 0).sum(axis=0)
    assigned = np.zeros(len(sizes), np.int64)
    for k, size in enumerate(sizes):
        empty = filled == 0
        last_chances = (empty & (artists_left <= empty.sum(axis=0)))[:, size > 0].sum(axis=1)
        excess = np.maximum(0, filled + size - targets)[:, size > 0].sum(axis=1)
        lack = (size * (1 - filled / np.maximum(1, targets))).sum(axis=1)
        assigned[k] = np.lexsort((-lack, excess, -last_chances))[0]
        filled[assigned[k]] += size
        artists_left -= size > 0
    return assigned
