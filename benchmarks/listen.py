"""What `edmlive listen` costs: warm start, CPU at one decision a second, and memory over half an hour of music.

Run from the repository root, in the environment of ``make test``: ``python -m benchmarks.listen [SECONDS]``.
Start and CPU are taken from the installed command behind a private PulseAudio server that plays a rendered loop;
memory from the same engine, fed 30 minutes as fast as it takes them. There is no peer: nothing else does this job.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from edmlive.realtime.audio import AudioBlock
from edmlive.realtime.classifier import Classifier
from edmlive.realtime.engine import Engine
from edmlive.realtime.recorder import Recorder
from tests.e2e.pulse import PulseServer, start_server
from tests.music import render

RATE = 48_000
STARTS = 5


def start_and_cpu(server: PulseServer, music: Path, seconds: float) -> tuple[float, float, list[float]]:
    """Return seconds from start to the first captured sample, CPU seconds per second, and latencies."""
    command = [str(Path(sys.executable).with_name("edmlive")), "listen", "--device", "pulse", "--json", "-"]
    started = time.monotonic()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=server.environment
    )
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    to_audio = time.monotonic() - first["latency"] - first["time"] - started
    latencies: list[float] = []
    cpu = 0.0
    if seconds:
        player = server.play(music)
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        # The rolling window has to fill before the cost of a decision is what it stays.
        readings = [json.loads(process.stdout.readline()) for _ in range(60)]
        before, since = sum(sum(p.cpu_times()[:2]) for p in family), time.monotonic()
        while time.monotonic() - since < seconds:
            readings.append(json.loads(process.stdout.readline()))
        cpu = (sum(sum(p.cpu_times()[:2]) for p in family) - before) / (time.monotonic() - since)
        latencies = [reading["latency"] for reading in readings if reading["genre"]]
        player.kill()
    process.terminate()
    process.wait()
    return to_audio, cpu, latencies


def memory() -> tuple[float, float]:
    """Return resident MB after 3 and after 30 minutes of music through one engine."""
    loop = render(60, 44_100)
    engine = Engine(Classifier(), 44_100)
    process = psutil.Process()
    resident = []
    for minute in range(30):
        for start in range(0, len(loop), 4_410):
            for _ in engine.push(AudioBlock(loop[start : start + 4_410], time.monotonic())):
                pass
        if minute in (2, 29):
            resident.append(process.memory_info().rss / 1e6)
    return resident[0], resident[1]


def main() -> None:
    """Print the figures."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with tempfile.TemporaryDirectory() as folder:
        music = Path(folder) / "music.wav"
        writer = Recorder(music, RATE, 2)
        writer.write(render(90 + seconds, RATE))
        writer.close()
        server = start_server(Path(folder), RATE, 2)
        try:
            start_and_cpu(server, music, 0)  # fills the caches on disk
            starts = [start_and_cpu(server, music, 0)[0] for _ in range(STARTS)]
            _, cpu, latencies = start_and_cpu(server, music, seconds)
        finally:
            server.kill()
    early, late = memory()
    print(f"warm start to first audio  median {statistics.median(starts):.2f} s, worst {max(starts):.2f} s of {STARTS}")
    print(f"CPU, one decision a second {cpu:.1%} of a core over {seconds:.0f} s, capture process included")
    middle, worst = statistics.median(latencies) * 1e3, max(latencies) * 1e3
    print(f"audio to reading           median {middle:.0f} ms, worst {worst:.0f} ms of {len(latencies)}")
    print(f"resident memory            {early:.0f} MB after 3 min, {late:.0f} MB after 30 min")


if __name__ == "__main__":
    main()
