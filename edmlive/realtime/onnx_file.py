"""Reading an untrusted ONNX file before ONNX Runtime sees it: its spec, and that it holds nothing but a plain graph.

An ONNX file is a Protocol Buffers message; the ``onnx`` package itself is not part of the run-time install. Readers of
such messages differ in what they tolerate: some keep the low 32 bits of a tag that is too long, some let a second graph
replace the first. What one reader skips, another may take for weights in a file of the user's. This one tolerates
nothing: whatever it accepts, every reader understands in the same way.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edmlive.errors import ModelError
from edmlive.spec import METADATA_KEY, ModelSpec, SpecError

LARGEST_BYTES = 1 << 30
MOST_FIELDS = 500_000
"""Fields of a file, not counting the numbers in lists; a small file could otherwise take an hour to parse."""
DEEPEST = 64
"""Messages within messages; other readers stop at 100."""
DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
"""Where operators may come from."""
ENDLESS = frozenset({"Loop", "Scan", "SequenceMap"})
"""Operators that run a graph as often as the file likes."""

_WIRE_TYPES = {"varint": 0, "fixed64": 1, "bytes": 2, "fixed32": 5}
_TAG_END = 1 << 32
_NUMBERS = {
    0: rb"(?:[\x00-\x7f]|[\x80-\xff]{1,8}[\x01-\x7f]|[\x80-\xff]{9}\x01)",
    1: rb".{8}",
    5: rb".{4}",
}
"""By wire type; a varint takes as few bytes as it can."""

# Message -> content -> numbers of the fields with it: a scalar or another message; "*" if a field may be repeated.
# As in onnx.proto of ONNX 1.23.
_MESSAGES: dict[str, dict[str, tuple[int, ...]]] = {
    "model": {
        "varint": (1, 5),
        "bytes": (2, 3, 4, 6),
        "bytes*": (8, 26),
        "graph": (7,),
        "entry*": (14,),
        "training*": (20,),
        "function*": (25,),
    },
    "graph": {
        "bytes": (2, 10),
        "bytes*": (11, 12, 13, 14),
        "node*": (1,),
        "tensor*": (5,),
        "sparse*": (15,),
        "entry*": (16,),
    },
    "node": {"bytes": (3, 4, 6, 7, 8), "bytes*": (1, 2, 10), "attribute*": (5,), "entry*": (9,)},
    "attribute": {
        "varint": (3, 20),
        "varint*": (8,),
        "fixed32": (2,),
        "fixed32*": (7,),
        "bytes": (1, 4, 13, 14, 21),
        "bytes*": (9, 15),
        "tensor": (5,),
        "tensor*": (10,),
        "sparse": (22,),
        "sparse*": (23,),
        "graph": (6,),
        "graph*": (11,),
    },
    "tensor": {
        "varint": (2, 14),
        "varint*": (1, 5, 7, 11),
        "fixed32*": (4,),
        "fixed64*": (10,),
        "bytes": (3, 8, 9, 12),
        "bytes*": (6, 13),
        "entry*": (16,),
    },
    "sparse": {"varint*": (3,), "tensor": (1, 2)},
    "function": {
        "bytes": (1, 8, 10, 13),
        "bytes*": (4, 5, 6, 9, 12),
        "node*": (7,),
        "attribute*": (11,),
        "entry*": (14,),
    },
    "training": {"bytes*": (3, 4), "graph": (1, 2)},
    "entry": {"bytes": (1, 2)},
}
_SCHEMA = {
    message: {number: content for content, numbers in fields.items() for number in numbers}
    for message, fields in _MESSAGES.items()
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14


@dataclass
class _Content:
    """What a file holds, as far as it matters here."""

    metadata: list[tuple[str, str]] = field(default_factory=list)
    operators: set[tuple[str, str]] = field(default_factory=set)
    external: bool = False
    functions: bool = False
    sparse: bool = False


@dataclass(frozen=True)
class ModelFile:
    """An ONNX file that has passed the checks.

    Parameters
    ----------
    data
        The whole file, as ``onnxruntime.InferenceSession`` takes it.
    spec
        The `ModelSpec` it carries.
    metadata
        Its ``metadata_props``; the spec as JSON is one of them.
    """

    data: bytes
    spec: ModelSpec
    metadata: Mapping[str, str]


def read_model(path: Path) -> ModelFile:
    """Read and check a model file.

    Raises
    ------
    ModelError
        The file is missing, too large, not ONNX, or empty, refers to external data, has functions, loops, sparse
        tensors or operators of other domains, or carries no valid spec.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            raise ModelError(f"Model {path} has {size >> 20} MB; at most {LARGEST_BYTES >> 20} MB are accepted.")
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ModelError(f"Model {path} cannot be read ({reason}): 'edmlive models' lists those that ship.") from None
    if not data:
        raise ModelError(f"Model {path} is empty.")
    try:
        content = _read(data)
    except (ValueError, IndexError):
        raise ModelError(f"Model {path} is not an ONNX file.") from None
    if (refusal := _refusal(content)) is not None:
        raise ModelError(f"Model {path} {refusal}.")
    metadata = dict(content.metadata)
    if METADATA_KEY not in metadata:
        raise ModelError(f"Model {path} carries no edmlive spec: export it with edmlive.")
    try:
        spec = ModelSpec.from_json(metadata[METADATA_KEY])
    except SpecError as error:
        raise ModelError(f"Model {path} is refused: {error}.") from None
    return ModelFile(data, spec, metadata)


def _refusal(content: _Content) -> str | None:
    """Say why a file is not run, if it is not."""
    if content.external:
        return "keeps weights outside itself: export it without external data"
    if content.functions:
        return "has functions of its own: export it with them inlined"
    if content.sparse:
        return "has sparse tensors: export it with dense ones"
    if foreign := sorted(domain for domain, _ in content.operators if domain not in DOMAINS):
        return f"has operators of {foreign[0]!r}, which edmlive does not run"
    if endless := sorted(name for _, name in content.operators if name in ENDLESS):
        return f"has the operator {endless[0]}, which may run for ever: export it without loops"
    if len(dict(content.metadata)) < len(content.metadata):
        return "says the same thing twice in its metadata: export it anew"
    return None


def _read(data: bytes) -> _Content:
    content = _Content()
    fields_left = MOST_FIELDS
    waiting = [("model", memoryview(data), 0)]
    while waiting:
        kind, message, depth = waiting.pop()
        if depth > DEEPEST:
            raise ValueError("too deep")
        schema, texts = _SCHEMA[kind], {}
        once: set[int] = set()
        for number, wire, value in _fields(message):
            what = schema.get(number)
            if what is None:
                raise ValueError(f"unknown field {number} of a {kind}")
            name, repeated = what.rstrip("*"), what.endswith("*")
            if wire != _WIRE_TYPES.get(name, 2) and not (repeated and wire == 2):
                raise ValueError(f"field {number} of a {kind} has another type")
            if not repeated:
                if number in once:
                    raise ValueError(f"field {number} of a {kind} occurs twice")
                once.add(number)
            if not repeated or wire == 2:
                fields_left -= 1
                if fields_left < 0:
                    raise ValueError("too many fields")
            if name in _SCHEMA:
                waiting.append((name, value, depth + 1))
            elif kind in ("node", "entry") and wire == 2:
                texts[number] = value
            if kind == "tensor" and (number == _EXTERNAL_DATA or (number == _DATA_LOCATION and any(value))):
                content.external = True
        if kind == "function":
            content.functions = True
        elif kind == "sparse":
            content.sparse = True
        elif kind == "node":
            content.operators.add((_text(texts.get(7)), _text(texts.get(4))))
        elif kind == "entry" and depth == 1:
            content.metadata.append((_text(texts.get(1)), _text(texts.get(2))))
    return content


def _text(value: memoryview | None) -> str:
    return "" if value is None else bytes(value).decode()


def _fields(message: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """Yield (number, wire type, content) of each field; of numbers in a row with one tag, the first and the last."""
    position, end = 0, len(message)
    while position < end:
        tag, position = _varint(message, position)
        number, wire = tag >> 3, tag & 7
        if number == 0 or tag >= _TAG_END:
            raise ValueError(f"tag {tag}")
        start = position
        if wire == 0:
            _, position = _varint(message, position)
        elif wire == 2:
            length, start = _varint(message, position)
            position = start + length
        elif wire in (1, 5):
            position += 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if position > end:
            raise ValueError("truncated")
        yield number, wire, message[start:position]
        if wire != 2 and tag < 0x80 and (run := _run_of(tag).match(message, position)) is not None:
            position = run.end()
            yield number, wire, message[run.start(1) + 1 : position]


@functools.cache
def _run_of(tag: int) -> re.Pattern[bytes]:
    """Match one or more numbers, each behind its tag of one byte: a forest has millions of them."""
    field = re.escape(bytes([tag])) + _NUMBERS[tag & 7]
    return re.compile(b"(" + field + b")++", re.DOTALL)


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Return an integer of 64 bits at most in as few bytes as it takes, and where it ends."""
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if (byte == 0 and shift > 0) or value >= 1 << 64:
                raise ValueError("varint longer than necessary")
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("varint too long")
