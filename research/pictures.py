"""Pictures of rendered tracks: mel-spectrogram and both tempograms, as in Figure 6 of the paper. Needs Matplotlib."""

from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")  # draws to files, with or without a display

from matplotlib import pyplot
from matplotlib.axes import Axes
from numpy.typing import NDArray

from edmlive.features.front_end import FrontEnd
from edmlive.features.resampler import Resampler
from edmlive.kernels.tables import HOP_LENGTH, SAMPLE_RATE, TEMPOGRAM_LENGTH
from edmlive.synth.audio import RATE
from edmlive.synth.render import render

GENRES = ("uplifting-trance", "tech-house", "liquid-drum-and-bass", "dubstep", "dub-techno", "hard-dance")
SEED = 0
SLOWEST, FASTEST = 30.0, 400.0
"""Tempi drawn, in BPM."""
LONGEST_LAG = 3.0
"""Seconds."""


def draw_all(folder: Path, seconds: float) -> None:
    """Draw a picture of each of `GENRES` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for genre in GENRES:
        path = folder / f"{genre}.png"
        draw(path, genre, seconds)
        print(path)


def draw(path: Path, genre: str, seconds: float) -> None:
    """Draw one rendered track, with its true tempo as a dashed line."""
    rendering = render(genre, seconds, SEED)
    bpm = rendering.truth.bpm
    frames = FrontEnd().push(Resampler(RATE).push(rendering.samples, last=True))
    minutes = 60 * SAMPLE_RATE / HOP_LENGTH  # frames in a minute
    figure, (mel, fourier, autocorrelation) = pyplot.subplots(3, 1, figsize=(12, 10), sharex=True)
    figure.suptitle(f"{genre}, {bpm:g} BPM, {rendering.truth.key} {rendering.truth.scale}, seed {SEED}")

    levels = 10 * np.log10(np.maximum(frames.mel, 1e-10))
    _show(mel, levels.T, seconds, (0, levels.shape[1]), (levels.max() - 80, levels.max()))
    mel.set(title="mel-spectrogram, 80 dB", ylabel="mel band")
    for section in rendering.truth.sections:
        mel.axvline(section.start, color="white", linewidth=0.7)
        mel.text(section.start, levels.shape[1], f" {section.name}", color="white", va="top", fontsize=8)

    bin_bpm = minutes / TEMPOGRAM_LENGTH
    drawn = slice(round(SLOWEST / bin_bpm), round(FASTEST / bin_bpm) + 1)
    magnitudes = frames.fourier_tempogram[:, drawn]
    shares = magnitudes / np.maximum(magnitudes.max(axis=1, keepdims=True), 1e-9)
    _show(fourier, shares.T, seconds, ((drawn.start - 0.5) * bin_bpm, (drawn.stop - 0.5) * bin_bpm), (0, 1))
    fourier.set(title="Fourier tempogram, relative to the strongest of each column", ylabel="BPM")
    fourier.axhline(bpm, color="white", linestyle="--", linewidth=0.7)

    lags = int(LONGEST_LAG * SAMPLE_RATE / HOP_LENGTH)
    _show(autocorrelation, frames.autocorrelation_tempogram[:, :lags].T, seconds, (0, LONGEST_LAG), (0, 1))
    autocorrelation.set(title="autocorrelation tempogram", ylabel="lag in seconds", xlabel="seconds")
    autocorrelation.axhline(60 / bpm, color="white", linestyle="--", linewidth=0.7)
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    pyplot.close(figure)


def _show(
    axes: Axes,
    image: NDArray[np.float32],
    seconds: float,
    rows: tuple[float, float],
    colours: tuple[float, float],
) -> None:
    lowest, highest = colours
    extent = (0, seconds, *rows)
    axes.imshow(image, aspect="auto", origin="lower", extent=extent, vmin=lowest, vmax=highest, cmap="magma")
