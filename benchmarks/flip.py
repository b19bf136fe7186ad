"""How long it takes until a change of track shows, and how steady the answer is within a track.

Run from the repository root, in the environment of ``make test``: ``python -m benchmarks.flip FOLDER [PAIRS]``.

Of each track in the folder (and below) 75 s are taken from second 25. Two at a time are cross-faded over 8 s. From the
middle of the cross-fade it counts until the answer is that which the second track has at its end, if it is on its own;
a pair counts if both have different answers. Within single tracks, readings are compared with those of a look-back over
all of the model's window, without a search for changes.
"""

import itertools
import math
import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from edmlive.features.change import ChangeDetector
from edmlive.realtime.classifier import Classifier
from edmlive.realtime.engine import Engine
from edmlive.realtime.reading import Reading
from edmlive.sources.audio import AudioBlock
from edmlive.sources.file import FileSource
from edmlive.util.audio_files import audio_files

RATE = 44_100
SKIPPED, HEARD, FADE = 25, 75, 8
"""Seconds."""
SETTLED = 20
"""Seconds of a track after which its readings are compared."""

Audio = NDArray[np.float32]


def excerpt(path: Path) -> Audio | None:
    """Return 75 s in stereo at 44.1 kHz, shape (frames, 2); ``None`` if the track is shorter or has another rate."""
    blocks, held = [], 0
    with FileSource(path) as source:
        if source.rate != RATE or source.channels != 2:
            return None
        for block in source:
            blocks.append(block.samples)
            held += len(block.samples)
            if held >= (SKIPPED + HEARD) * RATE:
                return np.concatenate(blocks)[SKIPPED * RATE : (SKIPPED + HEARD) * RATE]
    return None


def cross_fade(first: Audio, second: Audio) -> Audio:
    """Return both, one fading into the other."""
    frames = FADE * RATE
    rising = np.linspace(0, 1, frames, dtype=np.float32)[:, np.newaxis]
    fade = first[-frames:] * (1 - rising) + second[:frames] * rising
    return np.concatenate((first[:-frames], fade, second[frames:]))


def readings(classifier: Classifier, audio: Audio) -> list[Reading]:
    """Return what is heard."""

    def blocks() -> Iterator[AudioBlock]:
        for first in range(0, len(audio), RATE // 4):
            yield AudioBlock(audio[first : first + RATE // 4], time.monotonic())

    engine = Engine(classifier, RATE)
    return [reading for block in blocks() for reading in engine.push(block)]


def without_changes(classifier: Classifier, audio: Audio) -> list[Reading]:
    """Return what is heard if no change of track is looked for."""
    with mock.patch.object(ChangeDetector, "change", None):
        return readings(classifier, audio)


def changed_answers(heard: Sequence[Reading]) -> int:
    """Return how often the answer changes."""
    return sum(a.genre != b.genre for a, b in itertools.pairwise(heard))


def share(truths: Sequence[bool]) -> float:
    """Return the share of those that are true."""
    return sum(truths) / max(len(truths), 1)


def main() -> None:
    """Print the figures."""
    if not 2 <= len(sys.argv) <= 3:
        sys.exit("give a folder of tracks, and how many pairs of them to take")
    folder, wanted = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 14
    paths = audio_files(folder)
    random.Random(5).shuffle(paths)
    found = (audio for path in paths if (audio := excerpt(path)) is not None)
    tracks = list(itertools.islice(found, 2 * wanted))
    classifier, middle = Classifier(), HEARD - FADE / 2
    started = time.process_time()
    single = [readings(classifier, audio) for audio in tracks]
    cpu = (time.process_time() - started) / max(1, HEARD * len(tracks))
    plain = [without_changes(classifier, audio) for audio in tracks]

    delays: list[float] = []
    plain_delays: list[float] = []
    right: list[bool] = []
    mixing: list[bool] = []
    order = list(itertools.permutations(range(len(tracks)), 2))
    random.Random(5).shuffle(order)
    for first, second in order:
        if len(delays) == wanted:
            break
        answer = single[second][-1].genre
        if answer is None or single[first][-1].genre in (None, answer):
            continue
        both = cross_fade(tracks[first], tracks[second])
        heard, without = (
            [reading for reading in follow(classifier, both) if reading.time > middle]
            for follow in (readings, without_changes)
        )
        delays.append(next((r.time - middle for r in heard if r.genre == answer), math.inf))
        plain_delays.append(next((r.time - middle for r in without if r.genre == answer), math.inf))
        right += [r.genre == answer for r in heard if r.time > middle + 12]
        mixing.append(any(r.mixing for r in heard if r.time < middle + 20))
    if not delays:
        sys.exit(f"{folder} holds no two tracks of over {SKIPPED + HEARD} s in stereo at 44.1 kHz that differ.")
    for what, seconds in (("a change shows", delays), ("without the search for changes", plain_delays)):
        last = sorted(seconds)[math.ceil(0.9 * len(seconds)) - 1]
        print(f"{what}: after {statistics.median(seconds):.0f} s in the median of {len(seconds)}, 90 %: {last:.0f} s")
    print(f"right from 12 s after the change on: {share(right):.1%}")

    steady, steady_plain = ([heard[SETTLED:] for heard in answers] for answers in (single, plain))
    within = [r.mixing for heard in steady for r in heard]
    print(f"'mixing' within 20 s of a change: {share(mixing):.1%}, within single tracks: {share(within):.1%}")
    same = [a.genre == b.genre for a, b in zip(itertools.chain(*steady), itertools.chain(*steady_plain), strict=True)]
    print(f"readings within single tracks that are those without the search: {share(same):.1%}")
    minutes = len(within) / 60
    changed, changed_plain = (sum(map(changed_answers, answers)) / minutes for answers in (steady, steady_plain))
    print(f"changes of answer within single tracks: {changed:.2f} a minute, without the search {changed_plain:.2f}")
    print(f"CPU, from blocks to readings: {cpu:.2%} of a core")


if __name__ == "__main__":
    main()
