"""The authors' released checkpoint: read without running it, and run as their code ran it."""

import contextlib
import os
import pickle
import sys
import time
import tracemalloc
import types
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import onnx
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from edmlive.cli import app
from edmlive.errors import ModelError
from edmlive.export.released import untrusted
from edmlive.export.released.model import CLASSES, SPEC, ReleasedPipeline, read_released
from edmlive.export.released.network import ReleasedBlock, ReleasedNetwork
from edmlive.export.released.untrusted import read_state
from edmlive.features.windows import Windows
from edmlive.realtime.classifier import Classifier
from edmlive.taxonomy import SUBGENRES
from tests.music import render


@pytest.fixture(scope="module")
def network() -> ReleasedNetwork:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    made = ReleasedNetwork().eval()
    for buffer in made.buffers():
        if buffer.dtype == torch.float32:
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    return made


@pytest.fixture
def theirs(network: ReleasedNetwork, monkeypatch: pytest.MonkeyPatch) -> Iterator[nn.Module]:
    """The same network as it is in their file: other class names, layers that are never used, DataParallel around."""
    model: Any = types.ModuleType("model")
    modules: Any = types.ModuleType("modules")
    model.Joint_ShortChunkCNN_Res = type("Joint_ShortChunkCNN_Res", (nn.Module,), {"__module__": "model"})
    modules.Res_2d = type("Res_2d", (nn.Module,), {"__module__": "modules"})
    monkeypatch.setitem(sys.modules, "model", model)
    monkeypatch.setitem(sys.modules, "modules", modules)
    whole = model.Joint_ShortChunkCNN_Res()
    for name, child in network.named_children():
        if isinstance(child, ReleasedBlock):
            block = modules.Res_2d()
            for inner, layer in child.named_children():
                block.add_module(inner, layer)
            block.relu = nn.ReLU()
            child = block
        whole.add_module(name, child)
    for number in range(1, 5):
        whole.add_module(f"conv1d_{number}", nn.Conv1d(50, 50, 3))
    whole.bn_1 = nn.BatchNorm1d(50)
    whole.dropout = nn.Dropout(0.5)
    whole.rnn = nn.GRU(50, 1)
    yield nn.DataParallel(whole)


@pytest.mark.filterwarnings("ignore")  # PyTorch cannot find the source text of classes made here
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy stream"])
@pytest.mark.parametrize("whole", [True, False], ids=["module", "state dictionary"])
def test_both_formats_give_their_weights(
    network: ReleasedNetwork, theirs: nn.Module, tmp_path: Path, zipped: bool, whole: bool
) -> None:
    path = tmp_path / "joint.pkl"
    torch.save(theirs if whole else theirs.state_dict(), path, _use_new_zipfile_serialization=zipped)
    read = read_released(path)
    for name, tensor in network.state_dict().items():
        assert torch.equal(read.state_dict()[name], tensor), name


class Evil:
    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self._mark}",)


@pytest.mark.parametrize("zipped", [True, False, None], ids=["zip", "legacy stream", "plain pickle"])
def test_a_pickle_that_would_run_something_is_refused_by_name(tmp_path: Path, zipped: bool | None) -> None:
    path, mark = tmp_path / "evil.pkl", tmp_path / "mark"
    if zipped is None:
        path.write_bytes(pickle.dumps(Evil(mark)))
    else:
        torch.save({"weight": torch.zeros(2), "x": Evil(mark)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ModelError, match=r"asks for (posix|nt)\.system, and nothing of it was run"):
        read_state(path, CLASSES)
    assert not mark.exists()


@pytest.mark.parametrize("name", ["builtins eval", "torch load", "torch._utils _import_dotted_name", "models Res_2d"])
def test_only_known_names_are_admitted(tmp_path: Path, name: str) -> None:
    path = tmp_path / "evil.pkl"
    path.write_bytes(b"\x80\x02c" + name.replace(" ", "\n").encode() + b"\n.")
    with pytest.raises(ModelError, match=name.replace(" ", r"\.")):
        read_state(path, CLASSES)


def test_a_hostile_name_does_not_reach_the_terminal(tmp_path: Path) -> None:
    path, name = tmp_path / "evil.pkl", "os \x1b[2J" + 1000 * "x"
    path.write_bytes(b"\x80\x04\x8c\x02os" + b"X" + len(name).to_bytes(4, "little") + name.encode() + b"\x93.")
    with pytest.raises(ModelError, match=r"asks for os\.os \\x1b\[2Jx+, and nothing") as caught:
        read_state(path, CLASSES)
    assert len(str(caught.value)) < 300 + len(str(path))


def test_a_tensor_may_not_be_larger_than_its_storage(tmp_path: Path) -> None:
    for zipped in (True, False):
        torch.save({"a": torch.zeros(1).expand(1 << 40)}, tmp_path / "v.pkl", _use_new_zipfile_serialization=zipped)
        with pytest.raises(ModelError, match="cannot be read as a PyTorch checkpoint: UnpicklingError"):
            read_state(tmp_path / "v.pkl", CLASSES)


def zipped(path: Path, program: bytes, **storages: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", program)
        for key, content in storages.items():
            archive.writestr(f"a/data/{key}", content)
    return path


def text(string: str) -> bytes:
    return b"X" + len(string).to_bytes(4, "little") + string.encode()


TENSOR = (  # of storage "k", with memo 0
    b"ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + b"ctorch\nFloatStorage\n" + text("k") + text("cpu")
) + b"K\x04tQK\x00K\x04\x85K\x01\x85\x89NtRq\x00"
HOSTILE = {
    "a memo of 16 GB": b"\x80\x02}r\xff\xff\xff\x7f.",
    "a key of 2 ** 60 tuples": b"\x80\x02}(" + b"K\x01" + b"q\x00h\x00\x86" * 60 + b"K\x02u.",
    "text of 4 exabytes": b"\x80\x04\x8d" + (1 << 62).to_bytes(8, "little") + b"x.",
    "bytes of 8 GB": b"\x80\x05\x96" + (1 << 33).to_bytes(8, "little") + b"x.",
    "a number of a million digits": b"\x80\x02L" + b"9" * 1_000_000 + b"L\n.",
    "a million instructions": b"\x80\x02" + b"]0" * 1_000_000 + b"N.",
    "modules that copy a long dictionary": (
        b"\x80\x02(" + b"".join(text(f"{k:05}") + b"N" for k in range(5_000)) + b"dq\x01"
        b"ctorch.nn.modules.linear\nLinear\nq\x02" + b"h\x02)Rh\x01b" * 10_000 + b"."
    ),
    "sets of long lists": b"\x80\x02]("
    + b"K\x01" * 30_000
    + b"eq\x01"
    + b"c__builtin__\nset\nh\x01\x85R" * 9_000
    + b".",
    "a shape of a thousand huge numbers": b"\x80\x02"
    + TENSOR.replace(b"K\x04\x85", b"(" + (b"\x8b" + (8_000).to_bytes(4, "little") + b"\x7f" * 8_000) * 9 + b"t")
    + b".",
    "a list that holds itself": b"\x80\x02]q\x00h\x00a.",
    "an empty stack": b"\x80\x02.",
    "no memo": b"\x80\x02h\x09.",
    "no mark": b"\x80\x02u.",
}


@pytest.mark.parametrize("program", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("form", ["zip", "stream"])
def test_work_is_bounded_whatever_a_file_declares(tmp_path: Path, program: bytes, form: str) -> None:
    path = tmp_path / "hostile.pkl"
    if form == "zip":
        zipped(path, program, k=bytes(16))
    else:
        path.write_bytes(pickle.dumps(0x1950A86A20F9469CFC6C) + pickle.dumps(1001) + pickle.dumps({}) + program)
    tracemalloc.start()
    started = time.process_time()
    try:
        with contextlib.suppress(ModelError):
            assert not read_state(path, CLASSES)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 10 and peak < 200e6


def test_shared_parts_count_once(tmp_path: Path) -> None:
    linear = b"ctorch.nn.modules.linear\nLinear\n)R"
    weight = b"}(" + text("_parameters") + b"}" + text("w") + TENSOR + b"su"
    modules = b"}(" + text("a") + b"h\x07" + text("b") + b"h\x07u"
    doubled = (
        linear
        + weight
        + b"bq\x07"
        + b"".join(linear + b"}" + text("_modules") + modules + b"sbq\x07" for _ in range(40))
    )
    path = zipped(tmp_path / "shared.pkl", b"\x80\x02" + doubled + b".", k=np.arange(4, dtype="<f4").tobytes())
    ((name, array),) = read_state(path, CLASSES).items()
    assert name == "a." * 40 + "w" and array.tolist() == [0, 1, 2, 3]
    same = b"}(" + b"".join(text(str(k)) + b"h\x00" for k in range(1, 10_000)) + b"u"
    big = zipped(tmp_path / "same.pkl", b"\x80\x02" + TENSOR + same + b".", k=bytes(16))
    arrays = read_state(big, CLASSES)
    assert len(arrays) == 9_999 and len({id(array) for array in arrays.values()}) == 1
    views = b"}(" + b"".join(text(str(k)) + TENSOR for k in range(50)) + b"u"
    with pytest.raises(ModelError):
        read_state(zipped(tmp_path / "views.pkl", b"\x80\x02" + views + b".", k=bytes(16)), CLASSES)


def test_what_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untrusted, "LARGEST_BYTES", 1 << 20)
    with pytest.raises(ModelError):
        read_state(zipped(tmp_path / "bomb.pkl", b"\x80\x02}.", k=bytes(2 << 20)), CLASSES)
    with pytest.raises(ModelError, match="larger than 1 MB"):
        read_state(Path("/dev/zero"), CLASSES)


def test_other_shapes_and_numbers_are_one_sentence(network: ReleasedNetwork, tmp_path: Path) -> None:
    state = network.state_dict()
    for change, words in (
        ({"dense2.bias": torch.zeros(31)}, "dense2.bias has another shape"),
        ({"dense2.bias": torch.zeros(30, 1)}, "dense2.bias has another shape"),
        ({"dense2.bias": torch.full((30,), torch.nan)}, "dense2.bias.*not finite"),
        ({"\x1b[2J": torch.zeros(1)}, r"unknown tensor '\\x1b\[2J'"),
    ):
        torch.save(state | change, tmp_path / "other.pkl")
        with pytest.raises(ModelError, match=words):
            read_released(tmp_path / "other.pkl")


def test_broken_files_are_one_sentence(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1000)}, tmp_path / "good.pkl")
    whole = (tmp_path / "good.pkl").read_bytes()
    for content in (b"", b"text", whole[:500], pickle.dumps(0x1950A86A20F9469CFC6C)):
        (tmp_path / "bad.pkl").write_bytes(content)
        with pytest.raises(ModelError) as caught:
            read_state(tmp_path / "bad.pkl", CLASSES)
        assert "bad.pkl" in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="no such file"):
        read_state(tmp_path / "none.pkl", CLASSES)
    with pytest.raises(ModelError, match="not the released late-fusion network"):
        read_released(tmp_path / "good.pkl")


def test_views_share_a_storage_and_stay_inside_it(tmp_path: Path) -> None:
    base = torch.arange(12.0)
    views = {"a": base.view(3, 4).t(), "b": base[5:7], "c": torch.tensor(3), "d": torch.zeros(0, 2)}
    for zipped in (True, False):
        torch.save(views, tmp_path / "v.pkl", _use_new_zipfile_serialization=zipped)
        for name, array in read_state(tmp_path / "v.pkl", CLASSES).items():
            np.testing.assert_array_equal(array, views[name].numpy())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("trained", [False, True], ids=["discarded", "in use"])
def test_batch_normalisation_of_tempograms_is_used_if_it_was_trained(
    theirs: nn.Module, tmp_path: Path, trained: bool
) -> None:
    norm: Any = theirs.module.bn_1
    for tensor in (norm.weight, norm.running_mean, norm.running_var, *([norm.bias] if trained else [])):
        nn.init.uniform_(tensor, 0.5, 1.5)
    torch.save(theirs, tmp_path / "joint.pkl")
    read = read_released(tmp_path / "joint.pkl")
    tempogram = torch.randn(2, 50, 384)
    expected = norm.eval()(tempogram) if trained else tempogram
    with torch.inference_mode():
        assert torch.equal(read.bn_1(tempogram), expected)
    assert any(name.startswith("bn_1") for name in read.state_dict()) == trained


@pytest.mark.parametrize("normalised", [False, True])
def test_tempograms_are_scrambled_as_in_their_code(normalised: bool) -> None:
    torch.manual_seed(1)
    network = ReleasedNetwork(normalised=normalised).eval()
    norm: Any = network.bn_w
    for tensor in (norm.running_mean, norm.running_var, norm.bias):
        nn.init.uniform_(tensor, 0.5, 1.5)
    autocorrelation, fourier = torch.rand(2, 384, 50), torch.randn(2, 193, 50)
    flat = [tempogram.numpy().reshape(2, 50, -1) for tempogram in (autocorrelation, fourier)]
    if normalised:
        mean, variance, weight, bias = torch.rand(4, 50) + 0.5
        network.bn_1.load_state_dict(
            {"running_mean": mean, "running_var": variance, "weight": weight, "bias": bias}, strict=False
        )
        scale, shift = (weight / (variance + 1e-5).sqrt()).numpy()[:, None], bias.numpy()[:, None]
        flat = [(rows - mean.numpy()[:, None]) * scale + shift for rows in flat]
    rows = [np.tile(np.maximum(level, 0), (1, 1, 4)) for level in flat]
    pooled = np.concatenate(rows, axis=2).reshape(2, 2308, 50).mean(axis=2)
    weights, bias = (p.detach().numpy().ravel() for p in (network.conv1d_w.weight, network.conv1d_w.bias))
    summed = sum(weights[k] * pooled[:, k : k + 2305 : 2] for k in range(3)) + bias
    level = (summed - norm.running_mean.numpy()) / np.sqrt(norm.running_var.numpy() + 1e-5) * norm.weight.item()
    expected = np.maximum(level + norm.bias.item(), 0)[:, :1152].reshape(2, 384, 3).max(axis=2)
    with torch.inference_mode():
        np.testing.assert_allclose(network.tempo(autocorrelation, fourier), expected, rtol=1e-4, atol=1e-5)


def test_pipeline_prepares_features_as_their_code(network: ReleasedNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    onset = np.abs(np.random.default_rng(0).standard_normal(1_675)).astype(np.float32)
    complex_tempogram = librosa.stft(onset, n_fft=384, hop_length=1, center=False, window="hann")
    expected = complex_tempogram.real
    expected = (expected - expected.mean()) / expected.std()
    given: list[torch.Tensor] = []
    monkeypatch.setattr(network, "forward", lambda *features: given.extend(features))
    mel, autocorrelation = torch.rand(1, 1, 128, 1_292), torch.rand(1, 384, 1_292)
    ReleasedPipeline(network)(
        {"mel": mel, "autocorrelation_tempogram": autocorrelation, "onset_strength": torch.from_numpy(onset)[None]}
    )
    np.testing.assert_allclose(given[1][0], expected[:, -50:], atol=1e-4)
    np.testing.assert_allclose(
        given[2][0, 0], ((mel - mel.mean()) / mel.std(correction=0))[0, 0, :, -200:], rtol=1e-4, atol=1e-5
    )
    assert given[0].shape == (1, 384, 50)


@pytest.mark.filterwarnings("ignore")
def test_imported_model_listens(theirs: nn.Module, tmp_path: Path) -> None:
    torch.save(theirs, tmp_path / "joint.pkl", _use_new_zipfile_serialization=False)
    result = CliRunner().invoke(app, ["import", str(tmp_path / "joint.pkl"), "-o", str(tmp_path / "released.onnx")])
    assert result.exit_code == 0, result.output
    classifier = Classifier(tmp_path / "released.onnx", "cpu")
    assert classifier.spec == SPEC and classifier.spec.labels == SUBGENRES and len(SUBGENRES) == 30
    windows = Windows(classifier.spec)
    music = render(40, 22_050, 1)[:, 0]
    for block in np.array_split(music, 9):
        windows.push(block)
    live = windows.read().tensors
    assert live is not None
    with torch.inference_mode():
        logits = ReleasedPipeline(read_released(tmp_path / "joint.pkl"))(
            {name: torch.from_numpy(tensor)[None] for name, tensor in live.items()}
        )
    np.testing.assert_allclose(classifier.probabilities(live), logits.softmax(dim=1)[0], atol=1e-5)
    assert onnx.load(tmp_path / "released.onnx").graph.node[-1].op_type == "Softmax"


def test_other_names_for_output_are_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["import", "joint.pkl", "-o", str(tmp_path / "x.pkl")])
    assert result.exit_code == 2 and ".onnx file" in result.output
