"""Whether a long session leaks memory, threads, descriptors or shared memory, and whether its counts add up.

Run from the repository root, in the environment of ``make test``: ``python -m benchmarks.soak [HOURS] [MINUTES]``.
HOURS (6) of music, silence, gaps and lost input go through a session as fast as it takes them; then MINUTES (20) in
real time through a private PulseAudio server, whose sink is pulled out and plugged in once a minute.
"""

import dataclasses
import gc
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import psutil

from edmlive.realtime.classifier import Classifier
from edmlive.realtime.engine import Engine
from edmlive.realtime.reading import Reading, State
from edmlive.realtime.session import Session
from edmlive.sinks.jsonl import JsonLines
from edmlive.sinks.sink_thread import SinkThread
from edmlive.sources.audio import AudioBlock, Source
from edmlive.sources.capture.device import DeviceSource
from edmlive.sources.health import Counts, Liveness
from edmlive.sources.recorder import Recorder
from tests.e2e.pulse import PulseServer, start_server
from tests.music import render

RATE = 44_100
BLOCK = 4_410
MUSIC_SECONDS, SILENCE_SECONDS, LOST_BLOCKS = 280, 20, 5
GAP = 4_410
PLUGGED_SECONDS, PULLED_SECONDS = 57, 3


@dataclass(frozen=True)
class Traces:
    """Resources of a process at one moment: resident bytes, threads, descriptors, and maps of shared memory."""

    resident: int
    threads: int
    descriptors: int
    shared: int

    @classmethod
    def now(cls) -> "Traces":
        """Look at this process."""
        gc.collect()
        process = psutil.Process()
        shared = sum("/dev/shm" in line or "/tmp/" in line for line in Path("/proc/self/maps").read_text().splitlines())
        return cls(process.memory_info().rss, threading.active_count(), process.num_fds(), shared)


class Night:
    """Hours of music without a clock; every five minutes a silence, a gap and a lost input."""

    name, rate, channels, live = "night", RATE, 2, False
    fault: str | None = None
    wanted = 0.0

    def __init__(self, hours: float) -> None:
        self.rounds = max(1, round(hours * 3600 / (MUSIC_SECONDS + SILENCE_SECONDS)))
        self.frames = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open."""

    def __iter__(self) -> Iterator[AudioBlock]:
        """Yield the blocks."""
        music = render(MUSIC_SECONDS / 4, RATE)
        silence = np.zeros((SILENCE_SECONDS * RATE, 2), np.float32)
        nothing = np.zeros((0, 2), np.float32)
        for number in range(self.rounds):
            for samples in (*[music] * 4, silence):
                for start in range(0, len(samples), BLOCK):
                    block = samples[start : start + BLOCK]
                    self.frames += len(block)
                    yield AudioBlock(block, time.monotonic(), reconnects=number)
            for _ in range(LOST_BLOCKS):
                yield AudioBlock(nothing, time.monotonic(), liveness=Liveness.RECOVERING, notices=("It has gone.",))
            self.frames += BLOCK
            yield AudioBlock(music[:BLOCK], time.monotonic(), gap=GAP, reconnects=number + 1)


class Witness:
    """A sink that samples the process now and then, and counts readings and events."""

    def __init__(self, every_seconds: float) -> None:
        self.traces: list[Traces] = []
        self.decided = self.lost = 0
        self.counts = Counts()
        self._every = every_seconds
        self._next = 0.0

    def write(self, reading: Reading) -> None:
        """Take a reading."""
        self.decided += reading.genre is not None
        self.lost += reading.state is State.NO_INPUT
        self.counts = reading.counts
        if reading.time >= self._next:
            self._next = reading.time + self._every
            self.traces.append(Traces.now())

    def close(self) -> None:
        """Do nothing: at this point there are extra threads, which close sinks."""


def soak(source: Source, classifier: Classifier, folder: Path, every_seconds: float) -> Witness:
    """Run a session over a source and return its witness."""
    witness = Witness(every_seconds)
    with source:
        engine = Engine(classifier, source.rate)
        lines = JsonLines(str(folder / "night.jsonl"))
        summary = Session(source, engine, [SinkThread(sink, live=source.live) for sink in (witness, lines)]).run()
    assert summary.failures == [], summary.failures
    witness.counts = dataclasses.replace(engine.counts, readings_dropped=summary.dropped)
    assert witness.decided == sum(summary.genres.values())
    return witness


class Minutes(DeviceSource):
    """The device ``pulse`` for a number of minutes."""

    def __init__(self, minutes: float) -> None:
        super().__init__("pulse")
        self._end = time.monotonic() + minutes * 60

    def __iter__(self) -> Iterator[AudioBlock]:
        """Yield blocks until the time is over."""
        for block in super().__iter__():
            yield block
            if time.monotonic() > self._end:
                return


def pull_and_plug(server: PulseServer, music: Path, over: threading.Event) -> None:
    """Play music, and pull the sink out once a minute."""
    player = server.play(music)
    while not over.wait(PLUGGED_SECONDS):
        server.unload_sink()
        player.kill()
        player.wait()
        time.sleep(PULLED_SECONDS)
        server.load_sink(RATE, 2)
        player = server.play(music)
    player.kill()
    player.wait()


def said(name: str, witness: Witness) -> str:
    """Return the observations of a witness as a line."""
    early, late = witness.traces[len(witness.traces) // 4], witness.traces[-1]
    return (
        f"{name:<12} resident {early.resident / 1e6:.0f} -> {late.resident / 1e6:.0f} MB, "
        f"threads {early.threads} -> {late.threads}, descriptors {early.descriptors} -> {late.descriptors}, "
        f"shared maps {early.shared} -> {late.shared}; {witness.counts}"
    )


def main() -> None:
    """Print the figures."""
    hours, minutes = (float(given) for given in (*sys.argv[1:], *("6", "20")[len(sys.argv) - 1 :]))
    classifier = Classifier()
    with tempfile.TemporaryDirectory() as folder:
        print(said(f"{hours:g} h", soak(Night(hours), classifier, Path(folder), 600)), flush=True)
        server = start_server(Path(folder), RATE, 2)
        os.environ.update({name: server.environment[name] for name in ("PULSE_SERVER", "PULSE_SOURCE")})
        music = Path(folder) / "music.wav"
        recorder = Recorder(music, RATE, 2)
        recorder.write(render(PLUGGED_SECONDS + 5, RATE))
        recorder.close()
        over = threading.Event()
        hand = threading.Thread(target=pull_and_plug, args=(server, music, over))
        hand.start()
        try:
            print(said(f"{minutes:g} min live", soak(Minutes(minutes), classifier, Path(folder), 60)))
        finally:
            over.set()
            hand.join()
            server.kill()


if __name__ == "__main__":
    main()
