"""One ONNX Runtime session that turns feature windows into probabilities."""

import contextlib
import io
import time
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edmlive.errors import ModelError
from edmlive.realtime.onnx_file import read_model
from edmlive.spec import OUTPUT_NAME, ModelSpec

DEFAULT_MODEL = "beatport-2021"

Provider = Literal["auto", "cpu", "cuda"]


def zoo() -> dict[str, Path]:
    """Return the models that ship, by name."""
    folder = Path(str(resources.files("edmlive.models") / "zoo"))
    return {path.stem: path for path in sorted(folder.glob("*.onnx"))}


def find_model(name: str | Path) -> Path:
    """Return the file of a shipped model's name, or the path itself."""
    return zoo().get(str(name), Path(name))


class Classifier:
    """Probabilities from feature windows.

    Parameters
    ----------
    model
        Name of a shipped model, or path of an ONNX file that carries a `ModelSpec`.
    provider
        ``cuda`` insists on the GPU, ``cpu`` avoids it, ``auto`` takes what there is.

    Attributes
    ----------
    spec
        The model's spec.
    provider
        What the session truly runs on: ``cpu`` or ``cuda``.

    Raises
    ------
    ModelError
        The file is refused, its graph does not match its spec, or there is no CUDA where it was asked for.
    """

    def __init__(self, model: str | Path = DEFAULT_MODEL, provider: Provider = "auto") -> None:
        path = find_model(model)
        data, self.spec = read_model(path)
        self._session = _session(path, data, provider)
        self.provider: Literal["cpu", "cuda"] = (
            "cuda" if self._session.get_providers()[0] == "CUDAExecutionProvider" else "cpu"
        )
        if provider == "cuda" and self.provider != "cuda":
            raise ModelError("CUDA did not start: install CUDA 13 with cuDNN 9, or use --provider cpu.")
        _check_graph(path, self._session, self.spec)
        self.last_seconds = 0.0
        self._rehearse(path)

    def probabilities(self, features: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Classify one window.

        Parameters
        ----------
        features
            One float32 array for each of the spec's inputs, of the shape given there.

        Returns
        -------
        NDArray[np.float32]
            Shape (labels,), summing to 1.
        """
        started = time.perf_counter()
        answer: NDArray[np.float32] = self._session.run(
            [OUTPUT_NAME], {i.name: features[i.name][np.newaxis] for i in self.spec.inputs}
        )[0][0]
        self.last_seconds = time.perf_counter() - started
        return answer

    def _rehearse(self, path: Path) -> None:
        """Run once: that allocates, which must not cost the first decision, and shows what the graph is worth."""
        try:
            answer = self.probabilities({i.name: np.zeros(i.shape, np.float32) for i in self.spec.inputs})
        except Exception as error:  # ONNX Runtime's exceptions share no base of their own
            raise ModelError(f"Model {path} cannot be run: {_reason(error)}.") from None
        if not abs(answer.sum() - 1) < 1e-3:  # NaN compares as false
            raise ModelError(f"Model {path} does not answer with probabilities that sum to 1.")


def _session(path: Path, data: bytes, provider: Provider) -> Any:
    import onnxruntime as ort

    ort.set_default_logger_severity(4)  # a missing CUDA library is reported by us, in one sentence
    available = ort.get_available_providers()
    if provider == "cuda" and "CUDAExecutionProvider" not in available:
        raise ModelError("This machine's ONNX Runtime has no CUDA: install onnxruntime-gpu, or use --provider cpu.")
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    providers = ["CPUExecutionProvider"]
    if provider != "cpu" and "CUDAExecutionProvider" in available:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints, and standard output may be carrying JSON
            ort.preload_dlls()
        providers.insert(0, "CUDAExecutionProvider")
    try:
        return ort.InferenceSession(data, options, providers=providers)
    except Exception as error:
        raise ModelError(f"Model {path} cannot be loaded: {_reason(error)}.") from None


def _reason(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")


def _check_graph(path: Path, session: Any, spec: ModelSpec) -> None:
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
        if isinstance(shape[0], int) and shape[0] != 1:
            raise ModelError(f"Model {path} takes {shape[0]} of '{name}' at once: export it for one window at a time.")
    outputs = {o.name: (o.type, tuple(o.shape)[1:]) for o in session.get_outputs()}
    if outputs.get(OUTPUT_NAME) != ("tensor(float)", (len(spec.labels),)):
        raise ModelError(
            f"Model {path} has no float32 output '{OUTPUT_NAME}' of shape (batch, {len(spec.labels)}), "
            "one for each label."
        )
