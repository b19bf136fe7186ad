"""Rolling windows over feature frames, from which a model's inputs are taken."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edmlive.errors import ModelError
from edmlive.features.front_end import FrontEnd
from edmlive.features.history import History
from edmlive.features.rhythm import RHYTHM_NAMES, Rhythm, RhythmTracker
from edmlive.features.timbre import BEAT_NAMES, TIMBRE_NAMES, TimbreStatistics
from edmlive.kernels.short_term_tables import FRAME_LENGTH
from edmlive.kernels.tables import HOP_LENGTH, SAMPLE_RATE
from edmlive.spec import InputSpec, ModelSpec

TEMPO_SECONDS = 60.0
"""Rolling window of the tempo if no descriptor input sets one."""

LIVE_DESCRIPTORS = (*TIMBRE_NAMES, *BEAT_NAMES, *RHYTHM_NAMES)
"""Every descriptor that can be computed live, by its name in the data sets."""


@dataclass(frozen=True)
class Window:
    """Contents of the windows at one moment.

    Parameters
    ----------
    tensors
        One float32 array per input of the model; ``None`` until the windows have warmed up.
    rhythm
        Tempo and rhythm over the rolling window.
    seconds
        Seconds of audio that `tensors` cover.
    """

    tensors: dict[str, NDArray[np.float32]] | None
    rhythm: Rhythm
    seconds: float


class Windows:
    """All rolling windows that one model needs, and the tempo.

    Parameters
    ----------
    spec
        The model's spec.

    Raises
    ------
    ModelError
        The model takes a descriptor that cannot be computed live.
    """

    def __init__(self, spec: ModelSpec) -> None:
        chunks = [i for i in spec.inputs if i.name != "descriptors"]
        self._chunks = {i.name: (i, History(i.frames, (math.prod(i.shape[:-1]),), np.float32)) for i in chunks}
        self._mel_scale = spec.mel_scale
        self._front_end = FrontEnd(spec.window, spec.onset_floor_db) if chunks else None
        self._descriptors = spec.input("descriptors")
        seconds = self._descriptors.seconds if self._descriptors else TEMPO_SECONDS
        self._seconds = seconds
        self._timbre = TimbreStatistics(seconds) if self._descriptors else None
        self._rhythm = RhythmTracker(seconds, tempo_only=self._descriptors is None)
        if self._descriptors:
            unknown = sorted(set(self._descriptors.descriptors) - set(LIVE_DESCRIPTORS))
            if unknown:
                raise ModelError(
                    f"Model '{spec.name}' needs descriptors that cannot be computed live: {', '.join(unknown)}."
                )
            self._picked = [LIVE_DESCRIPTORS.index(name) for name in self._descriptors.descriptors]

    def push(self, samples: NDArray[np.float32]) -> None:
        """Take (n,) mono samples at 22,050 Hz, any n."""
        self._rhythm.push(samples)
        if self._timbre is not None:
            self._timbre.push(samples)
        if self._front_end is not None:
            frames = self._front_end.push(samples)
            for name, (spec, history) in self._chunks.items():
                history.push(getattr(frames, name).reshape(-1, math.prod(spec.shape[:-1])))

    def reset(self) -> None:
        """Forget the audio so far, as after a gap or silence."""
        self._rhythm.reset()
        if self._timbre is not None:
            self._timbre.reset()
        if self._front_end is not None:
            self._front_end.reset()
        for _, history in self._chunks.values():
            history.reset()

    def read(self, *, whole: bool = True, look_back: float | None = None) -> Window:
        """Return the inputs of a decision.

        Parameters
        ----------
        whole
            Wait until every window has warmed up; ``False`` accepts descriptor windows from one second on, for a
            file that ends before.
        look_back
            Seconds of music that descriptors are statistics of, at most the model's window; ``None`` for all of it.
        """
        most = self._seconds if look_back is None else min(look_back, self._seconds)
        rhythm = self._rhythm.read(most)
        seconds = 0.0
        tensors: dict[str, NDArray[np.float32]] = {}
        for name, (spec, history) in self._chunks.items():
            if history.count < spec.frames:
                return Window(None, rhythm, seconds)
            columns = history.newest(spec.frames)[spec.stride - 1 :: spec.stride]
            tensors[name] = chunk_tensor(columns, spec, self._mel_scale)
            seconds = spec.frames * HOP_LENGTH / SAMPLE_RATE
        if self._descriptors is not None and self._timbre is not None:
            # Whole seconds only: an incomplete last block would weigh as much as a full one. The frames held lag
            # behind the audio by less than one frame.
            seconds = min(most, float(math.floor(self._timbre.seconds + FRAME_LENGTH / SAMPLE_RATE)))
            if seconds < (self._descriptors.warm_up_seconds if whole else 1):
                return Window(None, rhythm, seconds)
            live = np.concatenate((self._timbre.read_with_beat(seconds), rhythm.descriptors))
            tensors["descriptors"] = live[self._picked].astype(np.float32)
        return Window(tensors, rhythm, seconds)


def chunk_tensor(
    columns: NDArray[np.float32], spec: InputSpec, mel_scale: Literal["power", "db"]
) -> NDArray[np.float32]:
    """Return feature frames as a network's input tensor.

    Parameters
    ----------
    columns
        Mel powers or tempogram rows, a stride apart, oldest first: shape (columns, rows).
    spec
        The input.
    mel_scale
        Of mel: ``power``, or ``db`` for ``10 log10(max(power, 1e-10))``.

    Returns
    -------
    NDArray[np.float32]
        Contiguous, of the input's shape.
    """
    if spec.name == "mel" and mel_scale == "db":
        columns = 10 * np.log10(np.maximum(columns, np.float32(1e-10)))
    return np.ascontiguousarray(columns.T).reshape(spec.shape)
