"""A loaded model: feature windows in, probabilities out."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edmlive.errors import ModelError
from edmlive.realtime.inference import Inference
from edmlive.realtime.onnx_file import read_model
from edmlive.realtime.providers import (
    DID_NOT_START,
    Provider,
    active_provider,
    open_session,
    provider_candidates,
    providers_to_try,
)
from edmlive.realtime.trial import require_trial
from edmlive.spec import OUTPUT_NAME, Features, ModelSpec

DEFAULT_MODEL = "beatport-2021"

SUM_TOLERANCE = 1e-3
_LEAST_PROBABILITY = np.float32(1e-12)

_GPU_WARM_UP_RUNS = 3
"""A CUDA graph may be captured only in the third run."""


@dataclass(frozen=True)
class Decision:
    """What a model says of one window.

    Parameters
    ----------
    probabilities
        Of the labels, given that it is one of them; shape (labels,), summing to 1.
    unknown
        Probability that it is none of them, 0..1; ``None`` for a model that does not ask.
    """

    probabilities: NDArray[np.float32]
    unknown: float | None


def zoo() -> dict[str, Path]:
    """Return the models that ship, by name."""
    folder = Path(str(resources.files("edmlive.models") / "zoo"))
    return {path.stem: path for path in sorted(folder.glob("*.onnx"))}


def find_model(name: str | Path) -> Path:
    """Return the path of a shipped model by its name; any other name is a path itself."""
    return zoo().get(str(name), Path(name))


class Classifier:
    """A model, ready to turn feature windows into probabilities.

    Parameters
    ----------
    model
        Name of a shipped model, or path of an ONNX file that carries a `ModelSpec`.
    provider
        ``cuda`` and ``tensorrt`` require the GPU, ``cpu`` avoids it, ``auto`` takes CUDA where it starts.
    batch
        Windows per run, for a GPU that many streams share. On a CPU it makes networks slower, not faster.
    trusted
        Run a file of one's own without a trial in a separate process. Shipped models need none.

    Attributes
    ----------
    spec
        The model's spec.
    metadata
        The ONNX file's ``metadata_props``, by key.
    provider
        What the session really runs on: ``cpu``, ``cuda`` or ``tensorrt``.
    digest
        The first sixteen hexadecimal digits of the file's SHA-256.
    inference
        The session with its tensors, which times its own steps.

    Raises
    ------
    ModelError
        The file is refused, its graph does not match its spec, or the requested CUDA or TensorRT is not available.

    Examples
    --------
    One session may serve any number of files and engines.

    >>> import edmlive
    >>> classifier = edmlive.Classifier("beatport-2021", provider="cpu")
    >>> "Dubstep" in classifier.spec.labels
    True
    >>> edmlive.classify("track.flac", classifier).genre
    'Dubstep'
    """

    def __init__(
        self, model: str | Path = DEFAULT_MODEL, provider: Provider = "auto", batch: int = 1, *, trusted: bool = False
    ) -> None:
        shipped = zoo().get(str(model))
        path = shipped or Path(model)
        file = read_model(path)
        sha256 = hashlib.sha256(file.data).hexdigest()
        if not trusted and shipped is None:
            require_trial(path, sha256, batch)
        self._path = path
        self.spec = file.spec
        self.metadata = file.metadata
        self.digest = sha256[:16]
        self.inference = _start(path, file.data, self.spec, provider, batch)
        self.provider = self.inference.provider

    def decide(self, features: Features) -> Decision:
        """Classify one window, as `probabilities` does, and tell whether it is any of the labels at all."""
        output = self._run([features])[0]
        return Decision(self._of_labels(output[None])[0], float(output[-1]) if self.spec.unknown else None)

    def probabilities(self, features: Features) -> NDArray[np.float32]:
        """Classify one window.

        Parameters
        ----------
        features
            One float32 array per input of the spec, of the shape given there.

        Returns
        -------
        NDArray[np.float32]
            Shape (labels,), summing to 1.
        """
        probabilities: NDArray[np.float32] = self.probabilities_of([features])[0]
        return probabilities

    def probabilities_of(self, windows: Sequence[Features]) -> NDArray[np.float32]:
        """Classify any number of windows, such as those of many streams, in runs of `batch`.

        Parameters
        ----------
        windows
            Each as in `probabilities`.

        Returns
        -------
        NDArray[np.float32]
            Shape (windows, labels), in the order given; rows sum to 1, given that it is one of the labels.

        Raises
        ------
        ModelError
            The graph fails, or does not output probabilities.
        """
        return self._of_labels(self._run(windows))

    def _run(self, windows: Sequence[Features]) -> NDArray[np.float32]:
        probabilities = np.empty((len(windows), self.spec.outputs), np.float32)
        for first in range(0, len(windows), self.inference.batch):
            part = windows[first : first + self.inference.batch]
            try:
                probabilities[first : first + len(part)] = self.inference(part)
            except ValueError:  # the caller's own: features of another shape
                raise
            except Exception as error:  # ONNX Runtime's exceptions have no common base class
                raise ModelError(f"Model {self._path} cannot be run: {_reason(error)}.") from None
        if not (np.abs(probabilities.sum(axis=1) - 1) < SUM_TOLERANCE).all():  # NaN compares as false
            raise ModelError(f"Model {self._path} does not output probabilities that sum to 1.")
        return probabilities

    def _of_labels(self, output: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities of the labels, given that it is one of them."""
        if not self.spec.unknown:
            return output
        labels = np.maximum(output[:, :-1], _LEAST_PROBABILITY)
        return np.asarray(labels / labels.sum(axis=1, keepdims=True), np.float32)


def _start(path: Path, data: bytes, spec: ModelSpec, provider: Provider, batch: int) -> Inference:
    """Start a session on the first provider candidate that works."""
    failure: Exception | None = None
    for providers in provider_candidates(provider, providers_to_try(provider)):
        try:
            session = open_session(data, providers, batch)
            if provider in DID_NOT_START and active_provider(session) != provider:
                raise ModelError(DID_NOT_START[provider])
            _check_graph(path, session, spec, batch)
            inference = Inference(session, spec, batch)
            _warm_up(path, inference, spec)
            return inference
        except ModelError:
            raise
        except Exception as error:  # ONNX Runtime's exceptions have no common base class
            failure = error
    raise ModelError(f"Model {path} cannot be run: {_reason(failure)}.")


def _warm_up(path: Path, inference: Inference, spec: ModelSpec) -> None:
    """Run before the first decision, which allocates memory, captures a CUDA graph, and validates the output."""
    silence: Features = {i.name: np.zeros(i.shape, np.float32) for i in spec.inputs}
    for _ in range(1 if inference.provider == "cpu" else _GPU_WARM_UP_RUNS):
        probabilities = inference([silence])
    if not abs(probabilities.sum() - 1) < SUM_TOLERANCE:  # NaN compares as false
        raise ModelError(f"Model {path} does not output probabilities that sum to 1.")
    inference.steps.clear()


def _reason(error: Exception | None) -> str:
    what = (
        str(error).strip().partition("\n")[0].partition(" Name:")[0]
    )  # a node's name and the place in the C++ sources
    return what.rstrip(".")


def _check_graph(path: Path, session: Any, spec: ModelSpec, batch: int) -> None:
    inputs = {i.name: (i.type, tuple(i.shape)) for i in session.get_inputs()}
    expected = {i.name: i.shape for i in spec.inputs}
    if set(inputs) != set(expected):
        raise ModelError(f"Model {path} takes inputs {sorted(inputs)}, but its spec says {sorted(expected)}.")
    for name, (kind, shape) in inputs.items():
        if kind != "tensor(float)" or shape[1:] != expected[name]:
            raise ModelError(
                f"Model {path} takes '{name}' as {kind} of shape {shape}, but its spec says float32 (batch, "
                f"{', '.join(map(str, expected[name]))})."
            )
        if isinstance(shape[0], int) and shape[0] != batch:
            remedy = "export it again" if batch == 1 else f"give --batch {shape[0]}"
            raise ModelError(f"Model {path} takes {shape[0]} of '{name}' at once, not {batch}: {remedy}.")
    outputs = {o.name: (o.type, tuple(o.shape)[1:]) for o in session.get_outputs()}
    if outputs.get(OUTPUT_NAME) != ("tensor(float)", (spec.outputs,)):
        also = " and one for the unknown" if spec.unknown else ""
        raise ModelError(
            f"Model {path} has no float32 output '{OUTPUT_NAME}' of shape (batch, {spec.outputs}), "
            f"one for each label{also}."
        )
