"""The paper's figures, drawn from a feature store, from predictions about it, or from one track."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from edmlive.errors import UserError
from edmlive.kernels.tables import HOP_LENGTH, N_MELS, SAMPLE_RATE, TEMPOGRAM_LENGTH
from edmlive.kernels.tempogram import trailing
from edmlive.training import scores
from edmlive.training.cross_validation import CrossValidation
from edmlive.training.predictions import Predictions
from edmlive.training.store import FeatureStore
from edmlive.util.files import replacing

FRAMES_PER_MINUTE = 60 * SAMPLE_RATE / HOP_LENGTH
SLOWEST_BPM, FASTEST_BPM = 30, 480
_COLOURS = [*colormaps["tab10"](range(10)), *colormaps["tab20"](range(1, 20, 2))]
_USUAL_BPM, _TEMPO_COLUMNS = 120.0, 22


def recall_bars(predictions: Mapping[str, Predictions]) -> Figure:
    """Draw the song-level accuracy of each subgenre as bars, models side by side (Figure 4)."""
    recalls = {name: given.recall() for name, given in predictions.items()}
    labels = sorted({label for recall in recalls.values() for label, share in recall.items() if share is not None})
    figure = Figure(figsize=(15, 6.5), layout="constrained")
    axes = figure.subplots()
    axes.set_prop_cycle(color=_COLOURS)
    width = 0.8 / len(recalls)
    for k, (name, recall) in enumerate(recalls.items()):
        places = np.arange(len(labels)) + (k - (len(recalls) - 1) / 2) * width
        axes.bar(places, [100 * (recall.get(label) or 0.0) for label in labels], width, label=name)
    axes.set_xticks(np.arange(len(labels)), labels, rotation=90)
    axes.set_xlim(-0.6, len(labels) - 0.4)
    axes.set_ylabel("song-level accuracy, %")
    axes.set_ylim(0, 100)
    axes.grid(axis="y", alpha=0.4)
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper center", ncols=4)
    return figure


def confusion_matrix(predictions: Predictions | CrossValidation) -> Figure:
    """Draw the confusion matrix of songs: true subgenres in rows, predicted ones in columns (Figure 5)."""
    counts, labels = predictions.confusion(), predictions.labels
    size = 3.5 + 0.3 * len(labels)
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.subplots()
    axes.imshow(counts / np.maximum(1, counts.sum(axis=1, keepdims=True)), cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(counts):
        shade = "white" if 2 * counts[row, column] > counts[row].sum() else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=8, color=shade)
    axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=9)
    axes.set_yticks(range(len(labels)), labels, fontsize=9)
    axes.set_xlabel("predicted", fontsize=11)
    axes.set_ylabel("true", fontsize=11)
    return figure


def reliability(predictions: Mapping[str, Predictions]) -> Figure:
    """Draw reliability diagrams: the accuracy of chunks by confidence."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    axes.set_prop_cycle(color=_COLOURS)
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle="--", label="calibrated")
    for name, given in predictions.items():
        bins = scores.reliability(given.probabilities, given.truth[given.track])
        filled = bins.total > 0
        confidence, accuracy = (sums[filled] / bins.total[filled] for sums in (bins.confidence, bins.correct))
        axes.plot(confidence, accuracy, marker="o", markersize=3, label=name)
    axes.set(xlabel="confidence", ylabel="accuracy of chunks", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    figure.legend(loc="outside right upper")
    return figure


def tempo_boxes(store: FeatureStore) -> Figure:
    """Draw the tempi of each subgenre (Figure 1).

    Raises
    ------
    UserError
        No recording's genre is known.
    """
    tempi: dict[str, list[float]] = {label: [] for label in store.labels}
    if not tempi:
        raise UserError(f"{store.folder} holds no recording of a known genre, so there are no tempi by genre to draw.")
    for track in store.tracks:
        if track.genre is not None:
            tempi[track.genre].append(tempo(store.frames(track)[:, N_MELS]))
    figure = Figure(figsize=(3 + 0.35 * len(tempi), 4.5), layout="constrained")
    axes = figure.subplots()
    axes.boxplot(list(tempi.values()), tick_labels=list(tempi))
    axes.tick_params(axis="x", rotation=90)
    axes.set_ylabel("tempo, BPM")
    return figure


def tempo(onset: NDArray[np.float32]) -> float:
    """Estimate the tempo of a whole track in BPM.

    The highest peak of its mean autocorrelation tempogram, weighted by how usual the tempo is (a Gaussian of one octave
    around 120 BPM, as ``librosa.feature.tempo``), refined on the peak four beats away.

    Parameters
    ----------
    onset
        Onset strengths, shape (frames,).
    """
    strengths = np.pad(onset.astype(np.float64), (max(0, TEMPOGRAM_LENGTH - len(onset)), 0))
    mean = trailing(strengths, _TEMPO_COLUMNS)[0].mean(axis=0, dtype=np.float64)
    lags = np.arange(1, TEMPOGRAM_LENGTH)
    usual = np.exp(-0.5 * np.log2(FRAMES_PER_MINUTE / lags / _USUAL_BPM) ** 2)
    lag = float(_vertex(mean, int(lags[(mean[1:] * usual).argmax()])))
    if 4 * lag + 3 < TEMPOGRAM_LENGTH:
        around = np.arange(round(4 * lag) - 2, round(4 * lag) + 3)
        lag = _vertex(mean, int(around[mean[around].argmax()])) / 4
    return FRAMES_PER_MINUTE / lag


def track_features(rows: NDArray[np.float32], title: str) -> Figure:
    """Draw a track's mel-spectrogram and tempograms (Figure 6).

    Parameters
    ----------
    rows
        Stored features, shape (frames, 129).
    title
        The track.
    """
    strengths = np.concatenate([np.zeros(TEMPOGRAM_LENGTH - 1), rows[:, N_MELS].astype(np.float64)])
    autocorrelation, fourier = trailing(strengths)
    figure = Figure(figsize=(11, 10), layout="constrained")
    mel_axes, fourier_axes, lag_axes = figure.subplots(3, sharex=True)
    figure.suptitle(title)
    seconds = np.arange(len(rows)) * HOP_LENGTH / SAMPLE_RATE
    decibels = 10 * np.log10(np.maximum(rows[:, :N_MELS], 1e-10))
    mesh = mel_axes.pcolormesh(seconds, np.arange(N_MELS), decibels.T, vmin=decibels.max() - 80, rasterized=True)
    mel_axes.set(title="Mel-spectrogram", ylabel="mel band")
    figure.colorbar(mesh, ax=mel_axes, label="power, dB")
    bins = np.arange(fourier.shape[1]) * FRAMES_PER_MINUTE / TEMPOGRAM_LENGTH
    _draw_tempogram(fourier_axes, "Fourier tempogram", seconds, bins, fourier, "magnitude")
    lags = FRAMES_PER_MINUTE / np.arange(1, TEMPOGRAM_LENGTH)
    _draw_tempogram(lag_axes, "Autocorrelation tempogram", seconds, lags, autocorrelation[:, 1:], "autocorrelation")
    lag_axes.set_xlabel("seconds (tempograms: where their window of 8.9 s ends)")
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a figure as .svg, .png or .pdf, by its suffix; an existing file is replaced only by a complete one.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix[1:].lower(), dpi=120)
    try:
        with replacing(path) as partial:
            partial.write_bytes(picture.getvalue())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"The figure cannot be written to {path}: {reason}.") from None


def _draw_tempogram(
    axes: Axes, title: str, seconds: NDArray[np.float64], bpm: NDArray[np.float64], rows: NDArray[np.float32], unit: str
) -> None:
    shown = (bpm >= SLOWEST_BPM) & (bpm <= FASTEST_BPM)
    mesh = axes.pcolormesh(seconds, bpm[shown], rows[:, shown].T, cmap="magma", rasterized=True)
    axes.set(title=title, ylabel="tempo, BPM")
    axes.figure.colorbar(mesh, ax=axes, label=unit)


def _vertex(values: NDArray[np.float64], peak: int) -> float:
    """Where the parabola through a peak and its neighbours is highest."""
    if not 0 < peak < len(values) - 1:
        return float(peak)
    before, here, after = values[peak - 1 : peak + 2]
    curvature = before - 2 * here + after
    return peak + (0.5 * float((before - after) / curvature) if curvature < 0 else 0.0)
