"""Mutated tables, manifests, feature stores and checkpoints: each is read, or refused with one sentence.

``EDMLIVE_FUZZ=50 pytest tests/fuzz`` tries fifty times as many.
"""

import json
import pickle
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from edmlive.errors import UserError
from edmlive.export.released.model import CLASSES
from edmlive.export.released.untrusted import read_state
from edmlive.models.checkpoint import Checkpoint, Training
from edmlive.models.inputs import inputs_of
from edmlive.models.networks import SubgenreNetwork
from edmlive.spec import ModelSpec
from edmlive.training.corpus import read_corpus
from edmlive.training.datasets import read_tracks
from edmlive.training.store import FeatureStore
from tests.fuzz import mutate

SECONDS = 10
"""Each takes milliseconds; the rest is for a busy machine."""

TABLE = "x,genre,artist,y\n" + "".join(f'{k / 7},"House, deep",Éric {k},{-k}e-{k}\n' for k in range(8))
TABLES = [
    TABLE.encode(),
    TABLE.replace(",", ";").encode("utf-8-sig"),
    TABLE.replace("\n", "\r\n").encode("utf-16"),
    b"sep=\t\n" + TABLE.replace(",", "\t").encode(),
]
ENTRIES = [{"path": f"a/{k}.flac", "genre": "house", "artist": k, "more": [1.5, None, {"a": True}]} for k in range(5)]
STORE = {
    "version": 2,
    "window": "hamming",
    "skipped": {"b.flac": "b.flac is broken."},
    "teacher": {"name": "small", "digest": 16 * "a", "labels": ["a", "b"]},
    "tracks": [
        {
            "name": "a.flac",
            "genre": "house",
            "artist": "",
            "file": "features/01/0123456789abcdef-hamming.npy",
            "frames": 603,
            "stamp": "",
        }
    ],
}
PIECES = (
    b"1e300", b"-1e-300", b"inf", b"NaN", b"9" * 5_000, b"-1", b'"', b'""', b",", b";", b"\t", b"\n", b"\r", b"\0",
    b"\xff\xfe", b"\xef\xbb\xbf", b"\x1b[2J", b"[" * 2_000, b"{" * 2_000, b"null", b"x" * 200_000, b"../../", b"/",
    b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\x04", b"\x94", b"(", b"t", b"R", b"b", b"q\x00", b"h\x00", b"u",
    (1 << 62).to_bytes(8, "little"), (1 << 40).to_bytes(8, "little"), b'"F64"', b'"F8_E4M3"', b'"shape":[99999999999]',
)  # fmt: skip


def mutations(originals: list[bytes], count: int, seed: int, *, text: bool = True) -> Iterator[bytes]:
    """Yield `mutate.mutations` of text, and as many with pieces that mean something in binary files."""
    if text:
        yield from mutate.mutations(originals, count // 2, seed)
    chance = random.Random(seed)
    for _ in range(count // 2 * mutate.FACTOR):
        data = bytearray(chance.choice(originals))
        for _ in range(chance.randint(1, 4)):
            start = chance.randint(0, min(len(data), chance.choice((200, 2_000, len(data)))))
            end = min(len(data), start + chance.choice((0, 1, 4, 30, 1_000)))
            kind = chance.randrange(4)
            if kind == 0 and start < len(data):
                data[start] ^= 1 << chance.randrange(8)
            elif kind == 1:
                data[start:end] = chance.choice(PIECES)
            elif kind == 2:
                data[start:end] *= chance.choice((0, 2, 20))
            else:
                del data[start : chance.choice((end, len(data)))]
        yield bytes(data)


def tried(read: Callable[[Path], Any], path: Path, files: Iterator[bytes]) -> None:
    """Read each file; anything but success or one sentence fails, as does a hang."""
    refused = count = 0
    for data in files:
        path.write_bytes(data)
        count += 1
        try:
            with mutate.no_longer_than(SECONDS):
                read(path)
        except UserError as error:
            refused += 1
            said = str(error).replace(str(path), "")
            assert said.endswith(".") and said.isprintable() and len(said) < 700, said
    assert 0 < refused < count, "some are refused, and some are not"


def test_tables(tmp_path: Path) -> None:
    tried(lambda path: read_tracks(path, ["x", "y"]), tmp_path / "a.csv", mutations(TABLES, 200, seed=1))


@pytest.mark.parametrize("suffix", ["csv", "json", "jsonl"])
def test_manifests(tmp_path: Path, suffix: str) -> None:
    lines = "\n".join(map(json.dumps, ENTRIES)).encode()
    originals = {"csv": [b"path,genre,artist\na.flac,house,\nb/c.flac,,x\n"], "json": [json.dumps(ENTRIES).encode()]}
    tried(read_corpus, tmp_path / f"a.{suffix}", mutations(originals.get(suffix, [lines]), 100, seed=2))


def test_indexes_of_stores(tmp_path: Path) -> None:
    originals = [json.dumps(STORE, indent=1).encode()]
    tried(lambda path: FeatureStore.open(path.parent), tmp_path / "store.json", mutations(originals, 200, seed=3))


def test_checkpoints(tmp_path: Path) -> None:
    torch.manual_seed(0)
    spec = ModelSpec("mine", ("a", "b"), inputs_of("fourier"))
    training = Training("fourier", 2, "paper", 1, "5f6c", 0, 0.0, 45.0, (16 * "a",), (16 * "b",))
    Checkpoint(SubgenreNetwork("fourier", 2, 2).eval(), spec, training).save(tmp_path / "whole")
    original = (tmp_path / "whole").read_bytes()
    tried(Checkpoint.load, tmp_path / "a.safetensors", mutations([original], 100, seed=4, text=False))


def test_pickles(tmp_path: Path) -> None:
    base = torch.arange(12.0)
    state = {"a": base.view(3, 4).t(), "b": base[5:7], "c": torch.tensor(3), "d": torch.nn.Parameter(torch.zeros(2, 2))}
    for name, zipped in (("zip", True), ("stream", False)):
        torch.save(state, tmp_path / name, _use_new_zipfile_serialization=zipped)
    originals = [(tmp_path / name).read_bytes() for name in ("zip", "stream")]
    tried(lambda path: read_state(path, CLASSES), tmp_path / "a.pkl", mutations(originals, 200, seed=5, text=False))


def test_plain_pickles(tmp_path: Path) -> None:
    magic = b"".join(map(pickle.dumps, (0x1950A86A20F9469CFC6C, 1001, {})))
    programs = [pickle.dumps({"a": [1, (2, 3)], "b": {"c": None}}, protocol) + pickle.dumps([]) for protocol in (2, 4)]
    originals = [magic + program for program in programs]
    tried(lambda path: read_state(path, CLASSES), tmp_path / "a.pkl", mutations(originals, 200, seed=6, text=False))
