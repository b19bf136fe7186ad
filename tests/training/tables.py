"""Small tables of made-up tracks in the two published layouts: each genre has its tempo and its timbre."""

from pathlib import Path

import numpy as np
import pandas as pd

from edmlive.training.descriptors import DESCRIPTORS, TEMPO

TEMPI = {"Big Room": 126.0, "Dubstep": 140.0, "Drum&Bass": 174.0, "Nu Disco-Disco": 113.0}
NAMES_OF_2016 = {"Big Room": "BigRoom", "Dubstep": "Dubstep", "Drum&Bass": "DrumAndBass", "Nu Disco-Disco": "GlitchHop"}


def table_of_2021(tracks: int = 12, seed: int = 0) -> pd.DataFrame:
    """`tracks` of each genre; two by each artist."""
    random = np.random.default_rng(seed)
    timbres = np.random.default_rng(99).standard_normal((len(TEMPI), len(DESCRIPTORS)))
    parts = []
    for timbre, (genre, tempo) in zip(timbres, TEMPI.items(), strict=True):
        values = np.exp(0.3 * timbre + 0.3 * random.standard_normal((tracks, len(DESCRIPTORS))))
        part = pd.DataFrame(values, columns=list(DESCRIPTORS))
        for name in DESCRIPTORS[8:21]:  # mean cepstral coefficients have either sign
            part[name] = np.log(part[name])
        part[TEMPO] = tempo + random.normal(0, 1, tracks)
        artists = [f"artist {genre} {i // 2}" for i in range(tracks)]
        parts.append(part.assign(genre=genre, artist=artists, track=[f"track {i}" for i in range(tracks)]))
    return pd.concat(parts, ignore_index=True)


def table_of_2016(tracks: int = 6, seed: int = 1) -> pd.DataFrame:
    """The older layout: the genre by its older name in ``class``, no artist, descriptors up to 71 only."""
    table = table_of_2021(tracks, seed)
    older = table[[name for name in DESCRIPTORS if int(name.partition("-")[0]) <= 71]]
    return older.assign(**{"class": table["genre"].map(NAMES_OF_2016)})


def save_2021(path: Path, tracks: int = 12, seed: int = 0) -> Path:
    table_of_2021(tracks, seed).to_csv(path, index=False)
    return path


def save_2016(path: Path, tracks: int = 6, seed: int = 1) -> Path:
    table_of_2016(tracks, seed).to_csv(path)  # with its unnamed index column, as published
    return path
