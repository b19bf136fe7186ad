"""Fit mixing and mastering settings to the descriptors of released tracks.

python -m research.mastering --real beatport_2021jan.csv --out fitted [--genres house ...] [--write]

needs the ``train`` extra. For each subgenre it renders a few tracks as four solo stems, mixes and masters them with
faders, density, saturation, glue, loudness and tonal balance moved one by one, and takes a few Gauss-Newton steps
towards the mean descriptors of the real tracks of its common class: those of the calibration half only (see
`research/realism.py`). Pitch classes are ignored: they depend on the key.

The result for each subgenre is stored under ``--out``: interrupt it and run it again. ``--write`` writes all results
to ``edmlive/synth/recipes/mastering.toml``.
"""

import argparse
import json
import os
from dataclasses import dataclass, replace
from multiprocessing import Pool
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray
from rich.progress import track as progress

from edmlive.features.windows import LIVE_DESCRIPTORS
from edmlive.synth.audio import Samples, gain
from edmlive.synth.mastering import BALANCE_HERTZ, Master, master
from edmlive.synth.recipe import FITTED, Faders, Recipe, recipe
from edmlive.synth.render import mix, plan
from edmlive.taxonomy import SUBGENRES, common
from edmlive.training.datasets import Tracks, read_tracks
from research.realism import calibration_half
from research.rendered import describe

GROUPS = ("kick", "drums", "bass", "music")
CONTROLS = (*GROUPS, "density", "saturation", "glue", "loudness", *(f"{hertz} Hz" for hertz in BALANCE_HERTZ))
STEPS = np.array([3, 3, 3, 3, 0.3, 0.15, 1.5, 1.0, *[2.0] * len(BALANCE_HERTZ)])
"""How far each control is moved to measure its effect, and the unit of its stiffness."""
RHYTHM_WEIGHT = 1.0
FIRST_SEED = 7_000
SOLO_OFF = -200.0
STRAYS = 3.0
"""Deviations from the real mean at which a track's residuals are clipped."""


@dataclass(frozen=True)
class Target:
    """Target descriptors: mean, standard deviation and weight of each, shape (92,)."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    weight: NDArray[np.float64]

    def residuals(self, descriptors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weighted mean deviations, shape (92,), of tracks, shape (tracks, 92)."""
        away = np.clip((descriptors - self.mean) / self.deviation, -STRAYS, STRAYS)
        return np.asarray(self.weight * away.mean(axis=0))


@dataclass(frozen=True)
class Stems:
    """A track as solo stems of the four groups, and the mastering it has drawn."""

    groups: tuple[Samples, ...]
    mastering: Master

    def described(self, moved: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the descriptors with the controls moved, shape (92,)."""
        mixed = sum(np.float32(gain(level)) * stem for level, stem in zip(moved[:4], self.groups, strict=True))
        drawn = self.mastering
        settings = replace(
            drawn,
            density=float(np.clip(drawn.density + moved[4], 0.0, 1.0)),
            saturation=float(np.clip(drawn.saturation + moved[5], 0.0, 0.8)),
            glue=float(np.clip(drawn.glue + moved[6], 0.0, 8.0)),
            loudness=drawn.loudness + moved[7],
            balance=tuple((np.array(drawn.balance) + moved[8:]).tolist()),
        )
        return describe(master(np.asarray(mixed, np.float32), settings))[0]


def main() -> None:
    """Fit the chosen subgenres."""
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    real = read_tracks(options.real, LIVE_DESCRIPTORS)
    real = real[calibration_half(real)]
    wanted = [genre for genre in options.genres or SUBGENRES if not (options.out / f"{genre}.json").is_file()]
    work = [(genre, target_of(genre, real), options) for genre in wanted]
    with Pool(options.jobs) as pool:
        for genre, before, after, table in progress(pool.imap_unordered(fitted, work), "fitting", total=len(work)):
            (options.out / f"{genre}.json").write_text(json.dumps(table))
            print(f"{genre:28} mean square residual {before:.2f} -> {after:.2f}", flush=True)
    if options.write:
        write(options.out)


def target_of(genre: str, real: Tracks) -> Target:
    """Return the target that the real tracks of a subgenre's common class set."""
    same = real.values[[common(label) == common(genre) for label in real.genres.tolist()]]
    weight = np.array([_weight(name) for name in real.names])
    return Target(same.mean(axis=0), np.maximum(same.std(axis=0), 1e-12), weight)


def fitted(work: tuple[str, Target, argparse.Namespace]) -> tuple[str, float, float, dict[str, object]]:
    """Take Gauss-Newton steps, with Broyden's updates of the Jacobian, while they help."""
    genre, target, options = work
    tracks = [stems(genre, options.seconds, FIRST_SEED + k) for k in range(options.per_genre)]

    def residuals(moved: NDArray[np.float64]) -> NDArray[np.float64]:
        return target.residuals(np.array([track.described(moved) for track in tracks]))

    def cost(here: NDArray[np.float64], moved: NDArray[np.float64]) -> float:
        return float(np.square(here).sum() + options.stiffness * np.square(moved / STEPS).sum())

    moved = np.zeros(len(CONTROLS))
    here = first = residuals(moved)
    slopes = np.stack([(residuals(step) - here) for step in np.diag(STEPS)], axis=1)  # per step of each control
    trust = 1.0
    for _ in range(options.iterations):
        normal = slopes.T @ slopes + options.stiffness * np.eye(len(CONTROLS)) / trust
        step = np.linalg.solve(normal, -slopes.T @ here - options.stiffness * moved / STEPS)
        step = np.clip(step, -2.0, 2.0)
        there = residuals(moved + step * STEPS)
        slopes += np.outer(there - here - slopes @ step, step) / max(float(step @ step), 1e-9)
        if cost(there, moved + step * STEPS) < cost(here, moved):
            moved, here = moved + step * STEPS, there
        else:
            trust *= 0.3
    scale = float(np.square(target.weight).sum())
    before, after = float(np.square(first).sum()) / scale, float(np.square(here).sum()) / scale
    return genre, before, after, settled(recipe(genre), moved)


def stems(genre: str, seconds: float, seed: int) -> Stems:
    """Render a track's groups one by one."""
    planned = plan(genre, seconds, seed)
    return Stems(
        tuple(mix(replace(planned, recipe=_solo(planned.recipe, group))) for group in GROUPS), planned.mastering
    )


def settled(made_of: Recipe, moved: NDArray[np.float64]) -> dict[str, object]:
    """Return a recipe's table with the controls moved; its ranges keep their widths."""
    old, mastering = made_of.faders.model_dump(), made_of.master
    balance = np.array(mastering.balance) + moved[8:]

    def range_of(values: tuple[float, float], change: float, low: float, high: float) -> list[float]:
        return [round(float(np.clip(value + change, low, high)), 2) for value in values]

    return {
        "faders": {group: round(old[group] + float(moved[k]), 1) for k, group in enumerate(GROUPS)},
        "master": {
            "density": range_of(mastering.density, moved[4], 0.0, 1.0),
            "saturation": range_of(mastering.saturation, moved[5], 0.0, 0.8),
            "glue": range_of(mastering.glue, moved[6], 0.0, 8.0),
            "loudness": range_of(mastering.loudness, moved[7], -13.0, -6.5),
            "balance": [round(value, 1) for value in (balance - balance.mean()).tolist()],
            "spread": [round(value, 1) for value in mastering.spread],
        },
    }


def write(folder: Path) -> None:
    """Write the stored results to the recipes, subgenre by subgenre."""
    lines = [
        "# Fitted to released tracks by research/mastering.py: what their engineers must have set. dB, LUFS, 0...1."
    ]
    for genre in SUBGENRES:
        path = folder / f"{genre}.json"
        if not path.is_file():
            continue
        table = json.loads(path.read_text())
        faders = ", ".join(f"{group} = {level}" for group, level in table["faders"].items())
        lines += ["", f"[{genre}]", f"faders = {{ {faders} }}", "", f"[{genre}.master]"]
        lines += [f"{key} = {value}" for key, value in table["master"].items()]
    FITTED.write_text("\n".join(lines) + "\n")


def _solo(made_of: Recipe, group: str) -> Recipe:
    faders = Faders(**{name: (getattr(made_of.faders, name) if name == group else SOLO_OFF) for name in GROUPS})
    vinyl = made_of.master.vinyl if group == "music" else (SOLO_OFF, SOLO_OFF)
    mastering = made_of.master.model_copy(update={"vinyl": vinyl})
    return made_of.model_copy(update={"faders": faders, "master": mastering})


def _weight(name: str) -> float:
    number = int(name.partition("-")[0])
    if "Chroma" in name or 69 <= number <= 76:
        return 0.0
    return 1.0 if number <= 68 else RHYTHM_WEIGHT


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, required=True, help="descriptors of real tracks, January 2021")
    parser.add_argument("--out", type=Path, required=True, help="folder for what is fitted")
    parser.add_argument("--genres", nargs="*", choices=SUBGENRES, metavar="GENRE")
    parser.add_argument("--per-genre", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=45.0)
    parser.add_argument("--iterations", type=int, default=6)
    parser.add_argument("--stiffness", type=float, default=0.3, help="cost of moving a control by its step")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--write", action="store_true", help="write the recipes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
