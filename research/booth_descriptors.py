"""The descriptors of real music in a booth, and of what is no electronic music: what `edmlive train --real` takes.

    python -m research.booth_descriptors OUT.npz --electronic FOLDER... --other FOLDER...

Recordings are those of folders, such as unpacked Debian packages; sounds that are no music are made. Each is described
as it is and under random handlings, at several look-backs. A run that was interrupted goes on where it was.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edmlive.features.windows import LIVE_DESCRIPTORS
from edmlive.spec import InputSpec, ModelSpec
from research.handlings import Company, Samples, random_handling
from research.look_backs import WHOLE_SECONDS, described, heard
from research.no_music import KINDS, speech
from research.real_audio import excerpt, recordings

HANDLINGS_OF_ELECTRONIC, HANDLINGS_OF_OTHER, HANDLINGS_OF_SOUNDS = 8, 4, 1
SOUNDS = 30
"""Of each kind."""

_EVERYTHING = ModelSpec(
    "everything",
    ("electronic", "other"),
    (
        InputSpec(
            "descriptors",
            (len(LIVE_DESCRIPTORS),),
            descriptors=LIVE_DESCRIPTORS,
            seconds=WHOLE_SECONDS,
            warm_up_seconds=1.0,
            levelled=True,
        ),
    ),
)


def sources(electronic: list[Path], other: list[Path]) -> Iterator[tuple[str, tuple[bool, bool], int, Samples]]:
    """Yield a name, whether it is electronic and whether music, the number of handlings, and the samples."""
    for folders, is_electronic, handlings in (
        (electronic, True, HANDLINGS_OF_ELECTRONIC),
        (other, False, HANDLINGS_OF_OTHER),
    ):
        for recording in (r for folder in folders for r in recordings(folder)):
            yield recording.digest, (is_electronic, True), handlings, excerpt(recording)
    for kind, make in KINDS.items():
        for number in range(SOUNDS):
            rng = np.random.default_rng([number, len(kind)])
            yield f"{kind}{number}", (False, False), HANDLINGS_OF_SOUNDS, make(rng)


def describe(
    name: str, sort: tuple[bool, bool], handlings: int, samples: Samples, company: Company, folder: Path
) -> None:
    """Write the rows of one recording, unless they are there."""
    path = folder / f"{name}.npz"
    if path.exists():
        return
    rows = [
        (seconds, values, number == 0)
        for number in range(handlings + 1)
        for seconds, values in described(heard(random_handling(samples, company) if number else samples), _EVERYTHING)
    ]
    seconds, values, untouched = (np.array(column) for column in zip(*rows, strict=True))
    unfinished = folder / "unfinished.npz"
    electronic, music = (np.full(len(rows), which) for which in sort)
    np.savez(unfinished, values=values, seconds=seconds, untouched=untouched, electronic=electronic, music=music)
    unfinished.replace(path)


def main() -> None:
    """Describe everything, and gather it in one file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--electronic", type=Path, nargs="+", required=True)
    parser.add_argument("--other", type=Path, nargs="+", default=[])
    options = parser.parse_args()
    folder = options.output.with_suffix(".parts")
    folder.mkdir(exist_ok=True)
    voice = speech(np.random.default_rng(0))
    previous, names = voice, []
    for number, (name, sort, handlings, samples) in enumerate(sources(options.electronic, options.other), 1):
        company = Company(previous, voice, np.random.default_rng(number))
        describe(name, sort, handlings, samples, company, folder)
        names.append(name)
        previous = samples if sort[0] else previous
        print(f"\r{number} recordings", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    parts = [np.load(folder / f"{name}.npz") for name in names]
    counts = [len(part["seconds"]) for part in parts]
    arrays = {
        key: np.concatenate([part[key] for part in parts])
        for key in ("values", "seconds", "untouched", "electronic", "music")
    }
    np.savez_compressed(
        options.output, names=np.array(LIVE_DESCRIPTORS), recording=np.repeat(np.arange(len(names)), counts), **arrays
    )


if __name__ == "__main__":
    main()
