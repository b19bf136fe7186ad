"""A trained network on disk: safetensors with its `ModelSpec` and how it was trained. Nothing is unpickled."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from edmlive.errors import ModelError
from edmlive.models.inputs import IDENTITY_DIGITS, Architecture, inputs_of
from edmlive.models.networks import SubgenreNetwork
from edmlive.spec import METADATA_KEY, ModelSpec, SpecError
from edmlive.util.files import replacing

TRAINING_KEY = "edmlive_training"
"""Metadata key of `Training`, in checkpoints and in the ONNX files made of them."""


@dataclass(frozen=True)
class Training:
    """How a network was trained, as far as its evaluation depends on it.

    Parameters
    ----------
    architecture, width
        Of the network.
    recipe, epochs
        Name of the training recipe, and its maximum number of passes over the training split.
    store
        Digest of the feature store.
    seed
        Of the split and of the training.
    start, end
        Part of each track that was used, in seconds.
    train, validation
        Identities of the recordings of the training and validation splits, on neither of which a test is fair.
    teacher
        Digest of the model whose answers were the targets; empty if genres were.
    """

    architecture: Architecture
    width: int
    recipe: str
    epochs: int
    store: str
    seed: int
    start: float
    end: float
    train: tuple[str, ...] = field(repr=False)
    validation: tuple[str, ...] = field(repr=False)
    teacher: str = ""

    @property
    def knows_recordings(self) -> bool:
        """Whether its recordings can be recognised in a store of today; see `IDENTITY_DIGITS`."""
        return all(len(identity) == IDENTITY_DIGITS for identity in (*self.train, *self.validation))

    def to_json(self) -> str:
        """Return this as JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Training":
        """Read untrusted JSON; `ValueError` if it is not what `to_json` writes."""
        try:
            training = pydantic.TypeAdapter(cls).validate_json(text)
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "training"
            raise ValueError(f"its training metadata is malformed at '{where}': {first['msg']}") from None
        if not 1 <= training.width <= 1024:
            raise ValueError(f"a width of {training.width} is not within 1 to 1024")
        return training


@dataclass(frozen=True)
class Checkpoint:
    """A network with its spec.

    Parameters
    ----------
    network
        The network, in evaluation mode.
    spec
        What it expects and means.
    training
        How it was trained.
    """

    network: SubgenreNetwork
    spec: ModelSpec
    training: Training

    def save(self, path: Path) -> None:
        """Write the checkpoint; an existing file is replaced only by a complete one."""
        state = {name: tensor.contiguous() for name, tensor in self.network.state_dict().items()}
        try:
            with replacing(path) as partial:
                save_file(state, partial, {METADATA_KEY: self.spec.to_json(), TRAINING_KEY: self.training.to_json()})
        except (OSError, SafetensorError) as error:
            raise ModelError(f"Checkpoint {path} cannot be written: {error}.") from None

    @classmethod
    def load(cls, path: Path) -> "Checkpoint":
        """Read an untrusted checkpoint.

        Raises
        ------
        ModelError
            It is no checkpoint of edmlive, or its weights do not fit its spec.
        """
        if path.exists() and not path.is_file():
            raise ModelError(f"Checkpoint {path} is not a file.")
        try:
            with safe_open(path, "pt") as file:
                metadata: dict[str, str] = file.metadata() or {}
                spec, training = _described(path, metadata)
                _refuse_other_shapes(path, file, spec, training)
                state: dict[str, Any] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError, RuntimeError) as error:  # the latter from PyTorch, of a file too large to map
            reason = _shown(str(error).partition("\n")[0].rstrip(".").lower())
            raise ModelError(f"Checkpoint {path} cannot be read as safetensors: {reason}.") from None
        network = SubgenreNetwork(training.architecture, len(spec.labels), training.width)
        try:
            network.load_state_dict(state)
        except RuntimeError as error:
            first = str(error).splitlines()[1].strip().rstrip(".")
            raise ModelError(f"Checkpoint {path} does not fit its spec: {_shown(first)}.") from None
        return cls(network.eval(), spec, training)

    def probabilities(self, features: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Classify a batch of raw features by input name; shape (batch, labels)."""
        with torch.inference_mode():
            logits = self.network({name: torch.from_numpy(array) for name, array in features.items()})
            answer: NDArray[np.float32] = logits.softmax(dim=1).numpy()
        return answer


def _described(path: Path, metadata: Mapping[str, str]) -> tuple[ModelSpec, Training]:
    """Read what a checkpoint says about itself; raise `ModelError` if that is nothing or contradicts itself."""
    try:
        spec = ModelSpec.from_json(metadata[METADATA_KEY])
        training = Training.from_json(metadata[TRAINING_KEY])
    except KeyError as error:
        raise ModelError(f"Checkpoint {path} carries no {error.args[0]}: train it with edmlive.") from None
    except (SpecError, ValueError) as error:
        raise ModelError(f"Checkpoint {path} is refused: {error}.") from None
    if spec.inputs != inputs_of(training.architecture):
        raise ModelError(f"Checkpoint {path} is refused: its spec is not that of a {training.architecture} network.")
    return spec, training


def _refuse_other_shapes(path: Path, file: Any, spec: ModelSpec, training: Training) -> None:
    """Raise `ModelError` unless the tensors are those of the network, of which nothing has been built so far."""
    with torch.device("meta"):
        network = SubgenreNetwork(training.architecture, len(spec.labels), training.width)
    expected = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    found = set(file.keys())
    for name in [*sorted(expected.keys() - found), *sorted(found - expected.keys())][:1]:
        what = "no" if name in expected else "an unknown"
        raise ModelError(f"Checkpoint {path} does not fit its spec: it has {what} tensor {_shown(name)}.")
    for name, shape in expected.items():
        if file.get_slice(name).get_shape() != shape:
            raise ModelError(f"Checkpoint {path} does not fit its spec: its tensor {name} has another shape.")


def _shown(text: str) -> str:
    """Return untrusted text as a message may show it."""
    return ascii(text)[1:-1][:200]
