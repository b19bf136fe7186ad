"""Where a model runs: ONNX Runtime's execution providers, their options, and a session on them."""

import contextlib
import ctypes
import importlib
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import platformdirs

from edmlive.errors import ModelError

Provider = Literal["auto", "cpu", "cuda", "tensorrt"]
ActiveProvider = Literal["cpu", "cuda", "tensorrt"]
ProviderList = list[tuple[str, dict[str, str]]]
"""Execution providers with their options; each takes the nodes for which those before it have no kernel."""

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"
_FATAL = 4  # of ONNX Runtime's severities
ENGINES = platformdirs.user_cache_path("edmlive") / "tensorrt"
"""Where TensorRT caches the engines it compiles."""

DID_NOT_START = {
    "cuda": "CUDA did not start: pip install 'onnxruntime-gpu[cuda,cudnn]', or use --provider cpu.",
    "tensorrt": "TensorRT did not start: pip install 'tensorrt-cu13<11', or use --provider cuda.",
}


def provider_candidates(provider: Provider, available: Sequence[str], engines: Path = ENGINES) -> list[ProviderList]:
    """Return the provider lists to try, in order of preference.

    On a GPU a model is first tried as a CUDA graph. A model with a node that the GPU has no kernel for cannot be
    captured; the next candidate does without.

    TensorRT has to be requested: on its first start it compiles an engine, which may take minutes, and it computes
    float32 in TF32, which ONNX Runtime has no option to turn off.

    Parameters
    ----------
    provider
        What the user requests. ``auto`` falls back to the CPU; ``cuda`` and ``tensorrt`` do not.
    available
        What this ONNX Runtime was built with, as returned by its ``get_available_providers``.
    engines
        Folder for TensorRT's engines.

    Raises
    ------
    ModelError
        This ONNX Runtime was not built with the requested provider.
    """
    for name, needed, title in (("cuda", CUDA, "CUDA"), ("tensorrt", TENSORRT, "TensorRT")):
        if provider == name and needed not in available:
            raise ModelError(
                f"This machine's ONNX Runtime has no {title}: install onnxruntime-gpu, or use --provider cpu."
            )
    cpu: tuple[str, dict[str, str]] = (CPU, {})
    if provider == "cpu" or CUDA not in available:
        return [[cpu]]
    if provider == "tensorrt":
        return [[(TENSORRT, _tensorrt(graph, engines)), (CUDA, _cuda("0")), cpu] for graph in ("1", "0")]
    on_gpu = [[(CUDA, _cuda(graph)), cpu] for graph in ("1", "0")]
    return on_gpu if provider == "cuda" else [*on_gpu, [cpu]]


def providers_to_try(provider: Provider) -> list[str]:
    """Return what this ONNX Runtime was built with, but for ``auto`` no GPU's where there is no NVIDIA driver.

    Trying those would only make ONNX Runtime complain in the log of a program that asked for nothing.
    """
    import onnxruntime as ort

    available: list[str] = ort.get_available_providers()
    return [CPU] if provider == "auto" and not has_nvidia_driver() else available


def has_nvidia_driver() -> bool:
    """Return whether the NVIDIA driver is installed."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _cuda(graph: str) -> dict[str, str]:
    # The default search tries every convolution algorithm, at each start. TF32, another default, rounds to 10 bits,
    # which is not what a float32 file promises; for that speed, export in FP16, where the loss is measured.
    return {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0", "enable_cuda_graph": graph}


def _tensorrt(graph: str, engines: Path) -> dict[str, str]:
    return {"trt_engine_cache_enable": "1", "trt_engine_cache_path": str(engines), "trt_cuda_graph_enable": graph}


def active_provider(session: Any) -> ActiveProvider:
    """Return what a session really runs on: ONNX Runtime silently skips a provider whose libraries are missing."""
    first = session.get_providers()[0]
    return "cuda" if first == CUDA else "tensorrt" if first == TENSORRT else "cpu"


def open_session(data: bytes, providers: ProviderList, batch: int) -> Any:
    """Create an ``onnxruntime.InferenceSession``.

    Parameters
    ----------
    data
        The ONNX file.
    providers
        One of `provider_candidates`.
    batch
        Windows at once. On a GPU the graph's shapes are fixed to it.

    Raises
    ------
    ModelError
        TensorRT's libraries are missing.
    Exception
        ONNX Runtime's own, which have no common base class: the graph or the provider is refused.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _FATAL
    if providers[0][0] != CPU:
        _load_libraries(providers)
        # With all shapes fixed, none is computed on the CPU between two kernels. On a CPU that would gain 7 us a
        # decision, but an INT8 file would start 10 ms later.
        options.add_free_dimension_override_by_name("batch", batch)
    try:
        # ONNX Runtime's own fallback would print to standard output and use the CPU unasked.
        return ort.InferenceSession(data, options, providers=providers, enable_fallback=0)
    except RuntimeError as error:
        if "TensorRT libraries" in str(error):
            raise ModelError(DID_NOT_START["tensorrt"]) from None
        raise


def silence_default_logger() -> None:
    """Silence ONNX Runtime's default logger, to which it reports a missing CUDA library; we say so in one sentence.

    For a process that is ours only: the logger is shared by the whole process, and cannot be asked for its severity, so
    that nobody could restore it.
    """
    import onnxruntime as ort

    ort.set_default_logger_severity(_FATAL)


def _load_libraries(providers: ProviderList) -> None:
    """Load the libraries that pip installs among Python packages, where the system's loader does not look."""
    import onnxruntime as ort

    with contextlib.redirect_stdout(io.StringIO()):  # it prints, and standard output may be carrying JSON
        ort.preload_dlls()
    if providers[0][0] == TENSORRT:
        Path(providers[0][1]["trt_engine_cache_path"]).mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(ImportError):
            importlib.import_module("tensorrt_libs")
