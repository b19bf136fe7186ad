"""Where rendered music lies outside the range of the real, descriptor by descriptor."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edmlive.taxonomy import common
from edmlive.training.datasets import Tracks

MEANINGS = {
    "ZCR": ("too noisy and bright", "too dull"),
    "Energy": ("too dense, too close to its peak", "too far below its peak: peaky or empty"),
    "EnergyEntropy": ("too even within 50 ms: soft attacks", "too spiky within 50 ms: hard, short attacks"),
    "SpectralCentroid": ("too bright", "too dark"),
    "SpectralSpread": ("too wide: bass and treble at once", "too narrow"),
    "SpectralEntropy": ("too spread over all bands", "too much held by one band, the bass"),
    "SpectralFlux": ("too restless from frame to frame", "too static from frame to frame"),
    "SpectralRolloff": ("too heavy on top", "too light on top"),
    "MFCCs1": ("too full: no gaps between hits", "too empty: gaps between hits, or too little level"),
    "MFCCs2": ("too bass-heavy against 2 kHz", "too thin against 2 kHz"),
    "MFCCs3": ("too scooped: lacks 300 Hz to 1 kHz", "too much at 300 Hz to 1 kHz"),
    "ChromaVector3": ("too much at 40 and 100 Hz", "too little at 40 and 100 Hz"),
    "ChromaVector5": ("too much at 120 and 260 Hz", "too little at 120 and 260 Hz"),
    "ChromaVector6": ("too much under 15 Hz, or at 280 Hz", "too little at 280 Hz"),
    "ChromaVector7": ("too much at 20 and 60 Hz", "too little at 60 Hz"),
    "ChromaVector11": ("too much at 80 and 180 Hz", "too little at 80 and 180 Hz"),
    "ChromaDeviation": ("too few pitches stand out", "no pitch stands out"),
    "BPMconf": ("peaks too regular", "peaks too irregular"),
    "danceability": ("too steady in level over seconds", "too unsteady in level over seconds"),
    "beats_loudness.mean": ("beats too loud against the rest", "beats too weak against the rest"),
    "beats_loudness.stdev": ("loudness of the beats too unlike", "loudness of the beats too alike"),
    "onset_rate": ("too many onsets", "too few onsets"),
    "band_ratio.mean1": ("beats too heavy under 200 Hz", "beats too light under 200 Hz: kick"),
    "band_ratio.mean2": ("beats too heavy at 200 to 400 Hz", "beats too light at 200 to 400 Hz"),
    "band_ratio.mean3": ("beats too heavy at 400 to 800 Hz", "beats too light at 400 to 800 Hz"),
    "band_ratio.mean4": ("beats too heavy at 0.8 to 1.6 kHz", "beats too light at 0.8 to 1.6 kHz"),
    "band_ratio.mean5": ("beats too heavy at 1.6 to 3.2 kHz", "beats too light at 1.6 to 3.2 kHz"),
    "band_ratio.mean6": ("beats too heavy over 3.2 kHz", "beats too light over 3.2 kHz: hats"),
}
"""What too high and too low a value of a descriptor sounds like, by the end of its name.

Means only. pyAudioAnalysis's pitch classes are, in music with a strong bass, levels of single bins of 20 Hz (see
`edmlive.kernels.short_term_tables`).
"""


class Gap(NamedTuple):
    """How far the rendered tracks of one subgenre, or of all (``""``), are from the real ones in one descriptor.

    Attributes
    ----------
    genre, descriptor
        What is compared.
    outside
        Share of the rendered tracks outside the 5-95 % range of the real tracks of the same common class; 0.1 for
        real tracks.
    shift
        Rendered median minus real median, in standard deviations of the real tracks.
    spread
        Standard deviation of the rendered tracks divided by that of the real ones.
    """

    genre: str
    descriptor: str
    outside: float
    shift: float
    spread: float


def gaps(rendered: Tracks, real: Tracks) -> list[Gap]:
    """Compare each rendered subgenre with the real tracks of its common class; furthest outside first."""
    classes = np.array([common(genre) for genre in real.genres.tolist()])
    found = []
    for genre in np.unique(rendered.genres).tolist():
        ours, theirs = rendered.values[rendered.genres == genre], real.values[classes == common(genre)]
        found += _compared(genre, rendered.names, ours, theirs)
    return sorted(found, key=lambda gap: (-gap.outside, -abs(gap.shift)))


def overall(found: list[Gap]) -> list[Gap]:
    """Average the gaps of all subgenres, descriptor by descriptor; greatest mean distance first."""
    means = []
    for name in dict.fromkeys(gap.descriptor for gap in found):
        here = np.array([(gap.outside, gap.shift, gap.spread) for gap in found if gap.descriptor == name])
        means.append(Gap("", name, *here.mean(axis=0).tolist()))
    return sorted(means, key=lambda gap: -abs(gap.shift))


def words(gap: Gap) -> str:
    """Describe a gap as a sound designer would hear it, such as ``too restless from frame to frame``."""
    name = gap.descriptor.partition("-")[2]
    high = gap.shift > 0
    if name.endswith("std"):
        return "varies too much within a second" if high else "too constant within a second"
    stem = name.removesuffix("m")
    much, little = next((pair for end, pair in MEANINGS.items() if stem.endswith(end)), ("too high", "too low"))
    return much if high else little


def _compared(genre: str, names: tuple[str, ...], ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> list[Gap]:
    low, middle, high = np.percentile(theirs, (5, 50, 95), axis=0)
    deviation = np.maximum(theirs.std(axis=0), 1e-12)
    outside = ((ours < low) | (ours > high)).mean(axis=0)
    shift = (np.median(ours, axis=0) - middle) / deviation
    spread = ours.std(axis=0) / deviation
    columns = zip(names, outside.tolist(), shift.tolist(), spread.tolist(), strict=True)
    return [Gap(genre, name, *values) for name, *values in columns]
