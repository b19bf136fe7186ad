"""An ONNX Runtime session with tensors allocated once on its device: windows in, probabilities out."""

import math
import threading
import time
import weakref
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edmlive.realtime.providers import active_provider
from edmlive.spec import OUTPUT_NAME, Features, ModelSpec

RUN_SECONDS = 60.0
"""A run that takes longer is ended: what a graph costs may depend on what it is given."""
_CHECK_SECONDS = 1.0
_STEPS_KEPT = 1_000


class Inference:
    """Runs a session on tensors that are allocated once, on the device where it runs.

    A decision is `write`, `run` and `read`. Each is synchronous, so that it can be timed; calling the object does all
    three.

    Parameters
    ----------
    session
        An ``onnxruntime.InferenceSession`` whose graph matches `spec`.
    spec
        The model's spec.
    batch
        Windows per run. Fewer may be given; the other rows are then computed for nothing.

    Attributes
    ----------
    provider
        What the session really runs on: ``cpu``, ``cuda`` or ``tensorrt``.
    batch
        Windows per run.
    steps
        Durations of `write`, `run` and `read` in the newest calls, in seconds.
    """

    def __init__(self, session: Any, spec: ModelSpec, batch: int) -> None:
        import onnxruntime as ort

        self.provider = active_provider(session)
        self.batch = batch
        self.steps: deque[tuple[float, float, float]] = deque(maxlen=_STEPS_KEPT)
        self._session = session
        self._options = ort.RunOptions()
        self._deadline = math.inf
        self._lock = threading.Lock()  # engines in several threads may share the tensors
        self._binding = session.io_binding()
        device = "cpu" if self.provider == "cpu" else "cuda"
        self._inputs = []
        for i in spec.inputs:
            host = np.zeros((batch, *i.shape), np.float32)
            tensor = ort.OrtValue.ortvalue_from_shape_and_type(host.shape, np.float32, device)
            self._binding.bind_ortvalue_input(i.name, tensor)
            self._inputs.append((i.name, host, tensor))
        self._output = ort.OrtValue.ortvalue_from_shape_and_type((batch, spec.outputs), np.float32, device)
        self._binding.bind_ortvalue_output(OUTPUT_NAME, self._output)
        threading.Thread(target=_watch, args=(weakref.ref(self),), name="inference-watchdog", daemon=True).start()

    def __call__(self, windows: Sequence[Features]) -> NDArray[np.float32]:
        """Return the output for 1 to `batch` windows, shape (windows, outputs). Thread-safe."""
        with self._lock:
            started = time.perf_counter()
            self.write(windows)
            written = time.perf_counter()
            self.run()
            ran = time.perf_counter()
            probabilities = self.read(len(windows))
            self.steps.append((written - started, ran - written, time.perf_counter() - ran))
            return probabilities

    def write(self, windows: Sequence[Features]) -> None:
        """Copy 1 to `batch` windows to the device."""
        for name, host, tensor in self._inputs:
            np.stack([window[name] for window in windows], out=host[: len(windows)])
            tensor.update_inplace(host)
        self._binding.synchronize_inputs()

    def run(self) -> None:
        """Run the session on the windows written.

        Raises
        ------
        TimeoutError
            It takes longer than `RUN_SECONDS`; it ends when the node that is computed then is done.
        Exception
            ONNX Runtime's own, which have no common base class: a node fails.
        """
        self._deadline = time.perf_counter() + RUN_SECONDS
        try:
            self._session.run_with_iobinding(self._binding, self._options)
        except Exception:
            if self._options.terminate:
                raise TimeoutError(f"it does not return within {RUN_SECONDS:g} s") from None
            raise
        finally:
            self._deadline = math.inf
            self._options.terminate = False
        self._binding.synchronize_outputs()

    def end_overdue_run(self) -> None:
        """Let a run that takes too long fail; called from another thread, as long as it takes."""
        if time.perf_counter() > self._deadline:
            self._options.terminate = True

    def read(self, windows: int) -> NDArray[np.float32]:
        """Copy the output of the first windows back, shape (windows, outputs)."""
        probabilities: NDArray[np.float32] = self._output.numpy()  # on a CPU, a view that the next run overwrites
        return probabilities[:windows].copy()


def _watch(reference: "weakref.ref[Inference]") -> None:
    """End overdue runs until nobody has the `Inference` any more."""
    pause = threading.Event()
    while (inference := reference()) is not None:
        inference.end_overdue_run()
        del inference
        pause.wait(_CHECK_SECONDS)
