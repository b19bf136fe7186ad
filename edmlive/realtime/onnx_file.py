"""Reading an untrusted ONNX file before ONNX Runtime sees it: its spec, and whether it stays within itself.

An ONNX file is a Protocol Buffers message. Only the few fields that matter are walked, by their numbers
in ``onnx.proto``; the ``onnx`` package itself is not part of the run-time install.
"""

from collections.abc import Iterator
from pathlib import Path

from edmlive.errors import ModelError
from edmlive.spec import METADATA_KEY, ModelSpec, SpecError

LARGEST_BYTES = 1 << 30

_MODEL_GRAPH, _MODEL_METADATA, _MODEL_FUNCTIONS = 7, 14, 25
_ENTRY_KEY, _ENTRY_VALUE = 1, 2
_TENSOR_EXTERNAL_DATA, _TENSOR_DATA_LOCATION = 13, 14

# Message type -> field number -> message type, for every path on which a tensor can lie.
_CHILDREN: dict[str, dict[int, str]] = {
    "model": {_MODEL_GRAPH: "graph", _MODEL_FUNCTIONS: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}


def read_model(path: Path) -> tuple[bytes, ModelSpec]:
    """Read a model file and its spec.

    Returns
    -------
    data
        The file, ready for ``onnxruntime.InferenceSession``.
    spec
        The `ModelSpec` it carries.

    Raises
    ------
    ModelError
        Missing, too large, not ONNX, with external data, or without a valid spec.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            raise ModelError(f"Model {path} has {size >> 20} MB; at most {LARGEST_BYTES >> 20} MB are accepted.")
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ModelError(f"Model {path} cannot be read ({reason}): 'edmlive models' lists those that ship.") from None
    try:
        external = _has_external_data(memoryview(data), "model")
        metadata = dict(_metadata(memoryview(data)))
    except (ValueError, IndexError, RecursionError):
        raise ModelError(f"Model {path} is not an ONNX file.") from None
    if not data:
        raise ModelError(f"Model {path} is empty.")
    if external:
        raise ModelError(f"Model {path} keeps weights outside itself: export it without external data.")
    if METADATA_KEY not in metadata:
        raise ModelError(f"Model {path} carries no edmlive spec: export it with edmlive.")
    try:
        return data, ModelSpec.from_json(metadata[METADATA_KEY])
    except SpecError as error:
        raise ModelError(f"Model {path} is refused: {error}.") from None


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield (number, value) of each field; a view for length-delimited ones, the integer for varints."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise ValueError("field number 0")
        if wire == 0:
            value, position = _varint(message, position)
            yield number, value
            continue
        if wire == 2:
            length, position = _varint(message, position)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if position + length > len(message):
            raise ValueError("truncated")
        yield number, message[position : position + length]
        position += length


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("varint too long")


def _has_external_data(message: memoryview, kind: str) -> bool:
    children = _CHILDREN[kind]
    for number, value in _fields(message):
        if kind == "tensor" and (number == _TENSOR_EXTERNAL_DATA or (number == _TENSOR_DATA_LOCATION and value != 0)):
            return True
        if number in children:
            if not isinstance(value, memoryview):
                raise ValueError("a message was expected")
            if _has_external_data(value, children[number]):
                return True
    return False


def _metadata(message: memoryview) -> Iterator[tuple[str, str]]:
    for number, entry in _fields(message):
        if number == _MODEL_METADATA and isinstance(entry, memoryview):
            pair = {n: bytes(v).decode() for n, v in _fields(entry) if isinstance(v, memoryview)}
            yield pair.get(_ENTRY_KEY, ""), pair.get(_ENTRY_VALUE, "")
