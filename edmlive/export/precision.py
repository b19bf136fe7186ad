"""Smaller and faster graphs: weights and activations in 8 bits, and the accuracy that lower precision may cost."""

import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from edmlive.errors import ModelError
from edmlive.spec import Features

LARGEST_LOSS = 0.005
"""Accuracy, as a share of the chunks, that lower precision may cost."""


def to_int8(model: onnx.ModelProto, calibration: Iterable[Features]) -> onnx.ModelProto:
    """Quantise a graph: unsigned activations, signed weights by channel, as QuantizeLinear/DequantizeLinear pairs.

    On CPUs signed activations are 2.4 times slower. Convolutions of one channel stay in single precision: they multiply
    too little for 8 bits to pay. A ReLU is quantised with the layer before it, whose scale starts at zero then.

    Parameters
    ----------
    model
        The graph in single precision.
    calibration
        Batches of real raw features, from which the ranges of activations are taken.

    Raises
    ------
    ModelError
        Temporary files cannot be written.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    with tempfile.TemporaryDirectory() as folder, _quiet():
        source, target = Path(folder) / "model.onnx", Path(folder) / "int8.onnx"
        try:
            onnx.save(model, source)
            quantize_static(
                source,
                target,
                _Chunks(calibration),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["Conv", "Gemm", "Add", "Relu"],
                nodes_to_exclude=_of_one_channel(model),
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
            )
            return _with_metadata(onnx.load(target), model)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ModelError(
                f"Quantising needs room for temporary files in {tempfile.gettempdir()}: {reason}."
            ) from None


def gate(before: float, after: float, *, force: bool) -> None:
    """Refuse a graph in lower precision that has lost too much accuracy.

    Parameters
    ----------
    before, after
        Chunk-level accuracies, 0..1, in single and in lower precision, on the same chunks.
    force
        Accept any loss.

    Raises
    ------
    ModelError
        The loss is above `LARGEST_LOSS`.
    """
    if before - after > LARGEST_LOSS and not force:
        raise ModelError(
            f"Lower precision costs {100 * (before - after):.1f} points of accuracy ({before:.1%} to {after:.1%}), so "
            "nothing was written: calibrate on more recordings, or insist with --force."
        )


def _of_one_channel(model: onnx.ModelProto) -> list[str]:
    shapes = {tensor.name: tensor.dims for tensor in model.graph.initializer}
    return [node.name for node in model.graph.node if node.op_type == "Conv" and shapes[node.input[1]][1] == 1]


class _Chunks:
    """Calibration data for ONNX Runtime, which asks for one chunk at a time."""

    def __init__(self, batches: Iterable[Features]) -> None:
        self._chunks = (
            {name: array[[k]] for name, array in batch.items()}
            for batch in batches
            for k in range(len(next(iter(batch.values()))))
        )

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._chunks, None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence ONNX Runtime, which recommends a preprocessing that the exporter has already done."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _with_metadata(model: onnx.ModelProto, source: onnx.ModelProto) -> onnx.ModelProto:
    del model.metadata_props[:]
    model.metadata_props.extend(source.metadata_props)
    onnx.checker.check_model(model, full_check=True)
    return model
