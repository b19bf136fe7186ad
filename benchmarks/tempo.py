"""How often the tempo is right: drum patterns at every tempo, changes of tempo, and short clips.

Run from the repository root: ``python -m benchmarks.tempo [--quick] [--json FILE]``; under two minutes. It prints per
pattern the share of clips within 1 % of the tempo, of its half or double, of tempi that stand to it as two or four to
three, and of others; then what is wrong by more than an octave with a confidence above 0.8.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.table import keep, options
from edmlive.features.rhythm import RhythmTracker
from edmlive.kernels.tables import SAMPLE_RATE

PATTERNS: Mapping[str, tuple[str, str, str]] = {
    "kick alone": ("x...x...x...x...", "", ""),
    "kick, off-beat hat": ("x...x...x...x...", "", "..x...x...x...x."),
    "kick, hat, clap": ("x...x...x...x...", "....x.......x...", "..x...x...x...x."),
    "kick, eighths": ("x...x...x...x...", "", "x.x.x.x.x.x.x.x."),
    "kick, clap, sixteenths": ("x...x...x...x...", "....x.......x...", "xxxxxxxxxxxxxxxx"),
    "breakbeat": ("x.x.......xx....", "....x..x.x..x..x", "x.x.x.x.x.x.x.x."),
    "half-time": ("x...............", "........x.......", "x.x.x.x.x.x.x.x."),
    "two-step": ("x.........x.....", "....x.......x...", "x.x.x.x.x.x.x.x."),
    "tresillo": ("x..x..x.x..x..x.", "....x.......x...", "..x...x...x...x."),
    "swing": ("x...x...x...x...", "....x.......x...", "x.xxx.xxx.xxx.xx"),
}
"""Of each pattern the sixteenths on which kick, clap and hat sound, a bar long."""
SWING = {"swing": 0.3}
"""How much of a sixteenth every other one is late."""
TEMPI = np.arange(60.0, 201.0, 2.0)
SECONDS, SHORT = 30.0, 12.0
TOLERANCE = 0.01
SURE = 0.8
_OCTAVES = (2.0, 0.5)
_THIRDS = (2 / 3, 3 / 2, 4 / 3, 3 / 4)


@dataclass(frozen=True)
class Kit:
    """Kick, clap and hat, each with the room that lets it overlap the next."""

    kick: NDArray[np.float64]
    clap: NDArray[np.float64]
    hat: NDArray[np.float64]


def kits() -> tuple[Kit, ...]:
    """Return three kits: soft kick and bright hat, hard kick and short hat, long kick and open hat."""
    shapes = ((45, 12, 0.4, 0.25, 60), (55, 20, 0.7, 0.12, 150), (50, 6, 0.6, 0.35, 25))
    return tuple(_kit(seed, *shape) for seed, shape in enumerate(shapes))


def _kit(seed: int, pitch: float, decay: float, level: float, hat_level: float, hat_decay: float) -> Kit:
    random, time = np.random.default_rng(seed), np.arange(SAMPLE_RATE // 3) / SAMPLE_RATE
    noise = random.standard_normal(time.size)
    kick = level * np.sin(2 * np.pi * (pitch * time + 4 * (1 - np.exp(-40 * time)))) * np.exp(-decay * time)
    clap = 0.25 * np.convolve(noise, [1, 0, -1], "same") * np.exp(-25 * time)
    return Kit(kick, clap, hat_level * np.diff(noise, append=0.0) * np.exp(-hat_decay * time))


def render(name: str, kit: Kit, bpm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Render a pattern.

    Parameters
    ----------
    name
        Key of `PATTERNS`.
    kit
        What sounds.
    bpm
        Tempo at each sample.
    """
    sixteenths = np.cumsum(bpm) / (15 * SAMPLE_RATE)
    samples = 1e-3 * np.random.default_rng(9).standard_normal(bpm.size + kit.kick.size)
    for drum, steps in zip((kit.kick, kit.clap, kit.hat), PATTERNS[name], strict=True):
        for step in range(int(sixteenths[-1]) if steps else 0):
            if steps[step % 16] == "x":
                late = SWING.get(name, 0.0) * (step % 2)
                place = int(np.searchsorted(sixteenths, step + late))
                samples[place : place + drum.size] += drum
    return samples[: bpm.size]


def constant(bpm: float, seconds: float) -> NDArray[np.float64]:
    """Return a tempo for every sample."""
    return np.full(round(seconds * SAMPLE_RATE), bpm)


def relation(heard: float, bpm: float) -> str:
    """Name how a tempo relates to the true one."""
    for name, ratios in (("right", (1.0,)), ("octave", _OCTAVES), ("thirds", _THIRDS)):
        if any(abs(heard / (bpm * ratio) - 1) < TOLERANCE for ratio in ratios):
            return name
    return "other"


def readings(seconds: float, tempi: NDArray[np.float64]) -> Iterator[dict[str, object]]:
    """Read the tempo of every pattern, kit and tempo."""
    tracker = RhythmTracker(seconds, tempo_only=True)
    for name in PATTERNS:
        for i, bpm in enumerate(tempi):
            kit = i % len(KITS)
            tracker.reset()
            tracker.push(render(name, KITS[kit], constant(bpm, seconds)))
            rhythm = tracker.read(seconds)
            descriptor = float(rhythm.descriptors[0])
            yield {
                "pattern": name,
                "kit": kit,
                "bpm": bpm,
                "heard": rhythm.bpm,
                "confidence": rhythm.confidence,
                "relation": relation(rhythm.bpm, bpm),
                "descriptor": relation(descriptor, bpm),
            }


def changes() -> Iterator[tuple[str, float, float]]:
    """Read the tempo each second through steps and a ramp.

    Yields
    ------
    tuple
        What changes; seconds from a step until the reading is right for good, or of a ramp the largest error in per
        cent; and seconds for which the tempo was neither the old nor the new one, nor an octave of them.
    """
    for before, after in ((128.0, 140.0), (140.0, 128.0), (128.0, 174.0), (174.0, 128.0), (126.0, 100.0)):
        for name in ("kick, off-beat hat", "kick, clap, sixteenths"):
            heard = every_second(name, np.append(constant(before, 60), constant(after, 40)))[58:]
            wrong = [relation(bpm, after) not in ("right", "octave") for bpm in heard[2:]]
            strange = [
                "right" not in (now := {relation(bpm, t) for t in (before, after)}) and "octave" not in now
                for bpm in heard
            ]
            last = max((i for i, is_wrong in enumerate(wrong) if is_wrong), default=-1)
            yield f"{name}, {before:g} to {after:g}", float(last + 1), float(sum(strange))
    for after in (132.0, 138.4, 118.0):
        bpm = np.concatenate((constant(128, 40), np.linspace(128, after, 30 * SAMPLE_RATE), constant(after, 20)))
        heard = every_second("kick, off-beat hat", bpm)[30:]
        truth = bpm[SAMPLE_RATE - 1 :: SAMPLE_RATE][30:]
        error = 100 * np.abs(heard / truth - 1)
        yield f"ramp, 128 to {after:g} in 30 s", float(error.max()), float(np.sum(error > 4))


def every_second(name: str, bpm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the tempo that is read each second, over 90 s."""
    tracker, samples = RhythmTracker(90.0, tempo_only=True), render(name, KITS[1], bpm)
    heard = []
    for second in samples.reshape(-1, SAMPLE_RATE):
        tracker.push(second)
        heard.append(tracker.read(90.0).bpm)
    return np.array(heard)


def show(rows: list[dict[str, object]], title: str) -> None:
    """Print a line per pattern, and what was sure and wrong."""
    print(f"\n{title:<24} {'right':>7} {'octave':>7} {'thirds':>7} {'other':>7}   71: {'right or octave':>15}")
    for name in (*PATTERNS, "all"):
        chosen = [row for row in rows if name in ("all", row["pattern"])]
        shares = [100 * np.mean([row["relation"] == kind for row in chosen]) for kind in RELATIONS]
        first = 100 * np.mean([row["descriptor"] in ("right", "octave") for row in chosen])
        print(f"{name:<24} " + " ".join(f"{share:6.1f}%" for share in shares) + f"   {first:19.1f}%")
    sure = [row for row in rows if row["relation"] in ("thirds", "other") and float(str(row["confidence"])) > SURE]
    print(f"sure and wrong: {len(sure)} of {len(rows)}")
    for row in sure[:12]:
        print(f"  {row['pattern']}, kit {row['kit']}: {row['bpm']:g} as {row['heard']:.1f} ({row['confidence']:.2f})")


RELATIONS = ("right", "octave", "thirds", "other")
KITS = kits()


def main() -> None:
    chosen = options(__doc__)
    tempi = TEMPI[::14] if chosen.quick else TEMPI
    measured = {"long": list(readings(SECONDS, tempi)), "short": list(readings(SHORT, tempi))}
    show(measured["long"], f"clips of {SECONDS:g} s")
    show(measured["short"], f"clips of {SHORT:g} s")
    print(f"\n{'change':<40} {'s until right, or error in %':>28} {'s of neither':>14}")
    for name, error, strange in changes():
        print(f"{name:<40} {error:>28.1f} {strange:>14.0f}")
        if math.isnan(error):
            raise AssertionError(name)
    keep(measured, chosen)


if __name__ == "__main__":
    main()
