"""Rendered dance music: deterministic, with a known tempo, for tests that need more than noise."""

import numpy as np
from numpy.typing import NDArray

PEAK = 0.9
_BEATS_IN_BAR = 4
_BARS_IN_PART, _BREAKDOWN_BARS = 16, range(8, 12)
_ROOTS = np.array([55.0, 65.41, 49.0, 58.27])  # a bar each: A, C, G, B flat
_MINOR_SEVENTH = (4.0, 4.757, 5.993, 7.127)


def render(seconds: float, rate: int, channels: int = 2, bpm: float = 128.0, seed: int = 0) -> NDArray[np.float32]:
    """Render four-on-the-floor kick, hats, off-beat bass and chord stabs, with a breakdown in bars 9 to 12 of 16.

    Returns
    -------
    NDArray[np.float32]
        Shape (frames, channels), of magnitude `PEAK` at most; no two channels are alike, and in each the first and
        the last sample are not zero.
    """
    random = np.random.default_rng(seed)
    frames = round(seconds * rate)
    time = np.arange(frames) / rate
    beats = time * bpm / 60
    bar = (beats // _BEATS_IN_BAR).astype(int)
    playing = ~np.isin(bar % _BARS_IN_PART, _BREAKDOWN_BARS)
    root = _ROOTS[bar % len(_ROOTS)]

    def since(every: float, offset: float = 0.0) -> NDArray[np.float64]:
        """Seconds since the newest of the strokes that fall every so many beats, from `offset` on."""
        return ((beats - offset) % every) * 60 / bpm

    def saw(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
        return 2 * ((time * frequency) % 1) - 1

    stroke, off_beat, stab = since(1), since(1, 0.5), since(1.5, 0.75)
    voices = np.stack(
        (
            np.sin(2 * np.pi * (48 * stroke - 5 * np.exp(-35 * stroke))) * np.exp(-7 * stroke) * playing,
            0.3 * random.standard_normal(frames) * np.exp(-70 * off_beat),
            0.1 * random.standard_normal(frames) * np.exp(-120 * since(0.25)),
            0.5 * saw(root) * np.exp(-6 * off_beat) * playing,
            sum(0.12 * saw(root * interval) for interval in _MINOR_SEVENTH) * np.exp(-9 * stab),
        ),
        axis=1,
    )
    pan = random.uniform(0.3, 1.0, (voices.shape[1], channels))
    mix = voices @ pan + 1e-3 * random.standard_normal((frames, channels))
    mix[[0, -1]] = np.linspace(0.1, 0.2, channels)
    return (mix * (PEAK / np.abs(mix).max())).astype(np.float32)


def pulse(seconds: float, rate: int, tone: float, noise: float, seed: int = 0) -> NDArray[np.float32]:
    """Render two beats a second of a decaying tone of that many hertz over noise, shape (frames,)."""
    time = np.arange(round(seconds * rate)) / rate
    beat = np.exp(-8 * (time % 0.5)) * np.sin(2 * np.pi * tone * time)
    hiss = np.random.default_rng(seed).standard_normal(len(time)) * noise
    return (0.3 * beat + hiss).astype(np.float32)
