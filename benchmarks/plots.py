"""Draws what other benchmarks wrote to ``benchmarks/results``: how latency spreads, and how cost grows.

Run from the repository root, in the environment of ``make test``: ``python -m benchmarks.plots``.
"""

import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np

RESULTS = Path(__file__).parent / "results"
WIDTH, HEIGHT, DPI = 10.0, 3.6, 110


def growth(points: list[dict[str, Any]], path: Path) -> None:
    """Draw cost and memory against the size of each quantity, with the line of proportional cost."""
    quantities = list(dict.fromkeys(point["quantity"] for point in points))
    figure, axes = plt.subplots(1, len(quantities), figsize=(WIDTH, HEIGHT), layout="constrained")
    for axis, quantity in zip(axes, quantities, strict=True):
        chosen = [point for point in points if point["quantity"] == quantity]
        size, cpu, memory = (np.array([p[key] for p in chosen]) for key in ("size", "cpu_seconds", "megabytes"))
        axis.loglog(size, cpu, "o-", color="C0", label="CPU")
        if quantity != "votes":
            axis.loglog(size, cpu[-1] * size / size[-1], ":", color="grey", label="proportional")
        axis.set(xlabel=quantity, ylabel="CPU seconds" + (" for one vote" if quantity == "votes" else ""))
        if quantity == "votes":
            axis.set_ylim(cpu.min() / 10, cpu.max() * 10)
        beside = axis.twinx()
        beside.loglog(size, memory, "s--", color="C1")
        beside.set(ylabel="resident MB", ylim=(10, 10_000))
        axis.plot([], [], "s--", color="C1", label="memory")
        axis.legend(loc="upper left")
    figure.savefig(path, dpi=DPI)
    plt.close(figure)


def latency(milliseconds: list[float], path: Path) -> None:
    """Draw the distribution of the time from the end of the audio to its JSON line."""
    figure, axis = plt.subplots(figsize=(WIDTH, HEIGHT), layout="constrained")
    axis.hist(milliseconds, bins=np.arange(0, max(milliseconds) + 1, 0.5), color="C0")
    for share, style in ((50, "-"), (95, "--"), (99, ":")):
        value = float(np.percentile(milliseconds, share))
        axis.axvline(value, color="black", linestyle=style, label=f"p{share} {value:.1f} ms")
    axis.set(
        xlabel="ms from the end of the audio that a decision speaks of to its JSON line",
        ylabel=f"decisions of {len(milliseconds)}",
        xlim=(0, None),
    )
    axis.legend()
    figure.savefig(path, dpi=DPI)
    plt.close(figure)


def main() -> None:
    growth(json.loads((RESULTS / "growth.json").read_text()), RESULTS / "growth.png")
    latency(json.loads((RESULTS / "listen.latencies.json").read_text())["latencies_ms"], RESULTS / "latency.png")


if __name__ == "__main__":
    main()
