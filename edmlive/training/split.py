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
    groups: dict[str, list[StoredTrack]] = defaultdict(list)
    for track in tracks:
        groups[f"artist {track.artist}" if track.artist else f"track {track.name}"].append(track)
    held_out = {genre: max(1, round(_HELD_OUT_SHARE * count)) for genre, count in counts.items()}
    wanted = {genre: (count - 2 * held_out[genre],) + 2 * (held_out[genre],) for genre, count in counts.items()}
    dealt = {genre: [0, 0, 0] for genre in counts}
    parts: tuple[list[StoredTrack], ...] = ([], [], [])
    shuffled = np.random.default_rng(seed).permutation(sorted(groups))
    for name in sorted(shuffled.tolist(), key=lambda name: -len(groups[name])):  # stable: only the large come first
        group = groups[name]
        # Each group goes where its genres are furthest from what they want.
        need = [sum(1 - dealt[t.genre][part] / max(1, wanted[t.genre][part]) for t in group) for part in range(3)]
        part = int(np.argmax(need))
        parts[part].extend(group)
        for track in group:
            dealt[track.genre][part] += 1
    for genre, shares in dealt.items():
        if labelled and genre is not None and 0 in shares:
            what = f"{counts[genre]} recording{'s' if counts[genre] > 1 else ''}"
            raise CorpusError(
                f"Genre '{genre}' has {what}: training, validation and test need at least three, by different artists."
            )
    kept = ([track for track in part if track.genre is not None or not labelled] for part in parts)
    return Split(*(tuple(sorted(part, key=lambda track: track.name)) for part in kept))
