"""Which execution providers are tried, in which order, with which options."""

from pathlib import Path

import onnxruntime
import pytest

from edmlive.errors import ModelError
from edmlive.realtime.classifier import Classifier, zoo
from edmlive.realtime.onnx_file import read_model
from edmlive.realtime.providers import (
    CPU,
    CUDA,
    TENSORRT,
    Provider,
    ProviderList,
    open_session,
    provider_candidates,
)

ENGINES = Path("engines")
BUILT_FOR_GPU = (TENSORRT, CUDA, CPU)


def names(provider: Provider, available: tuple[str, ...] = BUILT_FOR_GPU) -> list[list[str]]:
    return [[name for name, _ in candidate] for candidate in provider_candidates(provider, available, ENGINES)]


def graphs(provider: Provider) -> list[list[str]]:
    """Which providers of each candidate are to capture a graph."""
    return [
        [
            name
            for name, options in candidate
            if "1" in (options.get("enable_cuda_graph"), options.get("trt_cuda_graph_enable"))
        ]
        for candidate in provider_candidates(provider, BUILT_FOR_GPU, ENGINES)
    ]


def test_gpu_is_tried_with_a_graph_then_without_and_only_auto_falls_back_to_the_cpu() -> None:
    assert names("auto") == [[CUDA, CPU], [CUDA, CPU], [CPU]]
    assert names("cuda") == [[CUDA, CPU], [CUDA, CPU]]
    assert names("tensorrt") == [[TENSORRT, CUDA, CPU], [TENSORRT, CUDA, CPU]]
    assert names("cpu") == names("auto", (CPU,)) == [[CPU]]
    assert graphs("auto") == [[CUDA], [], []]
    assert graphs("tensorrt") == [[TENSORRT], []]  # only one of them may capture


def test_float32_stays_float32_on_cuda_and_no_search_delays_the_start() -> None:
    for candidate in provider_candidates("cuda", BUILT_FOR_GPU, ENGINES):
        options = dict(candidate)[CUDA]
        assert (options["use_tf32"], options["cudnn_conv_algo_search"]) == ("0", "HEURISTIC")


def test_tensorrt_engines_are_cached() -> None:
    for candidate in provider_candidates("tensorrt", BUILT_FOR_GPU, ENGINES):
        options = dict(candidate)[TENSORRT]
        assert (options["trt_engine_cache_enable"], options["trt_engine_cache_path"]) == ("1", str(ENGINES))


@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_provider_that_onnx_runtime_lacks_is_refused(provider: Provider) -> None:
    with pytest.raises(ModelError, match=r"has no (CUDA|TensorRT): install onnxruntime-gpu"):
        provider_candidates(provider, (CPU,), ENGINES)


@pytest.mark.parametrize("candidate", [[(CPU, {})], [(CUDA, {}), (CPU, {})]], ids=["CPU", "CUDA"])
def test_a_host_program_keeps_its_log(candidate: ProviderList, monkeypatch: pytest.MonkeyPatch) -> None:
    if candidate[0][0] not in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime was built without CUDA")
    asked: list[int] = []
    monkeypatch.setattr(onnxruntime, "set_default_logger_severity", asked.append)
    open_session(read_model(next(iter(zoo().values()))).data, candidate, 1)
    assert asked == []


def test_nothing_is_logged_where_there_is_no_gpu(capfd: pytest.CaptureFixture[str]) -> None:
    if any(Path("/dev").glob("nvidia*")):
        pytest.skip("there is an NVIDIA GPU")
    assert Classifier(provider="auto").provider == "cpu"
    assert capfd.readouterr() == ("", "")
