"""Published tables of tracks: descriptors and a genre in each row."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edmlive.spec import LOOK_BACK
from edmlive.taxonomy import NAMES_OF_2021
from edmlive.training.tables import TableError, read_table, refuse_labels, tidy

SAME_TRACK = 2.0
"""Two tracks nearer than this, in standard deviations over all descriptors, are versions of one: between the two
Beatport sets there are 18 pairs within 1.2 and none from there to 2.7."""


class DatasetError(TableError):
    """A table of tracks cannot be read or cannot be trained on."""


@dataclass(frozen=True)
class Tracks:
    """Tracks with descriptors and genres.

    Parameters
    ----------
    names
        Names of the descriptors.
    values
        Descriptors, shape (tracks, descriptors); NaN where a pooled table lacks one.
    genres
        Genre of each track, shape (tracks,).
    artists
        Artist of each track, shape (tracks,); a track without one has an artist of its own.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    genres: NDArray[np.str_]
    artists: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Tracks":
        return replace(self, values=self.values[rows], genres=self.genres[rows], artists=self.artists[rows])

    @property
    def artists_known(self) -> bool:
        """Whether any artist is known to have several of the tracks."""
        return len(np.unique(self.artists)) < len(self)

    def looking_back(self, seconds: float) -> "Tracks":
        """Return the tracks with one more descriptor: the seconds that the others are statistics of."""
        return replace(
            self,
            names=(*self.names, LOOK_BACK),
            values=np.column_stack([self.values, np.full(len(self), seconds)]),
        )

    def described(self) -> "Tracks":
        """Return the tracks with only those descriptors that the table has."""
        here = np.asarray(np.isfinite(self.values).any(axis=0))
        names = tuple(name for name, kept in zip(self.names, here, strict=True) if kept)
        if not names:
            raise DatasetError(f"The dataset has no column of a descriptor, such as '{self.names[0]}'.")
        return replace(self, names=names, values=self.values[:, here])


def read_tracks(path: Path, names: Sequence[str], *, partial: bool = False) -> Tracks:
    """Read a table in either published layout.

    Parameters
    ----------
    path
        A table (see `read_table`). The genre is in the column ``genre`` (January 2021) or ``class`` (November 2016),
        the artist, if any, in ``artist``; other columns are ignored.
    names
        The descriptors to read, by column name.
    partial
        Fill descriptors that the table lacks with NaN.

    Raises
    ------
    TableError
        No such table, a column that is missing or not numbers, a track without genre, a genre that no model can have.
    """
    table = read_table(path)
    column = next((column for column in ("genre", "class") if column in table), None)
    if column is None:
        raise DatasetError(f"Dataset {path} has neither a column 'genre' nor a column 'class'.")
    missing = [name for name in names if name not in table]
    if missing and not partial:
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise DatasetError(f"Dataset {path} lacks the descriptor column '{missing[0]}'{others}.")
    values = np.full((len(table.rows), len(names)), np.nan)
    for k, name in enumerate(names):
        if name in table:
            values[:, k] = table.numbers(name)
    genres = [tidy(genre) for genre in table.texts(column)]
    if "" in genres:
        raise DatasetError(f"Dataset {path} has no genre in line {table.lines[genres.index('')]}.")
    refuse_labels((genre, f"line {line} of {path}") for genre, line in zip(genres, table.lines, strict=True))
    artists = [tidy(artist) for artist in table.texts("artist")] if "artist" in table else [""] * len(genres)
    artists = [artist or f" of line {line}" for artist, line in zip(artists, table.lines, strict=True)]
    return Tracks(tuple(names), values, np.array(genres, np.str_), np.array(artists, np.str_))


def require_tracks_per_genre(tracks: Tracks, least: int) -> None:
    """Raise `DatasetError` if there is only one genre, or a genre with fewer tracks than `least`."""
    counts = Counter(tracks.genres.tolist())
    if len(counts) < 2:
        raise DatasetError(f"A dataset needs at least two genres; this one has {len(counts)}.")
    genre, count = min(counts.items(), key=lambda item: item[1])
    if count < least:
        tracks_of_it = "one track" if count == 1 else f"{count} tracks"
        raise DatasetError(f"Genre '{genre}' has {tracks_of_it}; {least} folds need at least {least} of each genre.")


def poolable(other: Tracks, tracks: Tracks) -> Tracks:
    """Return the tracks of `other` that can be added to `tracks` for training.

    These are the tracks whose genre, by its name of 2021, is one of `tracks`, without duplicates and without those that
    are in `tracks` already, which would be trained on in one fold and tested on in another.
    """
    genres = np.array([NAMES_OF_2021.get(genre, genre) for genre in other.genres.tolist()])
    places: dict[bytes, int] = {}
    for place, row in enumerate(other.values):
        places.setdefault(row.tobytes(), place)
    known = np.isin(genres, tracks.genres) & np.isin(np.arange(len(other)), list(places.values()))
    shared = ~np.isnan(other.values).any(axis=0)
    deviation = tracks.values[:, shared].std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0)
    ours, theirs = tracks.values[:, shared] / scale, other.values[:, shared] / scale
    nearest = np.array([np.square(ours - row).sum(axis=1).min() for row in theirs])
    return replace(other, genres=genres)[known & (nearest > SAME_TRACK**2)]
