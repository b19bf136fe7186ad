"""Rendered music where recordings are wanting; apart, because the synthesizer takes time to import."""

from pathlib import Path

from edmlive.kernels.tables import Window
from edmlive.synth.files import new_audio_file
from edmlive.synth.render import render
from edmlive.training.corpus import Recording
from edmlive.training.features import compute_features
from edmlive.training.store import FeatureStore


def rendered_features(folder: Path, window: Window) -> FeatureStore:
    """Store the features of half a minute of rendered music.

    Parameters
    ----------
    folder
        An empty folder, for the music and the store.
    window
        Window function of the spectra.

    Raises
    ------
    UserError
        The folder cannot be written to.
    """
    music = folder / "music.wav"
    with new_audio_file(music) as write:
        write(render("house", 30.0, 0).samples)
    return compute_features([Recording(music, music.name, "house")], folder / "store", window=window)
