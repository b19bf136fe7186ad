"""Each sink has its own queue and thread: a slow or dead one never delays the audio."""

import threading
import time

import pytest

from edmlive.errors import SinkError
from edmlive.realtime.reading import Reading
from edmlive.sinks.sink_thread import CLOSE_SECONDS, QUEUE_LENGTH, SinkThread
from tests.realtime.readings import reading

MANY = 3 * QUEUE_LENGTH


class Notebook:
    """Writes readings down; may be stuck, slow, or fail on a given one."""

    def __init__(self, *, fail_at: int | None = None, error: Exception | None = None, seconds: float = 0.0) -> None:
        self.readings: list[Reading] = []
        self.closed = False
        self.free = threading.Event()
        self.free.set()
        self._fail_at, self._seconds = fail_at, seconds
        self._error = error or SinkError("The notebook is full.")

    def write(self, reading: Reading) -> None:
        self.free.wait()
        time.sleep(self._seconds)
        if len(self.readings) == self._fail_at:
            raise self._error
        self.readings.append(reading)

    def close(self) -> None:
        self.closed = True


def test_every_reading_arrives_in_order_before_the_close() -> None:
    notebook = Notebook()
    thread = SinkThread(notebook, live=True)
    sent = [reading(time) for time in range(20)]
    for one in sent:
        thread.send(one)
    thread.close()
    assert notebook.readings == sent
    assert notebook.closed
    assert thread.dropped == 0
    assert thread.failure is None


def test_stuck_sink_of_a_live_source_drops_counts_and_holds_nothing_up() -> None:
    stuck, free = Notebook(), Notebook()
    stuck.free.clear()
    threads = [SinkThread(stuck, live=True), SinkThread(free, live=True)]
    started = time.monotonic()
    for i in range(MANY):
        for thread in threads:
            thread.send(reading(i))
        while i % 100 == 0 and len(free.readings) < i and time.monotonic() - started < 1:
            time.sleep(0.001)  # the free one needs a moment
    assert time.monotonic() - started < 1
    for thread in threads:
        thread.close()
    assert time.monotonic() - started < 1 + 2 * CLOSE_SECONDS
    assert len(free.readings) == MANY
    assert MANY - QUEUE_LENGTH - 1 <= threads[0].dropped <= MANY - QUEUE_LENGTH
    assert threads[1].dropped == 0
    stuck.free.set()


def test_slow_sink_of_a_file_loses_nothing() -> None:
    slow = Notebook(seconds=0.0005)
    thread = SinkThread(slow, live=False)
    for i in range(MANY):
        thread.send(reading(i))
    thread.close()
    assert [one.time for one in slow.readings] == list(range(MANY))
    assert slow.closed
    assert thread.dropped == 0


@pytest.mark.parametrize("live", [True, False], ids=["live", "file"])
@pytest.mark.parametrize("error", [SinkError("The notebook is full."), ValueError("a surprise")], ids=["known", "not"])
def test_sink_that_fails_is_not_used_again(live: bool, error: Exception) -> None:
    broken = Notebook(fail_at=2, error=error)
    thread = SinkThread(broken, live=live)
    started = time.monotonic()
    for i in range(MANY):
        thread.send(reading(i))
        if i < 10:
            time.sleep(0.005)
    thread.close()
    assert time.monotonic() - started < 1
    assert isinstance(thread.failure, SinkError)
    assert str(error).rstrip(".") in str(thread.failure)
    assert len(broken.readings) == 2
    assert thread.dropped == 0


@pytest.mark.parametrize("live", [True, False], ids=["live", "file"])
def test_failure_on_closing_is_kept_and_delays_nothing(live: bool) -> None:
    class Leaky(Notebook):
        def close(self) -> None:
            raise SinkError("The last page is torn.")

    thread = SinkThread(Leaky(), live=live)
    thread.send(reading())
    started = time.monotonic()
    thread.close()
    assert time.monotonic() - started < CLOSE_SECONDS / 2
    assert str(thread.failure) == "The last page is torn."


def test_impatient_close_leaves_a_stuck_sink_of_a_file_behind() -> None:
    stuck = Notebook()
    stuck.free.clear()
    thread = SinkThread(stuck, live=False)
    for i in range(QUEUE_LENGTH):
        thread.send(reading(i))
    started = time.monotonic()
    thread.close(patient=False)
    assert time.monotonic() - started < 2 * CLOSE_SECONDS + 0.5
    stuck.free.set()
