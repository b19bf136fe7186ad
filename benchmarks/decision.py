"""CPU time of one decision of the paper's network, against OpenVINO and PyTorch, on one thread.

Run from the repository root, in the environment of ``make test``: ``python -m benchmarks.decision``.

Late fusion at the paper's width, with random weights, as `edmlive export` makes it: in single precision, in 8 bits
(``--int8``). Then the network that ships. All answer the same chunks of music, one a second, and must agree. OpenVINO
(``pip install --group peers``) runs the same files, one chunk at a time, in the files' own precision.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from benchmarks.table import Row, options, show
from benchmarks.untrained import late_fusion
from edmlive.diagnostics.stopwatch import cpu_seconds
from edmlive.export.network import classify_with, network_graph, session
from edmlive.export.precision import to_int8
from edmlive.features.windows import Windows
from edmlive.realtime.classifier import find_model
from edmlive.spec import Features, ModelSpec
from tests.music import render

CHECKED = 6
"""Chunks on which all must agree before they are timed."""
TOLERANCE = 0.15
"""Of a probability, in 8 bits."""

Classify = Callable[[Features], NDArray[np.float32]]


def chunks_of_music(spec: ModelSpec, count: int) -> Sequence[Features]:
    """Return `count` chunks of music, one per second, as batches of one."""
    music = render(count + 5, spec.sample_rate)[:, 0].copy()
    windows, chunks = Windows(spec), []
    for segment in music.reshape(-1, spec.sample_rate):
        windows.push(segment)
        tensors = windows.read().tensors
        if tensors is not None:
            chunks.append({name: array[np.newaxis] for name, array in tensors.items()})
    return chunks[:count]


def with_openvino(model: onnx.ModelProto) -> Classify:
    """Compile a graph for one chunk at a time."""
    import openvino

    core = openvino.Core()
    graph = core.read_model(model.SerializeToString())
    graph.reshape({i.any_name: [1, *(d.get_length() for d in list(i.partial_shape)[1:])] for i in graph.inputs})
    settings = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    request = core.compile_model(graph, "CPU", settings).create_infer_request()
    return lambda chunk: np.array(request.infer(dict(chunk))[0])


def milliseconds(contenders: Mapping[str, Classify], chunks: Sequence[Features]) -> dict[str, float]:
    """Time all contenders in turn on all chunks, after checking that they agree on the first ones."""
    for chunk in chunks[:CHECKED]:
        expected, *others = (answer(chunk) for answer in contenders.values())
        for name, other in zip(list(contenders)[1:], others, strict=True):
            np.testing.assert_allclose(other, expected, atol=TOLERANCE, err_msg=name)
    rest = {name: iter(chunks[CHECKED:]) for name in contenders}
    work = {name: partial(lambda name: contenders[name](next(rest[name])), name) for name in contenders}
    return {name: 1e3 * seconds for name, seconds in cpu_seconds(work, len(chunks) - CHECKED - 1).items()}


def rows(
    name: str, graphs: dict[str, onnx.ModelProto], others: dict[str, Classify], spec: ModelSpec, count: int
) -> list[Row]:
    """Compare each graph with the first, in single precision, with OpenVINO on the same graph, and with others."""
    contenders = {kind: classify_with(session(graph)) for kind, graph in graphs.items()} | others
    if find_spec("openvino"):
        contenders |= {f"OpenVINO, {kind}": with_openvino(graphs[kind]) for kind in ("float32", "int8")}
    took = milliseconds(contenders, chunks_of_music(spec, count))
    compared = [(kind, f"OpenVINO, {kind}") for kind in ("float32", "int8")] + [("float32", other) for other in others]
    compared += [(kind, "float32") for kind in graphs if kind != "float32"]
    return [
        Row(f"{name}, {kind}", peer.partition(",")[0], took[kind], took[peer], "ms CPU per decision")
        for kind, peer in compared
        if peer in took
    ]


def main() -> None:
    chosen = options(__doc__)
    torch.set_num_threads(1)
    width, count = (16, 20) if chosen.quick else (128, 60)
    checkpoint = late_fusion(width)
    plain = network_graph(checkpoint)
    graphs = {"float32": plain, "int8": to_int8(plain, chunks_of_music(checkpoint.spec, 8))}
    measured = rows(f"width {width}", graphs, {"PyTorch": checkpoint.probabilities}, checkpoint.spec, count)
    shipped = {
        kind: onnx.load(find_model(f"late-fusion-distilled{end}")) for kind, end in (("float32", ""), ("int8", "-int8"))
    }
    measured += rows("late-fusion-distilled", shipped, {}, checkpoint.spec, count)
    if not find_spec("openvino"):
        print("OpenVINO is not installed (pip install --group peers): left out.")
    show(measured, chosen)


if __name__ == "__main__":
    main()
