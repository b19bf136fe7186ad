"""Graphs that remember: what overlapping chunks share goes out of one run and into later ones.

Such a graph has, beside a spec's inputs, inputs named ``past_WHAT_AGE``. Each takes what the output ``present_WHAT``
was ``AGE`` chunks ago, where every chunk moves on by `SHIFT_FRAMES`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edmlive.spec import OUTPUT_NAME

SHIFT_FRAMES = 40
"""Feature frames from one chunk to the next."""
SHIFTS = 5
"""Shifts that make a chunk: after one less, nothing of a chunk is remembered any more."""

_PAST, _PRESENT = "past_", "present_"

Features = Mapping[str, NDArray[np.float32]]


def past_name(what: str, age: int) -> str:
    """Name the input that takes what was computed ``age`` chunks ago."""
    return f"{_PAST}{what}_{age}"


def present_name(what: str) -> str:
    """Name the output of what later chunks want."""
    return f"{_PRESENT}{what}"


def is_past(name: str) -> bool:
    """Tell whether an input of that name takes something of an earlier chunk."""
    return name.startswith(_PAST)


def remembers(session: Any) -> bool:
    """Tell whether an ONNX Runtime session's graph wants something of earlier chunks."""
    return any(is_past(i.name) for i in session.get_inputs())


def classify_with(session: Any) -> Callable[[Features], NDArray[np.float32]]:
    """Return what maps chunks, as a batch of features by input name, to probabilities of shape (batch, labels)."""
    if remembers(session):
        return Remembering(session)
    return lambda features: np.asarray(session.run([OUTPUT_NAME], dict(features))[0])


class Remembering:
    """Runs a graph that remembers over any chunks; those that follow the one before cost half of what others would.

    Whether a chunk follows is seen from its features, so that nobody has to say where a stream begins, breaks off or
    leaves a decision out. One that does not follow is led up to by its own beginnings: what lies outside a chunk has no
    part in its answer.

    Parameters
    ----------
    session
        An ONNX Runtime session of such a graph.

    Attributes
    ----------
    feeds
        What the session was given to answer the newest chunk.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        inputs = {i.name: tuple(i.shape) for i in session.get_inputs()}
        self._shifts = {name: shape[-1] // SHIFTS for name, shape in inputs.items() if not is_past(name)}
        self._nothing = {name: np.zeros(inputs[name], np.float32) for name in inputs if name not in self._shifts}
        self._outputs = [o.name for o in session.get_outputs()]
        self._chunk: Features = {}
        self._past: list[Features] = []
        self.feeds: Features = {}

    def __call__(self, features: Features) -> NDArray[np.float32]:
        """Return the probabilities of chunks.

        Parameters
        ----------
        features
            One float32 array for each of the spec's inputs, of any number of chunks, in order. They are kept, to see
            what follows, and must not be changed afterwards.

        Returns
        -------
        NDArray[np.float32]
            Shape (chunks, labels).
        """
        count = len(next(iter(features.values())))
        return np.concatenate(
            [self._answer({name: features[name][k : k + 1] for name in self._shifts}) for k in range(count)]
        )

    def _answer(self, chunk: Features) -> NDArray[np.float32]:
        parts = [chunk] if self._follows(chunk) else _beginnings(chunk, self._shifts)
        for part in parts:
            self.feeds = {**part, **self._remembered()}
            outputs = self._session.run(self._outputs, self.feeds)
            self._past = [dict(zip(self._outputs, outputs, strict=True)), *self._past][: SHIFTS - 1]
        self._chunk = chunk
        return self._past[0][OUTPUT_NAME]

    def _follows(self, chunk: Features) -> bool:
        before = self._chunk
        return bool(before) and all(
            np.array_equal(chunk[name][..., :-shift], before[name][..., shift:]) for name, shift in self._shifts.items()
        )

    def _remembered(self) -> Features:
        remembered = {}
        for name, nothing in self._nothing.items():
            what, _, age = name.removeprefix(_PAST).rpartition("_")
            known = int(age) <= len(self._past)
            remembered[name] = self._past[int(age) - 1][present_name(what)] if known else nothing
        return remembered


def _beginnings(chunk: Features, shifts: Mapping[str, int]) -> Iterator[Features]:
    """Yield the chunks that end 4, 3, 2 and 1 shifts before this one, with zeros for what came before it, and it."""
    for back in range(SHIFTS - 1, 0, -1):
        part = {name: np.zeros_like(array) for name, array in chunk.items()}
        for name, shift in shifts.items():
            part[name][..., back * shift :] = chunk[name][..., : -back * shift]
        yield part
    yield chunk
