"""Descriptors of real recordings as they sound in a booth: what handling does to descriptors, and what is no genre.

The published tables describe two clean minutes of each track. How descriptors change when music is pitched, equalised,
mixed or heard for a few seconds only is measured on other recordings, and these differences are added to the tables'
rows: transplanted. `research/booth_descriptors.py` makes the file.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edmlive.models.descriptors import WHOLE_SECONDS
from edmlive.training.tables import TableError


@dataclass(frozen=True)
class RealMusic:
    """Descriptors of recordings under handlings, at several look-backs.

    Parameters
    ----------
    names
        Names of the descriptors.
    values
        Shape (rows, descriptors); NaN where a descriptor is not known.
    seconds
        Look-back of each row, shape (rows,).
    recording
        Number of each row's recording, shape (rows,).
    untouched
        Whether the row describes the recording as it is, shape (rows,).
    electronic
        Whether it is electronic music, shape (rows,).
    music
        Whether it is music at all, shape (rows,).
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    seconds: NDArray[np.float64]
    recording: NDArray[np.int64]
    untouched: NDArray[np.bool_]
    electronic: NDArray[np.bool_]
    music: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: NDArray[np.bool_]) -> "RealMusic":
        return replace(
            self,
            values=self.values[rows],
            seconds=self.seconds[rows],
            recording=self.recording[rows],
            untouched=self.untouched[rows],
            electronic=self.electronic[rows],
            music=self.music[rows],
        )

    def halves(self, seed: int) -> tuple["RealMusic", "RealMusic"]:
        """Divide the electronic music by recordings into what is trained on, three fifths, and what is tested on."""
        recordings = np.random.default_rng(seed).permutation(np.unique(self.recording[self.electronic]))
        first = np.isin(self.recording, recordings[: len(recordings) * 3 // 5])
        return self[first & self.electronic], self[~first & self.electronic]

    def pairs(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the rows of electronic music, and for each the row of the same recording, untouched and whole."""
        whole = self.untouched & (self.seconds == WHOLE_SECONDS)
        of_recording = {int(self.recording[row]): row for row in np.flatnonzero(whole)}
        handled = [row for row in np.flatnonzero(self.electronic) if int(self.recording[row]) in of_recording]
        wholes = [of_recording[int(self.recording[row])] for row in handled]
        return np.array(handled, np.intp), np.array(wholes, np.intp)


def read_real_music(path: Path, names: tuple[str, ...]) -> RealMusic:
    """Read the file of `research/booth_descriptors.py`.

    Parameters
    ----------
    path
        A compressed NumPy archive with the arrays ``names``, ``values``, ``seconds``, ``recording``, ``untouched``,
        ``electronic`` and ``music``.
    names
        The descriptors to read.

    Raises
    ------
    TableError
        The file cannot be read, or lacks an array or a descriptor.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            columns = [file["names"].tolist().index(name) for name in names]
            return RealMusic(
                names,
                file["values"][:, columns].astype(np.float64),
                file["seconds"].astype(np.float64),
                file["recording"].astype(np.int64),
                file["untouched"].astype(bool),
                file["electronic"].astype(bool),
                file["music"].astype(bool),
            )
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise TableError(f"{path} is no archive of descriptors of real music: {error}.") from None
