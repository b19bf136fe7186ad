"""Accuracy of `edmlive listen` on the demo set, and how long it takes until a change of genre shows.

Run from the repository root, in the environment of ``make test``: ``python -m benchmarks.demo_set [SECONDS [SEED]]``.
The music is rendered, not real: the figures show how fast it follows a change, not how well it knows real music.
"""

import math
import sys
import time

import numpy as np

from edmlive.realtime.classifier import Classifier
from edmlive.realtime.engine import Engine
from edmlive.realtime.live_score import LiveScore
from edmlive.sources.demo import DemoSource
from edmlive.taxonomy import SUBGENRES
from edmlive.util.timecode import clock


def main() -> None:
    """Print the figures."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3600.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    started = time.monotonic()
    classifier, score = Classifier(), LiveScore()
    with DemoSource(seed) as source:
        for reading in Engine(classifier, source.rate).run(source):
            score.push(reading)
            if reading.time >= seconds:
                break
    spec = classifier.spec
    windows = ", ".join(f"{i.seconds:g} s" for i in spec.inputs if i.descriptors)
    print(f"demo set {seed}, {clock(seconds)} of rendered music, in {clock(time.monotonic() - started)}")
    print(
        f"{spec.name}, which looks back on up to {windows}; {spec.vote.votes} votes, {spec.vote.hop_seconds:g} s apart"
    )
    print(f"\nright {score.share_right or 0:.1%} of the time")
    for genre in SUBGENRES:
        if count := score.readings[genre]:
            print(f"  {genre:28} {score.right[genre] / count:6.1%} of {clock(count * spec.vote.hop_seconds)}")
    delays = sorted(score.delays)
    if not delays:
        print("\nno change of genre in that time")
        return
    p50, p90 = (delays[math.ceil(share * len(delays)) - 1] for share in (0.5, 0.9))
    print(f"\n{len(delays)} changes of genre; {np.isinf(delays).sum()} did not show before the next one")
    print(f"from the middle of the cross-fade until it shows: median {p50:.0f} s, p90 {p90:.0f} s")


if __name__ == "__main__":
    main()
