"""A session with fixed tensors on its device: windows in, one run, probabilities out."""

import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edmlive.realtime.providers import running
from edmlive.spec import OUTPUT_NAME, Features, ModelSpec

_STEPS_KEPT = 1_000


class Inference:
    """Runs a session on tensors that are allocated once, where the session runs.

    A decision is `write`, `run` and `read`. Each returns when its work is done, so that it can be timed; calling the
    object does all three.

    Parameters
    ----------
    session
        An ``onnxruntime.InferenceSession`` whose graph matches `spec`.
    spec
        The model's spec.
    batch
        Windows at once. Fewer may be given; what the other rows hold is computed in vain.

    Attributes
    ----------
    provider
        What the session truly runs on: ``cpu``, ``cuda`` or ``tensorrt``.
    batch
        Windows at once.
    steps
        How long each step of the newest calls took, in seconds: `write`, `run`, `read`.
    """

    def __init__(self, session: Any, spec: ModelSpec, batch: int) -> None:
        import onnxruntime as ort

        self.provider = running(session)
        self.batch = batch
        self.steps: deque[tuple[float, float, float]] = deque(maxlen=_STEPS_KEPT)
        self._session = session
        self._lock = threading.Lock()  # engines in several threads may share the one set of tensors
        self._binding = session.io_binding()
        device = "cpu" if self.provider == "cpu" else "cuda"
        self._inputs = []
        for i in spec.inputs:
            host = np.zeros((batch, *i.shape), np.float32)
            tensor = ort.OrtValue.ortvalue_from_shape_and_type(host.shape, np.float32, device)
            self._binding.bind_ortvalue_input(i.name, tensor)
            self._inputs.append((i.name, host, tensor))
        self._output = ort.OrtValue.ortvalue_from_shape_and_type((batch, len(spec.labels)), np.float32, device)
        self._binding.bind_ortvalue_output(OUTPUT_NAME, self._output)

    def __call__(self, windows: Sequence[Features]) -> NDArray[np.float32]:
        """Return the probabilities of 1 to `batch` windows, shape (windows, labels). Any thread may call."""
        with self._lock:
            started = time.perf_counter()
            self.write(windows)
            written = time.perf_counter()
            self.run()
            ran = time.perf_counter()
            answers = self.read(len(windows))
            self.steps.append((written - started, ran - written, time.perf_counter() - ran))
            return answers

    def write(self, windows: Sequence[Features]) -> None:
        """Bring 1 to `batch` windows to the device."""
        for name, host, tensor in self._inputs:
            np.stack([window[name] for window in windows], out=host[: len(windows)])
            tensor.update_inplace(host)
        self._binding.synchronize_inputs()

    def run(self) -> None:
        """Run the session on what was written."""
        self._session.run_with_iobinding(self._binding)
        self._binding.synchronize_outputs()

    def read(self, windows: int) -> NDArray[np.float32]:
        """Bring the answers to the first windows back, shape (windows, labels)."""
        answers: NDArray[np.float32] = self._output.numpy()  # on a CPU a view on what the next run overwrites
        return answers[:windows].copy()
