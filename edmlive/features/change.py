"""Where in the newest audio another track took over from the one before."""

from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from edmlive.features.history import History
from edmlive.features.level import level_dbfs
from edmlive.features.timbre import TimbreStatistics
from edmlive.kernels.tables import SAMPLE_RATE
from edmlive.util.blocks import BlockBuffer

SHORTEST, LONGEST = 6, 60
"""Seconds after a change within which it is looked for."""
REFERENCE, LEAST_REFERENCE = 30, 10
"""Seconds before a change that are compared with those after it: the most, and the least."""

_NEIGHBOURS = 6
_LOGARITHMIC = [1, 3, 4, 6, 7]  # mean energy, centroid, spread, flux and roll-off
_LEAST, _LEAST_DBFS = 1e-6, -60.0
_SPREAD = 5.7  # the means of n seconds vary within a track in proportion to 1 + _SPREAD / n


@dataclass(frozen=True)
class Change:
    """A change of track that may have happened.

    Parameters
    ----------
    start
        Where the new track starts, in seconds since the detector's last reset.
    seconds
        Seconds of audio since then.
    probability
        How likely it is that there was one, 0..1.
    """

    start: float
    seconds: float
    probability: float


class ChangeDetector:
    """Finds the newest change of track in the last minute of audio, second by second.

    Every second is described by its 68 timbre values and its level, projected onto the directions in which tracks
    differ from one another more than from themselves (a discriminant analysis; `research.changes` makes it). Every
    place `SHORTEST` to `LONGEST` seconds ago divides the audio in two; the squared distance between the mean of all
    that follows and the mean of up to `REFERENCE` seconds before, relative to one that a single track rarely has, gives
    the odds of a change there. So a doubt settles as more of the music is heard: after a breakdown the music becomes
    what it was, after a change it does not.

    Attributes
    ----------
    change
        The likeliest change, or the newest where several are likely; ``None`` in the first 16 s after a reset.
    """

    def __init__(self) -> None:
        self._seconds = BlockBuffer(np.zeros(SAMPLE_RATE, np.float32))
        self._timbre = TimbreStatistics(1.0)
        self._projection = projection()
        self._history = History(LONGEST + REFERENCE, (self._projection.shape[1],))
        self.reset()

    def reset(self) -> None:
        """Forget all audio."""
        self._seconds.clear()
        self._timbre.reset()
        self._history.reset()
        self._found: tuple[int, float] | None = None

    def push(self, samples: NDArray[np.float32]) -> None:
        """Take (n,) mono samples at 22,050 Hz, any n."""
        for piece, second in self._seconds.push(samples):
            self._timbre.push(piece)
            if second is not None:
                described = describe(self._timbre.read(1.0), level_dbfs(second))
                self._history.push((described @ self._projection)[np.newaxis])
                self._found = _newest_change(self._history.newest(LONGEST + REFERENCE))

    @property
    def change(self) -> Change | None:
        """The newest change; see the class."""
        if self._found is None:
            return None
        seconds, odds = self._found
        since = seconds + len(self._seconds.partial) / SAMPLE_RATE
        return Change(self._history.count - seconds, since, odds / (1 + odds))


def projection() -> NDArray[np.float64]:
    """Return the projection of what `describe` returns, shape (69, 16)."""
    with (resources.files("edmlive.features") / "change.npy").open("rb") as file:
        return np.asarray(np.load(file, allow_pickle=False), np.float64)


def describe(timbre: NDArray[np.float64], dbfs: float) -> NDArray[np.float64]:
    """Return what a second is compared by: its 68 timbre values, some as logarithms, and its level; shape (69,)."""
    described = np.append(timbre, max(dbfs, _LEAST_DBFS))
    described[_LOGARITHMIC] = np.log(np.maximum(described[_LOGARITHMIC], _LEAST))
    return described


def change_odds(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the odds of a change at every place.

    Parameters
    ----------
    seconds
        Seconds of audio, described and projected, oldest first: shape (n, directions).

    Returns
    -------
    NDArray[np.float64]
        Odds of a change `SHORTEST`, `SHORTEST` + 1, ... seconds ago, as far as `LONGEST` and `LEAST_REFERENCE` allow.
    """
    sums = np.concatenate((np.zeros((1, seconds.shape[1])), np.cumsum(seconds, axis=0)))
    after = np.arange(SHORTEST, min(LONGEST, len(seconds) - LEAST_REFERENCE) + 1)
    if not len(after):
        return np.empty(0)
    places = len(seconds) - after
    first = np.maximum(places - REFERENCE, 0)
    means_after = (sums[-1] - sums[places]) / after[:, np.newaxis]
    means_before = (sums[places] - sums[first]) / (places - first)[:, np.newaxis]
    distances: NDArray[np.float64] = np.square(means_after - means_before).sum(axis=1)
    return (distances / (1 + _SPREAD / after)) ** 4


def _newest_change(seconds: NDArray[np.float64]) -> tuple[int, float] | None:
    """Return how many seconds ago the newest likely change was, or else the likeliest, and its odds."""
    odds = change_odds(seconds)
    if not len(odds):
        return None
    around = sliding_window_view(np.pad(odds, _NEIGHBOURS), 2 * _NEIGHBOURS + 1).max(axis=1)
    likely = np.flatnonzero((odds >= 1) & (odds == around))
    best = int(likely[0]) if len(likely) else int(odds.argmax())
    return SHORTEST + best, float(odds[best])
