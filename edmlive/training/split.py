"""Training, validation and test: 8 : 1 : 1 of every genre, with all recordings of an artist on one side."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from edmlive.training.corpus import CorpusError
from edmlive.training.store import StoredTrack

_HELD_OUT_SHARE = 0.1


class Split(NamedTuple):
    """Which tracks serve for what."""

    train: tuple[StoredTrack, ...]
    validation: tuple[StoredTrack, ...]
    test: tuple[StoredTrack, ...]


def split(tracks: Sequence[StoredTrack], seed: int = 0, *, labelled: bool = True) -> Split:
    """Divide tracks (section III.A); the same tracks and seed always give the same parts.

    Parameters
    ----------
    tracks
        Any tracks. One whose artist is not known counts as by an artist of its own; those without a genre are dealt
        as if that were a genre too.
    seed
        Of the order in which artists are dealt.
    labelled
        Leave out, once all are dealt, those without a genre; the others have to be of two genres or more, each of which
        is in all three parts.

    Raises
    ------
    CorpusError
        Of labelled tracks, there is one genre only, or one with too few tracks, or too few artists, for three parts.
    """
    counts = Counter(track.genre for track in tracks)
    if labelled and len(set(counts) - {None}) < 2:
        raise CorpusError(
            f"Training needs at least two genres; this store has {len(set(counts) - {None})}. Recordings without a "
            "genre serve distillation only."
        )
    parts = _dealt(_artists(tracks, seed), counts)
    for genre in counts:
        lacking = not all(any(track.genre == genre for track in part) for part in parts)
        if labelled and genre is not None and lacking:
            what = f"{counts[genre]} recording{'s' if counts[genre] > 1 else ''}"
            raise CorpusError(
                f"Genre '{genre}' has {what}: training, validation and test need at least three, by different artists."
            )
    kept = ([track for track in part if track.genre is not None or not labelled] for part in parts)
    return Split(*(tuple(sorted(part, key=lambda track: track.name)) for part in kept))


def _artists(tracks: Sequence[StoredTrack], seed: int) -> list[list[StoredTrack]]:
    """Return the tracks of each artist, in the order in which artists are dealt: shuffled, but the large ones first."""
    artists: dict[str, list[StoredTrack]] = defaultdict(list)
    for track in tracks:
        artists[f"artist {track.artist}" if track.artist else f"track {track.name}"].append(track)
    shuffled = np.random.default_rng(seed).permutation(sorted(artists)).tolist()
    return sorted((artists[name] for name in shuffled), key=len, reverse=True)


def _dealt(artists: list[list[StoredTrack]], counts: Counter[str | None]) -> tuple[list[StoredTrack], ...]:
    held_out = {genre: max(1, round(_HELD_OUT_SHARE * count)) for genre, count in counts.items()}
    wanted = {genre: (count - 2 * held_out[genre],) + 2 * (held_out[genre],) for genre, count in counts.items()}
    dealt = {genre: [0, 0, 0] for genre in counts}
    to_come = Counter(genre for group in artists for genre in {track.genre for track in group})
    parts: tuple[list[StoredTrack], ...] = ([], [], [])
    for group in artists:
        sizes = Counter(track.genre for track in group)

        def suits(part: int, sizes: Counter[str | None] = sizes) -> tuple[int, int, float]:
            """Whether a part has to get the group lest it stays empty, what it would hold too much, what it lacks."""
            last = sum(dealt[g][part] == 0 and to_come[g] <= dealt[g].count(0) for g in sizes)
            excess = sum(max(0, dealt[g][part] + size - wanted[g][part]) for g, size in sizes.items())
            lack = sum(size * (1 - dealt[g][part] / max(1, wanted[g][part])) for g, size in sizes.items())
            return last, -excess, lack

        part = max(range(3), key=suits)
        parts[part].extend(group)
        for genre, size in sizes.items():
            dealt[genre][part] += size
            to_come[genre] -= 1
    return parts
