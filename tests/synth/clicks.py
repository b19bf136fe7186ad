"""A stand-in for rendered tracks: what must hold of a mix shows best on clicks and tones."""

import numpy as np

from edmlive.synth.audio import RATE
from edmlive.synth.render import Rendering, Truth


def clicks(genre: str, seconds: float, seed: int, bpm: float | None = None) -> Rendering:
    """Return a track with a click of one sample on each beat, louder on a bar's first, and a 400 Hz tone."""
    assert bpm is not None
    samples = np.zeros((round(seconds * RATE), 2), np.float32)
    samples[:] = 0.2 * np.sin(2 * np.pi * 400 * np.arange(len(samples)) / RATE)[:, None]
    beats = np.round(np.arange(seconds * bpm / 60 - 1e-6) * 60 / bpm * RATE).astype(int)
    samples[beats] = 0.6
    samples[beats[::4]] = 0.9
    return Rendering(samples, Truth(genre, bpm, "A", "minor", seed, ()))
