"""An ONNX file is untrusted input: what is read of it, and what is refused before ONNX Runtime sees it."""

import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from edmlive.errors import ModelError
from edmlive.realtime.onnx_file import LARGEST_BYTES, read_model
from edmlive.spec import METADATA_KEY, ModelSpec
from tests import small_models

MODEL = small_models.build(small_models.spec())


def copy() -> onnx.ModelProto:
    proto = onnx.ModelProto()
    proto.CopyFrom(MODEL)
    return proto


def outside(name: str = "W") -> TensorProto:
    """A tensor whose values lie in another file."""
    proto = numpy_helper.from_array(np.zeros(4, np.float32), name)
    proto.ClearField("raw_data")
    proto.data_location = TensorProto.EXTERNAL
    proto.external_data.add(key="location", value="/etc/passwd")
    return proto


def branch(*initializers: TensorProto) -> onnx.GraphProto:
    node = helper.make_node("Identity", ["x"], ["y"])
    return helper.make_graph([node], "branch", [], [small_models.tensor("y", (4,))], initializers)


def in_initializer(proto: onnx.ModelProto) -> None:
    proto.graph.initializer.append(outside())


def in_attribute(proto: onnx.ModelProto) -> None:
    proto.graph.node.append(helper.make_node("Constant", [], ["c"], value=outside()))


def in_subgraph(proto: onnx.ModelProto) -> None:
    inner = branch(outside())
    outer = branch()
    outer.node.append(helper.make_node("If", ["condition"], ["z"], then_branch=inner, else_branch=branch()))
    proto.graph.node.append(helper.make_node("If", ["condition"], ["z"], then_branch=branch(), else_branch=outer))


def in_list_of_subgraphs(proto: onnx.ModelProto) -> None:
    node = proto.graph.node.add(op_type="Strange")
    node.attribute.append(helper.make_attribute("graphs", [branch(), branch(outside())]))


def in_list_of_tensors(proto: onnx.ModelProto) -> None:
    proto.graph.node.add(op_type="Strange").attribute.append(helper.make_attribute("tensors", [outside()]))


def in_sparse_initializer(proto: onnx.ModelProto) -> None:
    proto.graph.sparse_initializer.add().values.CopyFrom(outside())


def in_function(proto: onnx.ModelProto) -> None:
    constant = helper.make_node("Constant", [], ["y"], value=outside())
    proto.functions.append(helper.make_function("ours", "f", [], ["y"], [constant], [helper.make_opsetid("", 18)]))


def by_location_alone(proto: onnx.ModelProto) -> None:
    proto.graph.initializer.add(name="W").data_location = TensorProto.EXTERNAL


def by_entries_alone(proto: onnx.ModelProto) -> None:
    proto.graph.initializer.add(name="W").external_data.add(key="location", value="weights.bin")


HIDING_PLACES = (
    *(in_initializer, in_attribute, in_subgraph, in_list_of_subgraphs, in_list_of_tensors, in_sparse_initializer),
    *(in_function, by_location_alone, by_entries_alone),
)


def test_reads_spec_metadata_and_unchanged_bytes(tmp_path: Path) -> None:
    proto = copy()
    proto.metadata_props.add(key="note", value="été")
    path = tmp_path / "small.onnx"
    onnx.save(proto, path)
    file = read_model(path)
    assert file.data == path.read_bytes()
    assert file.spec == small_models.spec()
    assert file.metadata == {entry.key: entry.value for entry in proto.metadata_props}
    assert file.metadata["note"] == "été"


@pytest.mark.parametrize("hide", HIDING_PLACES, ids=lambda hide: hide.__name__)
def test_external_data_is_found_wherever_it_hides(tmp_path: Path, hide: Callable[[onnx.ModelProto], None]) -> None:
    proto = copy()
    hide(proto)
    path = tmp_path / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(ModelError, match="outside itself"):
        read_model(path)


def loop(proto: onnx.ModelProto) -> None:
    body = helper.make_graph([helper.make_node("Identity", ["c"], ["d"])], "body", [], [small_models.tensor("d", ())])
    inner = branch()
    inner.node.append(helper.make_node("Loop", ["trips", "go"], ["z"], body=body))
    proto.graph.node.append(helper.make_node("If", ["condition"], ["z"], then_branch=inner, else_branch=branch()))


def stranger(proto: onnx.ModelProto) -> None:
    proto.graph.node.add(op_type="PyOp", domain="ai.onnx.contrib")


def file_of_a_provider(proto: onnx.ModelProto) -> None:
    proto.graph.node.add(op_type="EPContext", domain="com.microsoft")


def function(proto: onnx.ModelProto) -> None:
    identity = helper.make_node("Identity", ["x"], ["y"])
    proto.functions.append(helper.make_function("ours", "f", ["x"], ["y"], [identity], [helper.make_opsetid("", 18)]))


def sparse(proto: onnx.ModelProto) -> None:
    values, indices = numpy_helper.from_array(np.ones(1, np.float32)), numpy_helper.from_array(np.zeros(1, np.int64))
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [1 << 32]))


def same_key_twice(proto: onnx.ModelProto) -> None:
    proto.metadata_props.append(proto.metadata_props[0])


@pytest.mark.parametrize(
    ("add", "words"),
    [
        (loop, "operator Loop"),
        (stranger, "operators of 'ai.onnx.contrib'"),
        (file_of_a_provider, "operators of 'com.microsoft'"),
        (function, "functions of its own"),
        (sparse, "sparse tensors"),
        (same_key_twice, "twice in its metadata"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_graph_that_is_more_than_a_plain_one_is_refused(
    tmp_path: Path, add: Callable[[onnx.ModelProto], None], words: str
) -> None:
    proto = copy()
    add(proto)
    path = tmp_path / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(ModelError, match=words):
        read_model(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no edmlive spec"),
        ("{", "malformed"),
        ("{}", "malformed at 'name'"),
        (small_models.spec().to_json().replace('"schema": 1', '"schema": 2'), "version 2"),
    ],
    ids=["no spec", "not JSON", "incomplete", "too new"],
)
def test_file_without_a_spec_that_can_be_read_is_refused(tmp_path: Path, text: str | None, words: str) -> None:
    proto = copy()
    del proto.metadata_props[:]
    if text is not None:
        small_models.carry(proto, text)
    path = tmp_path / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(ModelError, match=words):
        read_model(path)


WHOLE = MODEL.SerializeToString()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Not a model at all.\n",
        bytes(1000),
        np.random.default_rng(0).bytes(5000),
        WHOLE[:-1],
        WHOLE[: len(WHOLE) // 2],
    ],
    ids=["empty", "text", "zeros", "noise", "last byte missing", "half"],
)
def test_file_that_is_not_onnx_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"not an ONNX file|is empty"):
        read_model(path)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        read_model(tmp_path / "missing.onnx")
    with pytest.raises(ModelError, match="is a directory"):
        read_model(tmp_path)


def test_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with path.open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    tracemalloc.start()
    with pytest.raises(ModelError, match="at most 1024 MB"):
        read_model(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited field of a Protocol Buffers message."""
    length, size = b"", len(payload)
    while size > 0x7F:
        length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + payload


def test_deeply_nested_graph_is_refused(tmp_path: Path) -> None:
    graph = b""
    for _ in range(2000):
        graph = field(1, field(5, field(6, graph)))  # in an attribute of a node of a graph
    path = tmp_path / "model.onnx"
    path.write_bytes(field(7, graph))
    with pytest.raises(ModelError, match="not an ONNX file"):
        read_model(path)


EXTERNAL = outside().SerializeToString()


@pytest.mark.parametrize(
    "extra",
    [
        field(7, field(5, EXTERNAL.replace(b"\x6a", b"\xea\x80\x80\x80\x10"))),
        field(7, field(5, EXTERNAL.replace(b"\x6a", b"\xea\x00"))),
        field(7, b""),
        field(20, field(1, field(5, EXTERNAL))),
        b"\x3a\x80\x00",
        b"\x3b\x3c",
        b"\x38\x05",
        field(14, b"\x08\x05"),
        b"\xf8\x3f\x00",
        b"\x08\x01\x08\x01",
        field(7, field(1, field(5, b"\x40\x01" * 5 + b"\x40\x81\x00"))),
    ],
    ids=[
        "tag whose low 32 bits are another",
        "tag in more bytes than it needs",
        "second graph",
        "graph for training",
        "length in more bytes than it needs",
        "group",
        "graph as a number",
        "key as a number",
        "field of no known version",
        "version twice in a row",
        "number in a list in more bytes than it needs",
    ],
)
def test_what_readers_may_take_differently_is_refused(tmp_path: Path, extra: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(WHOLE + extra)
    with pytest.raises(ModelError, match=r"not an ONNX file|outside itself"):
        read_model(path)


@pytest.mark.parametrize(
    "extra",
    [
        b"\x98\x06\x00" * 17_000_000,
        field(7, field(1, b"") * 1_000_000),
        field(7, field(1, field(5, b"\x40\x00" * 25_000_000))) + b"\x00",
    ],
    ids=["tiny fields", "a million nodes", "a list of numbers"],
)
def test_file_of_nothing_but_fields_is_refused_in_a_moment(tmp_path: Path, extra: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(extra)
    started = time.process_time()
    with pytest.raises(ModelError, match="not an ONNX file"):
        read_model(path)
    assert time.process_time() - started < 5


def damaged(data: st.DataObject) -> bytes:
    """The real file with some bytes changed, cut out or put in."""
    model = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(model)))
        model[position : position + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    return bytes(model)


@settings(deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bytes_give_a_model_or_a_model_error(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(data.draw(st.binary(max_size=200)) if data.draw(st.booleans()) else damaged(data))
    try:
        read_model(path)
    except ModelError as error:
        assert "\n" not in str(error)


def tensors(graph: onnx.GraphProto) -> Iterator[TensorProto]:
    """Every tensor of a graph, as the reader of the ``onnx`` package finds them."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for inner in (attribute.g, *attribute.graphs):
                yield from tensors(inner)


@settings(deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(data=st.data())
def test_what_is_accepted_means_the_same_to_the_parser_of_onnx(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(damaged(data))
    try:
        file = read_model(path)
    except ModelError:
        return
    proto = onnx.ModelProto.FromString(file.data)
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    assert ModelSpec.from_json(metadata[METADATA_KEY]) == file.spec
    for tensor in tensors(proto.graph):
        assert tensor.data_location == TensorProto.DEFAULT and not tensor.external_data
    assert not proto.functions and not proto.training_info and not proto.graph.sparse_initializer
