"""Does rendered music sound like the real thing? Measured with descriptors, against real tracks from Beatport.

python -m research.realism --real beatport_2021jan.csv --real-2016 beatport_2016nov.csv

needs the ``train`` extra and the two published tables (`edmlive train --help` says where they are). It
renders tracks of every subgenre (or reads a corpus), extracts their features as `edmlive classify` does, and prints how
well a classifier trained on either kind of music does on the other, where rendered tracks lie outside the range of real
ones, and faults of the audio. Measurements are kept in ``--out``: interrupt it and run it again.

The real tracks of 2021 are split once into halves, stratified by genre and with artists apart. Whatever was fitted to
real tracks (balances, levels, the choice between classifiers) used the calibration half and the tracks of 2016 only,
except the recipes' tempi, whose quantiles are those of all tracks. Render-to-real uses no real track in training, not
even for standardisation.

``--tune GENRE`` prints where that subgenre is furthest off, from a few tracks; ``--pictures`` draws six.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from rich.progress import track as progress
from sklearn.model_selection import StratifiedGroupKFold

from edmlive.features.windows import LIVE_DESCRIPTORS
from edmlive.taxonomy import SUBGENRES, common
from edmlive.training.datasets import Tracks, read_tracks
from research.gaps import Gap, gaps, overall, words
from research.rendered import Measured, measure_all, of_corpus, to_render
from research.transfer import CLASSES, Score, answers, score, shipped

TEMPO_TOLERANCE = 0.04
"""Relative error up to which a tempo counts as right (MIREX)."""
OCTAVES = (1 / 3, 1 / 2, 1, 2, 3)
LUFS_RANGE = (-14.0, -6.0)
LONGEST_SILENCE = 1.0
LOUDEST_CLICK = 1.5
SPLIT_SEED = 2021
JITTER = 1.5
"""See `research.transfer.answers`; the best of 0, 0.3, 0.6, 1 and 1.5 on the calibration half."""


def main() -> None:
    """Parse, measure, print."""
    options = _options()
    genres = options.tune or options.genres or SUBGENRES
    if options.pictures:
        from research.pictures import draw_all

        draw_all(options.out, options.seconds)
        return
    measured = measured_tracks(options, genres)
    rendered = as_tracks(measured)
    real = read_tracks(options.real, LIVE_DESCRIPTORS)
    calibration = calibration_half(real)
    if options.tune:
        for genre in options.tune:
            print_worst(genre, gaps(rendered[rendered.genres == genre], real[calibration]))
        return
    real_2016 = read_tracks(options.real_2016, LIVE_DESCRIPTORS, partial=True)
    print(
        f"{len(rendered)} rendered tracks, {len(rendered) / len(set(genres)):g} of each of {len(set(genres))} subgenres"
    )
    print_render_to_real(rendered, real, real_2016, calibration)
    print_real_to_render(rendered)
    print_gaps(gaps(rendered, real), options.out)
    print_audio(measured)


def measured_tracks(options: argparse.Namespace, genres: Sequence[str]) -> list[Measured]:
    """Render and measure all tracks, as far as they are not cached."""
    if options.corpus:
        tracks = of_corpus(options.corpus, genres)
    else:
        tracks = to_render(genres, range(options.first_seed, options.first_seed + options.per_genre), options.seconds)
    if not tracks:
        raise SystemExit(f"There is no track of {', '.join(genres)}.")
    found = progress(measure_all(tracks, options.out / "tracks", options.jobs), "rendering", total=len(tracks))
    return sorted(found, key=lambda measured: (measured.genre, measured.seed))


def as_tracks(measured: list[Measured]) -> Tracks:
    """Return the measurements as a table of tracks, each by an artist of its own."""
    return Tracks(
        LIVE_DESCRIPTORS,
        np.array([track.descriptors for track in measured]),
        np.array([track.genre for track in measured]),
        np.array([f"{track.genre} {track.seed}" for track in measured]),
    )


def calibration_half(real: Tracks) -> np.ndarray:
    """Return which of the real tracks may be used for fitting: bool, shape (tracks,)."""
    halves = StratifiedGroupKFold(2, shuffle=True, random_state=SPLIT_SEED)
    rows, _ = next(halves.split(real.values, real.genres, real.artists))
    return np.isin(np.arange(len(real)), rows)


def print_render_to_real(rendered: Tracks, real: Tracks, real_2016: Tracks, calibration: np.ndarray) -> None:
    """Print how well classifiers trained on rendered tracks do on real ones."""
    print(f"\nRENDER TO REAL, {len(CLASSES)} common classes (chance {1 / len(CLASSES):.1%}, {3 / len(CLASSES):.1%})")
    by_learner = answers(rendered, real, JITTER)
    fitted = {name: score(p[calibration], real.genres[calibration]) for name, p in by_learner.items()}
    chosen = max(fitted, key=lambda name: fitted[name].top_1)
    for name, result in fitted.items():
        mark = " <- chosen" if name == chosen else ""
        print_score(f"calibration half, {name}{mark}", result)
    held = score(by_learner[chosen][~calibration], real.genres[~calibration])
    print_score("HELD-OUT HALF", held)
    print_score("all of 2021", score(by_learner[chosen], real.genres))
    print_score("2016", score(answers(rendered, real_2016, JITTER)[chosen], real_2016.genres))
    from_real = answers(real[calibration], real[~calibration])[chosen]
    known = score(from_real, real.genres[~calibration])
    print_score("for comparison: trained on the calibration half, tested on the held-out half", known)
    print("\nrecall on the held-out half, trained on rendered | on real tracks | commonest wrong answer")
    truth = np.array([common(genre) for genre in real.genres[~calibration].tolist()])
    first = np.array(CLASSES)[by_learner[chosen][~calibration].argmax(axis=1)]
    for name in sorted(CLASSES, key=lambda name: held.recalls[name]):
        wrong = pd.Series(first[(truth == name) & (first != name)]).value_counts()
        most = f"{wrong.index[0]} {wrong.iloc[0] / (truth == name).sum():.0%}" if len(wrong) else ""
        print(f"  {name:28}{held.recalls[name]:6.0%}{known.recalls[name]:8.0%}   {most}")


def print_real_to_render(rendered: Tracks) -> None:
    """Print how well the shipped model, trained on real tracks, does on rendered ones."""
    by_class, by_genre = shipped(rendered)
    print("\nREAL TO RENDER: the shipped model on rendered tracks")
    print_score("all", by_class)
    for genre, recall in sorted(by_genre.recalls.items(), key=lambda item: item[1]):
        print(f"  {genre:28}{recall:6.0%}")


def print_score(name: str, result: Score) -> None:
    """Print a line of scores."""
    print(f"  {name:72} top-1 {result.top_1:5.1%}  top-3 {result.top_3:5.1%}  mean recall {result.balanced:5.1%}")


def print_gaps(found: list[Gap], out: Path) -> None:
    """Print where rendered tracks lie outside the real range, and write all gaps to a file."""
    everywhere = overall(found)
    pd.DataFrame(found).to_csv(out / "gaps.csv", index=False, float_format="%.4g")
    print(f"\nOUTSIDE THE REAL 5-95 % RANGE, worst first (all {len(found)}: {out / 'gaps.csv'}); real tracks have 10 %")
    for gap in found[:60]:
        print(f"  {gap.genre:28}{gap.descriptor:40}{gap.outside:5.0%}{gap.shift:+7.1f} sd  {words(gap)}")
    shares = np.array([gap.outside for gap in found])
    print(f"  mean {shares.mean():.1%}; over half of the tracks: {(shares > 0.5).mean():.1%} of {len(shares)} cells")
    print("\nDOMAIN GAP, mean over subgenres: shift in real sd, spread in real sd, share outside")
    for gap in everywhere:
        print(f"  {gap.descriptor:40}{gap.shift:+6.2f}{gap.spread:6.2f}{gap.outside:6.0%}")


def print_worst(genre: str, found: list[Gap], lines: int = 30) -> None:
    """Print where a subgenre is furthest off, for tuning its recipe."""
    print(f"\n{genre}: furthest from the calibration half of {common(genre)}")
    print("  descriptor                              shift  spread  outside")
    for gap in sorted(found, key=lambda gap: -abs(gap.shift))[:lines]:
        print(f"  {gap.descriptor:38}{gap.shift:+7.1f}{gap.spread:8.1f}{gap.outside:9.0%}   {words(gap)}")
    print(f"  mean distance {np.mean([abs(gap.shift) for gap in found]):.2f} sd")


def print_audio(measured: list[Measured]) -> None:
    """Print faults of the audio, and how often its tempo is estimated right."""
    lufs = np.array([track.lufs for track in measured])
    ratios = np.array([track.estimated_bpm / track.bpm for track in measured])
    right = np.abs(ratios - 1) < TEMPO_TOLERANCE
    octave = (np.abs(ratios[:, None] / OCTAVES - 1) < TEMPO_TOLERANCE).any(axis=1)
    print(f"\nAUDIO of {len(measured)} tracks")
    print(f"  peaks               {max(track.peak for track in measured):.3f} at most")
    print(f"  clipped             {sum(track.peak >= 1 for track in measured)}")
    print(f"  silent for over {LONGEST_SILENCE:g} s {sum(track.silence > LONGEST_SILENCE for track in measured)}")
    print(f"  clicks at joints    {sum(track.click > LOUDEST_CLICK for track in measured)}")
    within = ((lufs >= LUFS_RANGE[0]) & (lufs <= LUFS_RANGE[1])).mean()
    middle = np.median(lufs)
    print(f"  loudness            {lufs.min():.1f}...{lufs.max():.1f} LUFS, median {middle:.1f}; {within:.1%} in range")
    print(
        f"  tempo detected      {right.mean():.1%} within {TEMPO_TOLERANCE:.0%}, {octave.mean():.1%} but for the octave"
    )
    for track in measured:
        if track.peak >= 1 or track.silence > LONGEST_SILENCE or track.click > LOUDEST_CLICK:
            print(f"  look at {track.genre} {track.seed}: silence {track.silence:.1f} s, click {track.click:.1f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, help="the table of January 2021")
    parser.add_argument("--real-2016", type=Path, help="the table of November 2016")
    parser.add_argument("--corpus", type=Path, help="a folder made by edmlive synth corpus, instead of rendering")
    parser.add_argument("--genres", nargs="+", choices=SUBGENRES, metavar="GENRE", help="only these subgenres")
    parser.add_argument("--tune", nargs="+", choices=SUBGENRES, metavar="GENRE", help="only say where these are off")
    parser.add_argument("--pictures", action="store_true", help="draw six subgenres")
    parser.add_argument("--per-genre", type=int, default=20, help="tracks of each subgenre")
    parser.add_argument("--first-seed", type=int, default=0, help="seed of the first track of each subgenre")
    parser.add_argument("--seconds", type=float, default=120.0, help="length of a track; the real excerpts have 120")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument(
        "--out", type=Path, default=Path("realism"), help="folder of the report and of what was rendered"
    )
    options = parser.parse_args()
    if not options.pictures and (options.real is None or (options.real_2016 is None and not options.tune)):
        parser.error("--real and --real-2016 are needed")
    return options


if __name__ == "__main__":
    main()
