"""The shared ring: every frame arrives once and in order, or is counted as lost; none arrives torn."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edmlive.sources.capture.ring import AudioRing, shared_file

Pair = tuple[AudioRing, AudioRing]


@pytest.fixture
def make_pair() -> Iterator[Callable[[int, int], Pair]]:
    """A writer and a reader of one ring, each with its own mapping, as two processes have them."""
    rings: list[AudioRing] = []

    def make(frames: int, channels: int = 1) -> Pair:
        with shared_file() as file:
            rings.append(AudioRing(file.fileno(), frames, channels, create=True))
            rings.append(AudioRing(file.fileno(), frames, channels))
        return rings[-2], rings[-1]

    yield make
    for ring in rings:
        ring.close()


def numbered(start: int, count: int, channels: int = 1) -> NDArray[np.float32]:
    """Frames that say which they are; float32 counts exactly to 16 million."""
    return np.repeat(np.arange(start, start + count, dtype=np.float32)[:, None], channels, axis=1)


@given(st.integers(1, 16), st.lists(st.tuples(st.booleans(), st.integers(0, 16)), max_size=40))
def test_frames_read_and_lost_are_all_that_were_written(capacity: int, steps: list[tuple[bool, int]]) -> None:
    with shared_file() as file:
        writer, reader = (AudioRing(file.fileno(), capacity, 2, create=first) for first in (True, False))
    written = accounted = 0
    for writes, count in [*steps, (False, capacity)]:
        if writes:
            writer.write(numbered(written, min(count, capacity), 2), float(written))
            written += min(count, capacity)
            continue
        samples, backlog, gap = reader.read(count)
        np.testing.assert_array_equal(samples, numbered(accounted + gap, len(samples), 2))
        assert len(samples) <= count
        assert gap == 0 or (written - accounted > capacity and len(samples) > 0)
        accounted += gap + len(samples)
        assert accounted + backlog == written
    assert accounted == written
    writer.close()
    reader.close()


def test_nothing_new_reads_as_nothing(make_pair: Callable[..., Pair]) -> None:
    writer, reader = make_pair(8, 3)
    assert reader.captured_at == 0
    writer.write(numbered(0, 5, 3), 12.5)
    assert len(reader.read(8)[0]) == 5
    samples, backlog, gap = reader.read(8)
    assert samples.shape == (0, 3)
    assert (backlog, gap) == (0, 0)
    assert reader.captured_at == 12.5


def test_overtaken_reader_gets_the_newest_and_the_count_of_what_it_missed(make_pair: Callable[..., Pair]) -> None:
    writer, reader = make_pair(10)
    for start in range(0, 35, 5):
        writer.write(numbered(start, 5), 0.0)
    samples, backlog, gap = reader.read(4)
    np.testing.assert_array_equal(samples[:, 0], [25, 26, 27, 28])
    assert (backlog, gap) == (6, 25)


class ReadInTheMiddle(np.ndarray[Any, Any]):
    """Samples that let the reader in when the ring has taken half of them and announced none."""

    reader: AudioRing
    seen: tuple[NDArray[np.float32], int, int]

    def __getitem__(self, key: Any) -> Any:
        if key.start is not None:
            self.seen = self.reader.read(100)
        return np.asarray(self)[key]


def test_frames_that_are_being_overwritten_are_never_read(make_pair: Callable[..., Pair]) -> None:
    writer, reader = make_pair(8)
    writer.write(numbered(0, 6), 0.0)
    writer.write(numbered(6, 2), 0.0)
    writer.write(numbered(8, 6), 0.0)
    samples = numbered(14, 4).view(ReadInTheMiddle)
    samples.reader = reader
    writer.write(samples, 0.0)
    seen, _, gap = samples.seen
    np.testing.assert_array_equal(seen[:, 0], np.arange(gap, 14))
    late, _, gap_after = reader.read(100)
    np.testing.assert_array_equal(late[:, 0], np.arange(14 + gap_after, 18))


def test_writer_knows_when_there_is_what_the_reader_waits_for(make_pair: Callable[..., Pair]) -> None:
    writer, reader = make_pair(20)
    writer.write(numbered(0, 3), 0.0)
    reader.read(2)
    assert not reader.await_frames(8)
    assert not writer.write(numbered(3, 6), 0.0)
    assert writer.write(numbered(9, 1), 0.0)
    assert writer.write(numbered(10, 1), 0.0)
    assert reader.await_frames(9)
    assert not reader.await_frames(10)


def test_overflows_are_counted(make_pair: Callable[..., Pair]) -> None:
    writer, reader = make_pair(4)
    writer.count_overflow()
    writer.count_overflow()
    assert reader.overflows == 2


WRITER = """
import sys, time
import numpy as np
from edmlive.sources.capture.ring import AudioRing
descriptor, frames, total, size, nap = map(float, sys.argv[1:])
ring = AudioRing(int(descriptor), int(frames), 2)
for start in range(0, int(total), int(size)):
    block = np.arange(start, start + size, dtype=np.float32)
    ring.write(np.stack((block, -block), axis=1), time.monotonic())
    time.sleep(nap)
"""


@pytest.mark.parametrize(
    ("frames", "nap", "lossless"), [(1 << 20, 0.0, True), (4096, 0.0, False)], ids=["ample", "overrun"]
)
def test_two_processes_share_it(frames: int, nap: float, lossless: bool) -> None:
    total, size = 1 << 20, 512
    with shared_file() as file:
        reader = AudioRing(file.fileno(), frames, 2, create=True)
        arguments = map(str, (file.fileno(), frames, total, size, nap))
        process = subprocess.Popen([sys.executable, "-c", WRITER, *arguments], pass_fds=(file.fileno(),))
    read = lost = 0
    deadline = time.monotonic() + 20
    while read + lost < total and time.monotonic() < deadline:
        samples, _, gap = reader.read(3000)
        lost += gap
        np.testing.assert_array_equal(samples[:, 0], numbered(read + lost, len(samples))[:, 0])
        np.testing.assert_array_equal(samples[:, 1], -samples[:, 0])
        read += len(samples)
        if not lossless:
            time.sleep(0.001)
    assert process.wait(timeout=10) == 0
    assert read + lost == total
    assert (lost == 0) == lossless
    reader.close()


def test_shared_file_has_no_name_to_leave_behind() -> None:
    with shared_file() as file:
        assert not isinstance(file.name, str)


def test_frames_that_the_device_lost_are_reported_with_the_frames_after_them(make_pair: Callable[..., Pair]) -> None:
    writer, reader = make_pair(100)
    writer.write(numbered(0, 10), 0.0)
    writer.write(numbered(10, 10), 0.0, lost=7)
    writer.write(numbered(20, 10), 0.0, lost=5)
    reported = [(len(samples), gap) for samples, _, gap in (reader.read(100) for _ in range(4))]
    assert reported == [(10, 0), (10, 7), (10, 5), (0, 0)]


def test_losses_before_overwritten_frames_are_reported_too(make_pair: Callable[..., Pair]) -> None:
    writer, reader = make_pair(10)
    writer.write(numbered(0, 10), 0.0)
    writer.write(numbered(10, 10), 0.0, lost=7)
    writer.write(numbered(20, 5), 0.0)
    samples, _, gap = reader.read(100)
    np.testing.assert_array_equal(samples[:, 0], np.arange(15, 25))
    assert gap == 15 + 7
