"""Each sink has its own queue and thread: a slow or dead one never delays the audio."""

import threading
import time

from edmlive.errors import SinkError
from edmlive.realtime.reading import Reading
from edmlive.sinks.sink_thread import QUEUE_LENGTH, SinkThread
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


def test_slow_sink_of_a_file_loses_nothing() -> None:
    slow = Notebook(seconds=0.0005)
    thread = SinkThread(slow, live=False)
    for i in range(MANY):
        thread.send(reading(i))
    thread.close()
    assert [one.time for one in slow.readings] == list(range(MANY))
    assert slow.closed
    assert thread.dropped == 0
