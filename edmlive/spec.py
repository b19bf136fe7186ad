"""What a model expects and means: the one contract between training, export and live use.

A `ModelSpec` travels inside the ONNX file, as JSON in ``metadata_props`` under the key ``edmlive``.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # the command starts without NumPy
    import numpy as np
    from numpy.typing import NDArray

METADATA_KEY = "edmlive"
SCHEMA_VERSION = 1
OUTPUT_NAME = "probabilities"
LOOK_BACK = "look-back"
"""Name of the descriptor that is the seconds of music the others are statistics of."""

InputName = Literal["mel", "onset_strength", "fourier_tempogram", "autocorrelation_tempogram", "descriptors"]

Features = Mapping[str, "NDArray[np.float32]"]
"""One float32 array for each of a model's inputs, by name; of one window, or of several stacked along a first axis."""

_FEATURE_ROWS: dict[str, tuple[int, ...]] = {
    "mel": (1, 128),
    "onset_strength": (),
    "fourier_tempogram": (193,),
    "autocorrelation_tempogram": (384,),
}


LONGEST_SECONDS = 600.0
"""Longest window, or audio between decisions, that a model may ask for: memory is bounded by it."""
SHORTEST_HOP_SECONDS = 0.05
"""Least audio between decisions, which bounds the work."""
MOST_VOTES = 10_000
MOST_LABELS = 1_000
LONGEST_NAME = 100
DEEPEST_FLOOR_DB = 200.0


class SpecError(ValueError):
    """A model's spec is missing, malformed, or contradicts itself or its graph. One sentence says how."""


def require_names(what: str, names: tuple[str, ...]) -> None:
    """Raise `SpecError` for names that a terminal, a message or a file would not show as they are."""
    for name in names:
        if not (0 < len(name) <= LONGEST_NAME and name.isprintable() and name.strip() == name):
            shown = name[:LONGEST_NAME]
            raise SpecError(
                f"{what} {shown!a} is not 1 to {LONGEST_NAME} printable characters without space around them"
            )


@dataclass(frozen=True)
class InputSpec:
    """One input of the graph.

    Parameters
    ----------
    name
        Which feature it takes; also the name of the graph's input.
    shape
        Shape without the batch axis: ``(1, 128, columns)`` for mel, ``(columns,)`` for onset strength in dB,
        ``(193, columns)`` and ``(384, columns)`` for the tempograms, ``(count,)`` for descriptors.
    stride
        Feature frames between two neighbouring columns: 1 for mel, 4 for tempograms that cover with
        50 columns the 200 frames of their mel chunk.
    descriptors
        Names of the descriptors, in the order the graph takes them. Empty for other inputs.
    seconds
        Rolling window over which descriptors are statistics, in seconds of audio.
    warm_up_seconds
        Least audio from which descriptors are worth a decision, in seconds.
    levelled
        Whether the audio is brought to the loudness of released music before descriptors are computed.
    """

    name: InputName
    shape: tuple[int, ...]
    stride: int = 1
    descriptors: tuple[str, ...] = ()
    seconds: float = 0.0
    warm_up_seconds: float = 0.0
    levelled: bool = False

    def __post_init__(self) -> None:
        if self.name == "descriptors":
            if self.shape != (len(self.descriptors),) or not self.descriptors:
                raise SpecError(f"input 'descriptors' has shape {self.shape} for {len(self.descriptors)} names")
            if not 1 <= self.warm_up_seconds <= self.seconds <= LONGEST_SECONDS:
                raise SpecError(f"input 'descriptors' needs 1 <= warm_up_seconds <= seconds <= {LONGEST_SECONDS:g}")
            require_names("descriptor", self.descriptors)
            return
        if self.name not in _FEATURE_ROWS:
            raise SpecError(f"input '{self.name}' is none of descriptors, {', '.join(_FEATURE_ROWS)}")
        rows = _FEATURE_ROWS[self.name]
        if self.shape[:-1] != rows or len(self.shape) == len(rows) or self.shape[-1] < 1:
            raise SpecError(f"input '{self.name}' has shape {self.shape}; expected {(*rows, 'columns')}")
        if self.stride < 1:
            raise SpecError(f"input '{self.name}' has stride {self.stride}; it must be at least 1")
        if self.frames * 512 / 22050 > LONGEST_SECONDS:
            raise SpecError(f"input '{self.name}' spans {self.frames} frames, over {LONGEST_SECONDS:g} s")

    @property
    def frames(self) -> int:
        """Feature frames that one chunk spans: ``columns * stride`` (0 for descriptors)."""
        return 0 if self.name == "descriptors" else self.shape[-1] * self.stride


@dataclass(frozen=True)
class VoteSpec:
    """Defaults of the running majority vote.

    Parameters
    ----------
    votes
        Decisions that vote.
    hop_seconds
        Audio between two decisions, in seconds.
    minimum_confidence
        Mean probability of the winner under which the answer is *unsure*, 0..1. See `ModelSpec.unsure_below` for the
        least value that applies.
    """

    votes: int = 5
    hop_seconds: float = 1.0
    minimum_confidence: float = 0.0

    def __post_init__(self) -> None:
        hop_fits = SHORTEST_HOP_SECONDS <= self.hop_seconds <= LONGEST_SECONDS
        if not (1 <= self.votes <= MOST_VOTES and hop_fits and 0 <= self.minimum_confidence <= 1):
            raise SpecError(
                f"vote defaults need 1 <= votes <= {MOST_VOTES}, {SHORTEST_HOP_SECONDS:g} <= hop_seconds <= "
                f"{LONGEST_SECONDS:g} and 0 <= minimum_confidence <= 1"
            )


@dataclass(frozen=True)
class Provenance:
    """Where a model comes from and what was measured on what.

    Parameters
    ----------
    data
        The training data, named so that it can be found.
    date
        Day of training, ISO 8601.
    licence
        Licence of the weights (SPDX).
    measured
        Figures by name, such as ``{"10-fold top-1": 0.56}``.
    measured_on
        The data those figures were measured on.
    """

    data: str = ""
    date: str = ""
    licence: str = ""
    measured: dict[str, float] = field(default_factory=dict)
    measured_on: str = ""


@dataclass(frozen=True)
class ModelSpec:
    """What a model expects of the front end, and what its answers mean.

    Parameters
    ----------
    name
        Short name, as `edmlive models` lists it.
    labels
        Class names, in the order of the output ``probabilities`` of shape (batch, outputs).
    inputs
        The graph's inputs, one each at most.
    sample_rate, n_fft, hop_length, n_mels, tempogram_window
        Front-end settings: Hz, samples, samples, bands, frames. One front end exists; other values
        are refused.
    window
        ``hann`` (librosa's default, the authors' released code) or ``hamming`` (the paper, section III.B).
    mel_scale
        ``power``, or ``db`` for ``10 log10(max(power, 1e-10))``.
    onset_floor_db
        Depth below the running maximum at which mel in dB is floored before onset strength; ``None``
        for no floor (exact and causal).
    vote
        Vote defaults.
    provenance
        Data, date, licence and measured accuracy.
    unknown
        Whether the output has one more column, the last: the probability that what sounds is none of the labels.
    set_probability
        Sum of probabilities from which the likeliest labels hold the right one in 90 % of cases; 0 if that was not
        measured.
    schema
        Version of this contract.
    """

    name: str
    labels: tuple[str, ...]
    inputs: tuple[InputSpec, ...]
    sample_rate: int = 22050
    n_fft: int = 2048
    hop_length: int = 512
    window: Literal["hann", "hamming"] = "hann"
    n_mels: int = 128
    mel_scale: Literal["power", "db"] = "power"
    onset_floor_db: float | None = None
    tempogram_window: int = 384
    vote: VoteSpec = VoteSpec()
    provenance: Provenance = Provenance()
    unknown: bool = False
    set_probability: float = 0.0
    schema: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        if self.schema != SCHEMA_VERSION:
            raise SpecError(f"spec version {self.schema} is not the version {SCHEMA_VERSION} this edmlive reads")
        front_end = (self.sample_rate, self.n_fft, self.hop_length, self.n_mels, self.tempogram_window)
        if front_end != (22050, 2048, 512, 128, 384):
            raise SpecError(f"front-end settings {front_end} differ from (22050, 2048, 512, 128, 384)")
        if not 2 <= len(self.labels) <= MOST_LABELS or len(set(self.labels)) != len(self.labels):
            raise SpecError(f"labels must be 2 to {MOST_LABELS} and distinct")
        require_names("name", (self.name,))
        require_names("label", self.labels)
        if self.onset_floor_db is not None and not 0 < self.onset_floor_db <= DEEPEST_FLOOR_DB:
            raise SpecError(f"onset_floor_db is {self.onset_floor_db}, not over 0 and at most {DEEPEST_FLOOR_DB:g}")
        if not 0 <= self.set_probability <= 1:
            raise SpecError(f"set_probability is {self.set_probability}, not 0 to 1")
        names = [i.name for i in self.inputs]
        if not names or len(set(names)) != len(names):
            raise SpecError(f"inputs {names} must be at least one and distinct")

    @property
    def outputs(self) -> int:
        """Columns of the output ``probabilities``."""
        return len(self.labels) + self.unknown

    def input(self, name: InputName) -> InputSpec | None:
        """Return the input of that name, or ``None`` when the model does not take it."""
        return next((i for i in self.inputs if i.name == name), None)

    @property
    def unsure_below(self) -> float:
        """Mean probability of the winner under which the answer is *unsure*.

        That of `vote`, but at least ``2 / (labels + 1)``: the winner has to be twice as likely as the other labels are
        on average, so that no model is sure at chance.
        """
        return max(self.vote.minimum_confidence, 2 / (len(self.labels) + 1))

    def to_json(self) -> str:
        """Return the spec as the JSON text kept in the ONNX file."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> "ModelSpec":
        """Read a spec from untrusted JSON.

        Raises
        ------
        SpecError
            Not JSON, a missing field, a wrong type, or values that contradict each other. Unknown fields are
            ignored, so that a later version may add some.
        """
        import pydantic  # here, because only those who read a model should pay for its import

        try:
            return pydantic.TypeAdapter(cls).validate_json(text)
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            if isinstance(cause := first.get("ctx", {}).get("error"), SpecError):
                raise cause from None
            where = ".".join(str(part) for part in first["loc"]) or "spec"
            raise SpecError(f"the model's spec is malformed at '{where}': {first['msg']}") from None
