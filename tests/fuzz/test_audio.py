"""Mutated audio files: each is decoded as far as it can be, or refused with one sentence.

They are read in another process, so that a crash of a decoder is a failure of this test and not its end.
``EDMLIVE_FUZZ=50 pytest tests/fuzz`` tries fifty times as many.
"""

import json
import random
import select
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import write_audio
from tests.fuzz.mutate import FACTOR
from tests.music import render

SECONDS = 20.0
"""Each takes milliseconds; the rest is for a busy machine."""
COUNT = 1_000
RATE = 44_100

ENCODINGS = {
    "wav": ("pcm_s16le", "s16"),
    "flac": ("flac", "s16"),
    "ogg": ("flac", "s16"),
    "opus": ("libopus", "flt"),
    "mp3": ("libmp3lame", "fltp"),
    "m4a": ("aac", "fltp"),
    "aiff": ("pcm_s16be", "s16"),
    "aac": ("aac", "fltp"),
    "mka": ("ac3", "fltp"),
    "wv": ("wavpack", "s16p"),
    "asf": ("mp2", "s16"),
    "w64": ("pcm_f32le", "flt"),
    "caf": ("alac", "s16p"),
}
FIELDS = (
    *(struct.pack(order + "I", value) for order in "<>" for value in (1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)),
    *(struct.pack(order + "Q", value) for order in "<>" for value in (1 << 40, (1 << 63) - 1)),
    b"\0\0", b"\0\0\0\0", b"\xff\xff", b"\xff\xfe\x00\x41", b"\xff\xfb\x90\x64", b"\x1aE\xdf\xa3", b"\x1b[2J", b"\n",
    b"RIFF", b"data", b"fmt ", b"LIST", b"OggS", b"fLaC", b"ID3\x04", b"TAG", b"moov", b"mdat", b"stts", b"stsz",
    b"stco", b"trun", b"COMM", b"SSND", b"#EXTM3U\nhttp://127.0.0.1:9/\n", b"ffconcat version 1.0\nfile /dev/zero\n",
)  # fmt: skip


def whole_files(folder: Path) -> list[Path]:
    """Write a second of music in every encoding; in Vorbis, too, where there is an encoder, as PyAV has none."""
    music = render(1, RATE)
    paths = []
    for suffix, (codec, sample_format) in ENCODINGS.items():
        rate = 48_000 if suffix == "opus" else RATE
        paths.append(write_audio(folder / f"whole.{suffix}", music, rate, codec, sample_format))
    if shutil.which("ffmpeg"):
        paths.append(folder / "whole.oga")
        command = ["ffmpeg", "-loglevel", "error", "-i", str(paths[0]), "-c:a", "libvorbis", str(paths[-1])]
        subprocess.run(command, check=True)
    return paths


def mutations(originals: dict[str, bytes], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield suffixes and files, each an original with one to four mutations; half of those fall on its header."""
    chance = random.Random(seed)
    for _ in range(count * FACTOR):
        suffix = chance.choice(sorted(originals))
        data = bytearray(originals[suffix])
        for _ in range(chance.randint(1, 4)):
            _mutate(data, chance, originals)
        yield (suffix if chance.random() < 0.9 else chance.choice(sorted(originals))), bytes(data)


def _mutate(data: bytearray, chance: random.Random, originals: dict[str, bytes]) -> None:
    start = chance.randint(0, min(len(data), chance.choice((64, 64, 600, len(data)))))
    end = min(len(data), start + chance.choice((1, 4, 100, 4_000)))
    kind = chance.randrange(7)
    if kind == 0:
        for at in chance.choices(range(start, len(data)), k=chance.choice((1, 8, 64))) if start < len(data) else ():
            data[at] ^= 1 << chance.randrange(8)
    elif kind in (1, 2):
        field = chance.choice(FIELDS)
        data[start : start + len(field)] = field
    elif kind == 3:
        del data[start : chance.choice((end, len(data)))]
    elif kind == 4:
        data[start:start] = bytes(data[start:end]) * chance.choice((1, 1, 20))
    elif kind == 5:
        data[start:start] = chance.choice((bytes(end - start), chance.randbytes(end - start)))
    else:  # a splice
        other = originals[chance.choice(sorted(originals))]
        data[start:] = other[chance.randint(0, len(other)) :]


class Reader:
    """`audio_reader` in a process that is started again after a failure."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.fuzz.audio_reader"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, bufsize=0)

    def answer(self, path: Path) -> object:
        """Return what was said about a file.

        Raises
        ------
        AssertionError
            The process crashed, or nothing came within `SECONDS`.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{path}\n".encode())
        ready, _, _ = select.select([self._process.stdout], [], [], SECONDS)
        assert ready, f"{path}: not done within {SECONDS:.0f} s"
        line = self._process.stdout.readline()
        assert line, f"{path}: the process ended with code {self._process.wait()}"
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def reader() -> Iterator[Reader]:
    reading = Reader()
    yield reading
    reading.close()


def test_mutated_audio(tmp_path: Path, reader: Reader) -> None:
    originals = {}
    for path in whole_files(tmp_path):
        originals[path.suffix[1:]] = path.read_bytes()
        assert str(path) not in str(reader.answer(path))
    refused = 0
    for number, (suffix, data) in enumerate(mutations(originals, COUNT, seed=1)):
        path = tmp_path / f"{number}.{suffix}"
        path.write_bytes(data)
        said = reader.answer(path)
        assert isinstance(said, list), f"{path}: {said}"
        for sentence in said:
            plain = sentence.replace(str(path), "")
            assert plain.endswith(".") and plain.isprintable() and len(plain) < 400, f"{path}: {plain!r}"
        refused += bool(said)
        path.unlink()
    assert 0 < refused < COUNT * FACTOR
