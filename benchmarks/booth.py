"""How well answers survive a DJ booth: real recordings, handled, against the answer to their untouched two minutes.

    python -m benchmarks.booth FOLDER [--model MODEL] [--cache FOLDER] [--share 1/3]

Any folder of real audio will do; FFmpeg and espeak-ng are needed. Nothing needs a label: what counts is whether the
answer stays the same. Handled audio is kept in the cache, 5 MB for each recording and handling, so that another model
is measured in a fraction of the time, and an interrupted run goes on where it was.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edmlive.errors import UserError
from edmlive.realtime.classifier import DEFAULT_MODEL, Classifier, Decision
from research.handlings import HANDLINGS, Company, Samples
from research.look_backs import WHOLE_SECONDS, described, heard
from research.no_music import spoken
from research.real_audio import Recording, excerpt, recordings

LOOK_BACKS = (5.0, 10.0, 20.0, 30.0, 60.0, 90.0)
VOICE = "Good evening everybody, this is the midnight show. Hands in the air, here we go, two hours without a break. "
_BINS = 15
_SILENT = 1e-3


@dataclass(frozen=True)
class Answer:
    """An answer about a handled recording, beside that to its untouched two minutes.

    Parameters
    ----------
    handling
        Key of `HANDLINGS`.
    seconds
        The look-back.
    place
        Place of the reference's first answer in this one's order, from 0.
    confidence
        Of this one's first answer.
    unknown
        Probability that this is no electronic music; 0 for a model that does not ask.
    """

    handling: str
    seconds: float
    place: int
    confidence: float
    unknown: float


def measure(
    found: Sequence[Recording], classifier: Classifier, cache: Path, share: Fraction = Fraction(1)
) -> Iterator[list[Answer]]:
    """Yield the answers about each recording.

    Parameters
    ----------
    found
        The recordings.
    classifier
        A model that takes descriptors.
    cache
        Folder of handled audio.
    share
        Share of the handlings that each recording is given; which ones differs from recording to recording.
    """
    voice = spoken(VOICE * 6)
    every = share.denominator
    for number, recording in enumerate(found):
        names = [name for i, name in enumerate(HANDLINGS) if i == 0 or (i + number) % every < share.numerator]
        audio = _handled(cache, recording, names, found[(number + 1) % len(found)], voice)
        decisions = {name: _decisions(samples, classifier) for name, samples in audio.items()}
        reference = int(np.argmax(decisions["untouched"][-1][1].probabilities))
        yield [
            _answer(name, seconds, decision, reference)
            for name in names
            for seconds, decision in decisions[name]
            if seconds in LOOK_BACKS
        ]


def _decisions(samples: Samples, classifier: Classifier) -> list[tuple[float, Decision]]:
    return [
        (seconds, classifier.decide({"descriptors": values})) for seconds, values in described(samples, classifier.spec)
    ]


def _answer(handling: str, seconds: float, decision: Decision, reference: int) -> Answer:
    order = np.argsort(-decision.probabilities, kind="stable")
    place = int(np.flatnonzero(order == reference)[0])
    return Answer(handling, seconds, place, float(decision.probabilities[order[0]]), decision.unknown or 0.0)


def _handled(
    cache: Path, recording: Recording, names: Sequence[str], other: Recording, voice: Samples
) -> dict[str, Samples]:
    """Return a recording under some handlings, from the cache where it is there; it is decoded once at most."""
    paths = {name: cache / name.replace("/", "") / f"{recording.digest}.npy" for name in names}
    missing = [name for name, path in paths.items() if not path.exists()]
    samples = excerpt(recording) if missing else None
    for name in missing:
        assert samples is not None
        track = excerpt(other) if "second track" in name else voice
        company = Company(track, voice, np.random.default_rng(int(recording.digest, 16)))
        handled = heard(HANDLINGS[name](samples, company))
        paths[name].parent.mkdir(parents=True, exist_ok=True)
        unfinished = paths[name].with_suffix(".part.npy")
        np.save(unfinished, np.round(handled * 32_000).clip(-32_768, 32_767).astype(np.int16))
        unfinished.replace(paths[name])
    return {name: np.load(path).astype(np.float32) / 32_000 for name, path in paths.items()}


def table(answers: Sequence[Answer]) -> list[str]:
    """Return lines of a table: the share of answers that are the reference's, and that have it among three."""
    lines = [f"{'':24}" + "".join(f"{seconds:>12g} s" for seconds in LOOK_BACKS)]
    handled = [a for a in answers if a.handling != "untouched"]
    for name in dict.fromkeys(a.handling for a in answers):
        lines.append(_row(name, [a for a in answers if a.handling == name]))
    lines.append(_row("mean over handlings", handled))
    lines.append(_row("calibration error", handled, calibration_error))
    lines.append(
        _row("said to be unknown", list(answers), lambda some: float(np.mean([a.unknown > 0.5 for a in some])))
    )
    return lines


def _row(name: str, answers: Sequence[Answer], figure: Callable[[Sequence[Answer]], float] | None = None) -> str:
    cells = []
    for seconds in LOOK_BACKS:
        some = [a for a in answers if a.seconds == seconds]
        if not some:
            cells.append(f"{'-':>14}")
        elif figure is not None:
            cells.append(f"{figure(some):14.1%}")
        else:
            places = np.array([a.place for a in some])
            cells.append(f"{(places == 0).mean():8.0%}{(places < 3).mean():5.0%} ")
    return f"{name:24}" + "".join(cells)


def calibration_error(answers: Sequence[Answer]) -> float:
    """Return the expected calibration error: confidence against agreement, in bins of equal width."""
    confidence = np.array([a.confidence for a in answers])
    same = np.array([a.place == 0 for a in answers], float)
    bins: NDArray[np.intp] = np.minimum((confidence * _BINS).astype(np.intp), _BINS - 1)
    parts = [(bins == i).sum() * abs(same[bins == i].mean() - confidence[bins == i].mean()) for i in np.unique(bins)]
    return float(sum(parts) / len(answers))


def _unknown_share(answers: Sequence[Answer]) -> float:
    return float(np.mean([a.unknown > 0.5 for a in answers]))


def main() -> None:
    """Measure a model on the recordings of a folder, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--cache", type=Path, default=Path("booth-cache"))
    parser.add_argument("--share", type=Fraction, default=Fraction(1), help="of the handlings for each recording")
    parser.add_argument("--json", type=Path, help="write all answers to this file as well")
    options = parser.parse_args()
    try:
        found = [r for r in recordings(options.folder) if np.abs(excerpt(r)).max(initial=0.0) > _SILENT]
        if not found:
            raise UserError(f"{options.folder} holds no recording of at least a minute that is not silent.")
        classifier = Classifier(options.model, "cpu")
        if classifier.spec.input("descriptors") is None:
            raise UserError(f"Model {options.model} takes no descriptors, and look-backs are theirs.")
    except UserError as error:
        sys.exit(str(error))
    answers: list[Answer] = []
    for number, some in enumerate(measure(found, classifier, options.cache, options.share), 1):
        answers += some
        print(f"\r{number} of {len(found)} recordings", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(f"{len(found)} recordings, model {classifier.spec.name}; first answer the same, and among the first three")
    print("\n".join(table(answers)))
    print(f"whole: {WHOLE_SECONDS:g} s untouched")
    if options.json:
        options.json.write_text(json.dumps([vars(a) for a in answers]))


if __name__ == "__main__":
    main()
