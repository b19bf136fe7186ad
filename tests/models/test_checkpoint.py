"""Checkpoints that are not what edmlive wrote."""

import dataclasses
import json
import os
import resource
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from edmlive.errors import ModelError
from edmlive.models.checkpoint import TRAINING_KEY, Checkpoint, Training
from edmlive.models.inputs import inputs_of
from edmlive.models.networks import SubgenreNetwork
from edmlive.spec import METADATA_KEY, ModelSpec

SPEC = ModelSpec("mine", ("a", "b"), inputs_of("fourier"))
TRAINING = Training("fourier", 2, "paper", 1, "5f6c", 0, 0.0, 45.0, (16 * "a",), (16 * "b",))
METADATA = {METADATA_KEY: SPEC.to_json(), TRAINING_KEY: TRAINING.to_json()}

EMPTY = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    Checkpoint(SubgenreNetwork("fourier", 2, 2).eval(), SPEC, TRAINING).save(tmp_path / "a.safetensors")
    return tmp_path / "a.safetensors"


def header(facts: object, length: int | None = None) -> bytes:
    text = json.dumps(facts).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 8,
        header({}, 1 << 62),
        header({}, 99_000_000),
        header([]),
        header({"__metadata__": METADATA, "w": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}),
        header({"__metadata__": METADATA, "w": {"dtype": "F32", "shape": [1 << 40, 0], "data_offsets": [0, 0]}}),
        header({"__metadata__": METADATA} | {f"\x1b[2J{k}": EMPTY for k in range(50_000)}),
        b"[" * 100_000,
    ],
    ids=range(9),
)  # fmt: skip
def test_absurd_headers_are_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(ModelError) as caught:
        Checkpoint.load(tmp_path / "a.safetensors")
    assert str(caught.value).isprintable() and len(str(caught.value)) < 500


def test_a_small_file_does_not_make_a_network_of_gigabytes(path: Path) -> None:
    wide = dataclasses.replace(TRAINING, width=1024)
    save_file(load_file(path), path, METADATA | {TRAINING_KEY: wide.to_json()})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelError, match="another shape"):
        Checkpoint.load(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_a_huge_tensor_is_not_read(path: Path) -> None:
    name = min(load_file(path))
    length = 1 << 42
    facts = {"__metadata__": METADATA, name: {"dtype": "U8", "shape": [length], "data_offsets": [0, length]}}
    path.write_bytes(header(facts))
    os.truncate(path, path.stat().st_size + length)
    with pytest.raises(ModelError):
        Checkpoint.load(path)


def test_tensors_of_other_names_are_shown_harmlessly(path: Path) -> None:
    save_file(load_file(path) | {"\x1b[2J": torch.zeros(1)}, path, METADATA)
    with pytest.raises(ModelError, match=r"unknown tensor \\x1b\[2J"):
        Checkpoint.load(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs")
def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", tmp_path):
        with pytest.raises(ModelError, match="is not a file"):
            Checkpoint.load(place)
