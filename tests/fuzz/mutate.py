"""Seeded mutations of files, and a bound on how long each may take."""

import os
import random
import re
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

FACTOR = int(os.environ.get("EDMLIVE_FUZZ", "1"))
"""How many times as many files are tried as in ``make test``."""
_LONGEST = 10_000_000
_VALUES = (
    b"0", b"-1", b"-0.0", b"1e300", b"1e-300", b"1e999", b"NaN", b"Infinity", b"inf", b"nan", b"true", b"null", b'""',
    b"[]", b"{}", b"9" * 5000, b"2147483648", b"18446744073709551616", b'"\\ud800"', b'"\x1b[2J"', b'"\\u0000"',
    b'"9999-12-31T23:59:59.999+14:00"', b'"0001-01-01T00:00:00-14:00"', b'"2026-01-01"', b"1970-01-01", b"0x7f",
    b"[" * 2000, b"{" * 2000, b'{"a":' * 2000, b'"' + b"x" * 100_000 + b'"', b"a." * 3000, b"\xff\xfe", b"\xef\xbb\xbf",
    b"\x00", b"\r", b"\xe2\x80\xa8", b"'''", b'"""', b"#", b"=", b"[[", b"]]",
)  # fmt: skip
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+:TZ-]*|[A-Za-z_]+|[^\sA-Za-z0-9]')


def mutations(originals: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """Yield ``count * FACTOR`` files, each an original with one to four mutations."""
    chance = random.Random(seed)
    for _ in range(count * FACTOR):
        data = chance.choice(originals)
        for _ in range(chance.randint(1, 4)):
            data = chance.choice(_MUTATIONS)(data, chance)[:_LONGEST]
        yield data


def _flip_bits(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8) if changed else 0):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(data: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.randint(0, len(data)) for _ in range(2))
    return data[:start] + data[end:] if chance.random() < 0.7 else data[:end]


def _repeat(data: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.randint(0, len(data)) for _ in range(2))
    return data[:start] + data[start:end] * chance.choice((2, 2, 20)) + data[end:]


def _replace_token(data: bytes, chance: random.Random) -> bytes:
    tokens = list(_TOKEN.finditer(data[:100_000]))
    if not tokens:
        return chance.choice(_VALUES)
    start, end = chance.choice(tokens).span()
    return data[:start] + chance.choice(_VALUES) + data[end:]


def _insert(data: bytes, chance: random.Random) -> bytes:
    place = chance.randint(0, len(data))
    return data[:place] + chance.choice(_VALUES) + data[place:]


def _swap_lines(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    chance.shuffle(lines)
    return b"".join(lines)


_MUTATIONS = (_flip_bits, _cut, _repeat, _replace_token, _replace_token, _replace_token, _insert, _swap_lines)


@contextmanager
def no_longer_than(seconds: int) -> Iterator[None]:
    """Raise `TimeoutError` where the code hangs; in the main thread only."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"not done within {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
