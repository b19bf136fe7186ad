"""Trained networks to be evaluated on a feature store, as checkpoints or as ONNX files."""

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edmlive.errors import ModelError
from edmlive.models.checkpoint import TRAINING_KEY, Checkpoint, Training
from edmlive.models.inputs import CHUNK_FRAMES
from edmlive.realtime.classifier import Classifier
from edmlive.spec import Features, ModelSpec
from edmlive.training import baselines as baselines  # whose networks checkpoints may hold
from edmlive.training.agreement import comparable, scorable_genres
from edmlive.training.chunks import WHOLE, Chunks, Span
from edmlive.training.corpus import CorpusError
from edmlive.training.predictions import Classify
from edmlive.training.store import FeatureStore, StoredTrack


class Candidate(NamedTuple):
    """A trained network to be evaluated.

    Parameters
    ----------
    classify
        Returns the probabilities of a batch of features.
    spec
        What it expects and means.
    training
        How it was trained; ``None`` if the file does not say.
    """

    classify: Classify
    spec: ModelSpec
    training: Training | None


def open_candidate(path: Path) -> Candidate:
    """Open a checkpoint or an ONNX file.

    Raises
    ------
    ModelError
        It is neither, or carries no valid spec, or takes inputs other than chunks.
    """
    if path.suffix != ".onnx":
        checkpoint = Checkpoint.load(path)
        return Candidate(checkpoint.probabilities, checkpoint.spec, checkpoint.training)
    classifier = Classifier(path, "cpu")
    spec = classifier.spec
    if any(i.frames != CHUNK_FRAMES or i.name == "onset_strength" for i in spec.inputs):
        raise ModelError(f"Model {path} takes descriptors, or chunks of another length than 4.64 s: try `classify`.")
    described = classifier.metadata.get(TRAINING_KEY)
    try:
        training = None if described is None else Training.from_json(described)
    except ValueError as error:
        raise ModelError(f"Model {path} is refused: {error}.") from None

    def classify(features: Features) -> NDArray[np.float32]:
        chunks = zip(*features.values(), strict=True)
        return classifier.probabilities_of([dict(zip(features, chunk, strict=True)) for chunk in chunks])

    return Candidate(classify, spec, training)


class Parts(NamedTuple):
    """The recordings of a store, by their part in a network's training.

    Parameters
    ----------
    train, validation
        The recordings of its training and validation splits.
    unseen
        All others, except those by artists of the former.
    """

    train: tuple[StoredTrack, ...]
    validation: tuple[StoredTrack, ...]
    unseen: tuple[StoredTrack, ...]


def parts(store: FeatureStore, training: Training | None) -> Parts:
    """Return the parts of a store's recordings in a training; all are unseen if it is not known which they are."""
    if training is None or not training.knows_recordings:
        return Parts((), (), store.tracks)
    of_train, of_validation = frozenset(training.train), frozenset(training.validation)
    train = tuple(track for track in store.tracks if track.identity in of_train)
    validation = tuple(track for track in store.tracks if track.identity in of_validation)
    seen, artists = {*train, *validation}, {track.artist for track in (*train, *validation)} - {""}
    unseen = (track for track in store.tracks if track not in seen and track.artist not in artists)
    return Parts(train, validation, tuple(unseen))


def tested_on(store: FeatureStore, training: Training | None) -> str:
    """Describe the recordings of a store that `chunks_for` selects to test a network."""
    if training is None:
        return "all recordings, as its training data is not known"
    if not training.knows_recordings:
        return (
            "all recordings, perhaps some that it was trained on: it comes from an earlier edmlive, whose record of "
            "them cannot be compared with this store"
        )
    every = len(parts(store, training).unseen) == len(store.tracks)
    return "all recordings, none of which it was trained on" if every else "recordings that it was not trained on"


def chunks_for(
    store: FeatureStore,
    spec: ModelSpec,
    training: Training | None,
    part: Literal["train", "validation", "unseen"] = "unseen",
) -> Chunks:
    """Return the chunks of a part of a store as a network's inputs.

    If a store has no recording in the training or validation part, its unseen recordings are taken instead. Recordings
    without a genre that the network knows are included only if the store has a teacher to compare the network with.

    Raises
    ------
    CorpusError
        The store's features are of another kind; or the network was trained on all of it; or none of its recordings has
        a genre that the network knows, and there is no teacher to compare it with.
    """
    if store.window != spec.window:
        raise CorpusError(
            f"Model '{spec.name}' takes features with a {spec.window} window, but {store.folder} holds some with a "
            f"{store.window} window."
        )
    found = parts(store, training)
    tracks: tuple[StoredTrack, ...] = getattr(found, part) or found.unseen
    if not tracks:
        raise CorpusError(
            f"Model '{spec.name}' was trained on all recordings of {store.folder}, or on others by their artists: use "
            "another store."
        )
    if store.teacher is None or not comparable(spec.labels, store.teacher.labels):
        known = scorable_genres(spec.labels, store.labels)
        tracks = tuple(track for track in tracks if track.genre in known)
    span = WHOLE if training is None else Span(training.start, training.end)
    chunks = Chunks(store, tracks, spec.labels, spec.inputs, spec.mel_scale, span)
    if not len(chunks):
        raise CorpusError(
            f"{store.folder} has no recording, long enough, of a genre that '{spec.name}' knows, nor answers of a "
            "teacher to compare it with."
        )
    return chunks
