"""Makes short_term.npz: what pyAudioAnalysis 0.3.14 says of synthetic signals.

Only to make the file anew, in an environment of its own:

    pip install pyAudioAnalysis eyed3 pydub tqdm matplotlib hmmlearn imblearn plotly scikit-learn
    python tests/golden/make_short_term.py
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 22050
SECONDS = 166 * 1102 / RATE
"""A whole number of frames, but not of one-second blocks."""


def signals() -> dict[str, NDArray[np.int16]]:
    """Synthetic mono signals."""
    random = np.random.default_rng(7)
    time = np.arange(166 * 1102) / RATE
    noise = 0.1 * random.standard_normal(len(time))
    sweep = 0.5 * np.sin(2 * np.pi * 40.0 * SECONDS / np.log(250.0) * (250.0 ** (time / SECONDS) - 1.0))
    beat = time % (60 / 128)
    kick = np.exp(-beat * 12) * np.sin(2 * np.pi * (50 * beat + 6 * (1 - np.exp(-beat * 30))))
    hat = np.exp(-((time + 30 / 128) % (60 / 128)) * 60) * noise * 3
    bass = 0.2 * np.sign(np.sin(2 * np.pi * 55.0 * time)) * (time % 2 < 1.5)
    drums = 0.6 * kick + hat + bass
    chord = sum(0.1 * np.sin(2 * np.pi * f * time) for f in (220.0, 277.18, 329.63, 1760.0)) + 0.02 * noise
    gaps = drums * ((time > 0.7) & ((time < 3.0) | (time > 4.6)))
    made = {
        "noise": noise,
        "sweep": sweep,
        "drums": drums,
        "chord": chord,
        "gaps": gaps,
        "quiet": drums * 1e-3,
        "clipped": drums * 4.0,
        "offset": 0.5 * drums + 0.2,
        "silence": np.zeros(len(time)),
        "constant": np.full(len(time), 0.25),
    }
    return {name: np.clip(np.rint(x * 32768), -32768, 32767).astype(np.int16) for name, x in made.items()}


def main() -> None:
    for name, value in {"Inf": np.inf, "NaN": np.nan}.items():  # pyAudioAnalysis predates NumPy 2
        setattr(np, name, value)
    from pyAudioAnalysis.MidTermFeatures import beat_extraction, mid_feature_extraction

    golden = {}
    for name, signal in signals().items():
        mid, short, names = mid_feature_extraction(signal, RATE, RATE, RATE, round(RATE * 0.05), round(RATE * 0.05))
        golden[f"{name}.features"] = short[:34].T.astype(np.float32)
        golden[f"{name}.statistics"] = mid.mean(axis=1)[["delta" not in n for n in names]]
        golden[f"{name}.beat"] = np.array(beat_extraction(short, 0.05))
    np.savez_compressed(Path(__file__).with_name("short_term.npz"), **golden)


if __name__ == "__main__":
    main()
