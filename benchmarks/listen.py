"""What `edmlive listen` costs: warm start, CPU at one decision a second, latency of its lines, and memory.

Run from the repository root, in the environment of ``make test``: ``python -m benchmarks.listen``. There is no peer:
nothing else does this job.

The installed command listens to a private PulseAudio server that plays a rendered loop. CPU is that of the command and
its capture process, which is all but the server. A latency is the time from the end of the audio that a decision
speaks of, by the time stamp of the sound system, to its JSON line in another process. What the sound server keeps
back before it stamps is a figure of its own: sample n was played n / rate after the first, and of all lines the one
that puts the first sample earliest is believed. With ``--json FILE`` all latencies, in ms, are kept in FILE's neighbour
that ends in ``.latencies.json``. Memory is that of the same engine, fed 30 minutes as fast as it takes them.
"""

import datetime
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.table import Row, options, show
from edmlive.diagnostics.stopwatch import spread
from edmlive.realtime.classifier import Classifier
from edmlive.realtime.engine import Engine
from edmlive.sources.audio import AudioBlock
from edmlive.sources.recorder import Recorder
from tests.e2e.pulse import PulseServer, start_server
from tests.music import render

RATE = 48_000
FILL_SECONDS = 95
"""The rolling window has to fill before the cost of a decision is what it stays."""


@dataclass(frozen=True)
class Line:
    """A JSON line, and when it arrived here on the clock of `time.monotonic`."""

    arrived: float
    fields: dict[str, Any]

    @property
    def captured(self) -> float:
        """When its newest sample was, on the same clock."""
        by_wall_clock = datetime.datetime.fromisoformat(self.fields["clock"]).timestamp()
        return by_wall_clock - time.time() + time.monotonic()


class Listener:
    """The installed command at work."""

    def __init__(self, server: PulseServer) -> None:
        command = [str(Path(sys.executable).with_name("edmlive")), "listen", "--device", "pulse", "--json", "-"]
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=server.environment
        )
        first = self.line()
        self.seconds_to_audio = first.arrived - first.fields["latency"] - first.fields["time"] - self._started
        command_itself = psutil.Process(self._process.pid)
        self._family = [command_itself, *command_itself.children(recursive=True)]

    def line(self) -> Line:
        """Wait for the next line."""
        assert self._process.stdout is not None
        text = self._process.stdout.readline()
        return Line(time.monotonic(), json.loads(text))

    @property
    def cpu_seconds(self) -> float:
        """CPU time of the command and its capture process so far."""
        return float(sum(sum(process.cpu_times()[:2]) for process in self._family))

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


def cost(server: PulseServer, music: Path, fill: float, seconds: float) -> tuple[float, list[Line]]:
    """Return CPU seconds per second after some seconds of music, and all lines that name a genre."""
    listener = Listener(server)
    player = server.play(music)
    try:
        lines = [listener.line() for _ in range(round(fill))]
        before, since = listener.cpu_seconds, time.monotonic()
        lines += [listener.line() for _ in range(round(seconds))]
        cpu = (listener.cpu_seconds - before) / (time.monotonic() - since)
    finally:
        player.kill()
        listener.close()
    return cpu, [line for line in lines if line.fields["genre"]]


def start(server: PulseServer) -> float:
    """Return seconds from the command's start to its first captured sample."""
    listener = Listener(server)
    listener.close()
    return listener.seconds_to_audio


def memory(minutes: Sequence[int]) -> list[float]:
    """Return resident MB after some minutes of music through one engine."""
    loop = render(60, 44_100)
    engine = Engine(Classifier(), 44_100)
    process = psutil.Process()
    resident = []
    for minute in range(1, max(minutes) + 1):
        for first in range(0, len(loop), 4_410):
            for _ in engine.push(AudioBlock(loop[first : first + 4_410], time.monotonic())):
                pass
        if minute in minutes:
            resident.append(process.memory_info().rss / 1e6)
    return resident


def main() -> None:
    chosen = options(__doc__)
    fill, seconds, starts, minutes = (12, 6, 1, (1, 2)) if chosen.quick else (FILL_SECONDS, 120, 9, (3, 30))
    with tempfile.TemporaryDirectory() as folder:
        music = Path(folder) / "music.wav"
        writer = Recorder(music, RATE, 2)
        writer.write(render(10 + fill + seconds, RATE))
        writer.close()
        server = start_server(Path(folder), RATE, 2)
        try:
            start(server)  # fills the caches on disk
            to_audio = [start(server) for _ in range(starts)]
            cpu, lines = cost(server, music, fill, seconds)
        finally:
            server.kill()
    latencies = [line.arrived - line.captured for line in lines]
    began = [line.captured - line.fields["time"] for line in lines]
    rows = [
        Row("warm start to first audio, median", "", float(np.median(to_audio)), None, "s"),
        Row("CPU, one decision a second", "", 100 * cpu, None, "% of a core"),
        *(Row(f"end of audio to line, {name}", "", 1e3 * s, None, "ms") for name, s in vars(spread(latencies)).items()),
        Row("before that, in the sound server, median", "", 1e3 * (float(np.median(began)) - min(began)), None, "ms"),
        *(
            Row(f"resident memory after {m} min", "", mb, None, "MB")
            for m, mb in zip(minutes, memory(minutes), strict=True)
        ),
    ]
    show(rows, chosen)
    if chosen.json is not None:
        kept = {"latencies_ms": [round(1e3 * latency, 3) for latency in latencies]}
        chosen.json.with_suffix(".latencies.json").write_text(json.dumps(kept) + "\n")


if __name__ == "__main__":
    main()
