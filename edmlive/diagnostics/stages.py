"""What edmlive costs on this computer: each stage alone, and all of `listen` together."""

import math
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edmlive.diagnostics.stopwatch import cpu_seconds
from edmlive.features.front_end import FrontEnd
from edmlive.features.rhythm import RhythmTracker
from edmlive.features.timbre import TimbreStatistics
from edmlive.features.windows import TEMPO_SECONDS
from edmlive.kernels.tables import HOP_LENGTH, SAMPLE_RATE
from edmlive.realtime.classifier import Classifier
from edmlive.realtime.engine import Engine
from edmlive.realtime.providers import ActiveProvider
from edmlive.sources.audio import AudioBlock
from edmlive.spec import ModelSpec

STARTS = 3
PAUSE_SECONDS = 1.0

_DEVICE_RATE, _BLOCK = 44_100, 1024
_MEASURED_SECONDS = 8


@dataclass(frozen=True)
class Figure:
    """A measured quantity: what, its value and unit."""

    what: str
    value: float
    unit: str


def stages(model: str | Path, provider: ActiveProvider) -> dict[str, Callable[[], list[Figure]]]:
    """Return the measurements by name; each takes a few seconds at most.

    Parameters
    ----------
    model
        Name of a shipped model, or path of an ONNX file.
    provider
        Where it runs.
    """
    return {
        "scheduling pauses": pauses,
        "front end": front_end,
        "descriptors and tempo": descriptors,
        "listening": partial(listening, model, provider),
        "start": partial(start, model, provider),
    }


def pauses() -> list[Figure]:
    """Measure the longest time the system takes the processor away: the limit of every wall-clock figure."""
    longest, now = 0.0, time.perf_counter()
    end = now + PAUSE_SECONDS
    while now < end:
        before, now = now, time.perf_counter()
        longest = max(longest, now - before)
    return [Figure(f"longest scheduling pause within {PAUSE_SECONDS:g} s", longest * 1e3, "ms")]


def front_end() -> list[Figure]:
    """Measure mel-spectrogram, onset strength and both tempograms."""
    return [Figure("front end, a hop of 512 samples", _for_each_hop(FrontEnd().push) * 1e6, "us CPU")]


def descriptors() -> list[Figure]:
    """Measure short-term features and beat tracking as the audio arrives; statistics are taken at each decision."""
    timbre, rhythm = TimbreStatistics(), RhythmTracker(TEMPO_SECONDS)
    seconds = _for_each_hop(timbre.push) + _for_each_hop(rhythm.push)
    return [Figure("descriptors and tempo, a second of audio", seconds * SAMPLE_RATE / HOP_LENGTH * 1e3, "ms CPU")]


def listening(model: str | Path, provider: ActiveProvider) -> list[Figure]:
    """Measure everything between the blocks of a sound card and the readings, with full windows."""
    classifier = Classifier(model, provider)
    spec, engine = classifier.spec, Engine(classifier, _DEVICE_RATE)
    stereo = np.repeat(music(seconds_to_fill(spec) + _MEASURED_SECONDS, _DEVICE_RATE)[:, np.newaxis], 2, axis=1)
    measured = stereo[-_MEASURED_SECONDS * _DEVICE_RATE :]
    _feed(engine, stereo[: -len(measured)])
    share = cpu_seconds({"": lambda: _feed(engine, measured)}, rounds=5)[""] / _MEASURED_SECONDS
    rate = f"{1 / spec.vote.hop_seconds:g} decision{'s' if spec.vote.hop_seconds != 1 else ''} a second"
    return [
        Figure(f"listening, {rate}, without capture", share * 100, "% of a core"),
        Figure("streams per core, at that cost", 1 / share, ""),
    ]


def start(model: str | Path, provider: ActiveProvider) -> list[Figure]:
    """Measure the time until a new Python process could listen: imports, compiled kernels, session."""
    code = (
        "import sys\n"
        "from edmlive.realtime.engine import Engine\n"
        "from edmlive.realtime.classifier import Classifier\n"
        f"Engine(Classifier(sys.argv[1], sys.argv[2]), {_DEVICE_RATE})\n"
        "import os; os._exit(0)"
    )
    seconds = []
    for _ in range(STARTS):
        started = time.perf_counter()
        # Ctrl-C reaches both processes; only this one reports it.
        subprocess.run([sys.executable, "-c", code, str(model), provider], check=True, stderr=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - started)
    return [Figure(f"new Python process to a ready engine, median of {STARTS}", float(np.median(seconds)), "s")]


def _for_each_hop(push: Callable[[NDArray[np.float32]], object]) -> float:
    """Return the CPU seconds of pushing 512 samples."""
    hops = music(12, SAMPLE_RATE)[: HOP_LENGTH * 512].reshape(-1, HOP_LENGTH)

    def work() -> None:
        for hop in hops:
            push(hop)

    return cpu_seconds({"": work})[""] / len(hops)


def _feed(engine: Engine, samples: NDArray[np.float32]) -> None:
    for first in range(0, len(samples), _BLOCK):
        for _ in engine.push(AudioBlock(samples[first : first + _BLOCK], time.monotonic())):
            pass


def seconds_to_fill(spec: ModelSpec) -> int:
    """Return the seconds of audio after which every window of a model is full."""
    longest = max(max(i.seconds, i.frames * HOP_LENGTH / SAMPLE_RATE) for i in spec.inputs)
    return math.ceil(max(longest, TEMPO_SECONDS)) + 1


def music(seconds: int, rate: int) -> NDArray[np.float32]:
    """Render a kick, an off-beat hi-hat and a chord at 128 BPM: (n,) mono samples in -1..1."""
    beat = 60 / 128
    clock = np.arange(seconds * rate) / rate
    kick, hat = clock % beat, (clock + beat / 2) % beat
    noise = np.random.default_rng(0).standard_normal(len(clock))
    chord = sum(np.sin(2 * np.pi * note * clock) for note in (220.0, 261.6, 329.6))
    mix = 0.6 * np.sin(2 * np.pi * 55 * kick) * np.exp(-12 * kick) + 0.05 * noise * np.exp(-40 * hat) + 0.05 * chord
    return mix.astype(np.float32)
