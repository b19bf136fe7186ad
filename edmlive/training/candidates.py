"""Putting trained networks to the test on a feature store, whichever form they come in."""

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray

from edmlive.errors import ModelError
from edmlive.models.checkpoint import TRAINING_KEY, Checkpoint, Training
from edmlive.models.inputs import CHUNK_FRAMES
from edmlive.realtime.classifier import Classifier
from edmlive.spec import Features, ModelSpec
from edmlive.training import baselines as baselines  # whose networks checkpoints may hold
from edmlive.training.agreement import comparable, judgeable_genres
from edmlive.training.chunks import WHOLE, Chunks, Span
from edmlive.training.corpus import CorpusError
from edmlive.training.predictions import Classify
from edmlive.training.store import FeatureStore, StoredTrack


class Candidate(NamedTuple):
    """A trained network to be tested.

    Parameters
    ----------
    classify
        From a batch of features to probabilities.
    spec
        What it expects and means.
    training
        How it was made; ``None`` where the file does not say.
    """

    classify: Classify
    spec: ModelSpec
    training: Training | None


def open_candidate(path: Path) -> Candidate:
    """Open a checkpoint or an ONNX file.

    Raises
    ------
    ModelError
        It is neither, or carries no valid spec, or takes something else than chunks.
    """
    if path.suffix != ".onnx":
        checkpoint = Checkpoint.load(path)
        return Candidate(checkpoint.probabilities, checkpoint.spec, checkpoint.training)
    classifier = Classifier(path, "cpu")
    spec = classifier.spec
    if any(i.frames != CHUNK_FRAMES or i.name == "onset_strength" for i in spec.inputs):
        raise ModelError(f"Model {path} takes descriptors or other windows than chunks of 4.64 s: try `classify`.")
    metadata = {entry.key: entry.value for entry in onnx.load(path, load_external_data=False).metadata_props}
    try:
        training = Training.from_json(metadata[TRAINING_KEY]) if TRAINING_KEY in metadata else None
    except ValueError as error:
        raise ModelError(f"Model {path} is refused: {error}.") from None

    def classify(features: Features) -> NDArray[np.float32]:
        chunks = zip(*features.values(), strict=True)
        return classifier.probabilities_of([dict(zip(features, chunk, strict=True)) for chunk in chunks])

    return Candidate(classify, spec, training)


class Parts(NamedTuple):
    """The recordings of a store, by what they were to a network's training.

    Parameters
    ----------
    train, validation
        What it learnt from, and what chose its best epoch.
    unseen
        All others, but for those by artists of the former.
    """

    train: tuple[StoredTrack, ...]
    validation: tuple[StoredTrack, ...]
    unseen: tuple[StoredTrack, ...]


def parts(store: FeatureStore, training: Training | None) -> Parts:
    """Return what a store's recordings were to a training; all are unseen where nothing is known of it."""
    if training is None:
        return Parts((), (), store.tracks)
    learnt, watched = frozenset(training.learnt), frozenset(training.watched)
    train = tuple(track for track in store.tracks if track.identity in learnt)
    validation = tuple(track for track in store.tracks if track.identity in watched)
    seen, artists = learnt | watched, {track.artist for track in (*train, *validation)} - {""}
    unseen = (track for track in store.tracks if track.identity not in seen and track.artist not in artists)
    return Parts(train, validation, tuple(unseen))


def tested_on(store: FeatureStore, training: Training | None) -> str:
    """Say which of a store's recordings `chunks_for` takes to test a network."""
    if training is None:
        return "all recordings, not knowing which it learnt from"
    every = len(parts(store, training).unseen) == len(store.tracks)
    return "all recordings, of which it learnt none" if every else "recordings that it did not learn from"


def chunks_for(
    store: FeatureStore,
    spec: ModelSpec,
    training: Training | None,
    part: Literal["train", "validation", "unseen"] = "unseen",
) -> Chunks:
    """Return the chunks of a part of a store, in the form that a network takes.

    A store of which nothing is in that part is one that the network has not seen; then it is all of it. Recordings of
    no genre, or of one that the network does not know, are among them where the store has a teacher that it can be
    compared with.

    Raises
    ------
    CorpusError
        The store's features are of another kind, or the network has learnt from all of it, or none of its recordings
        has a genre that the network knows, and no teacher can be compared with it.
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
            f"Model '{spec.name}' has learnt from all recordings of {store.folder}, or from others by their artists: "
            "take another store."
        )
    if store.teacher is None or not comparable(spec.labels, store.teacher.labels):
        known = judgeable_genres(spec.labels, store.labels)
        tracks = tuple(track for track in tracks if track.genre in known)
    span = WHOLE if training is None else Span(training.start, training.end)
    chunks = Chunks(store, tracks, spec.labels, spec.inputs, spec.mel_scale, span)
    if not len(chunks):
        raise CorpusError(
            f"{store.folder} has no recording, long enough, of a genre that '{spec.name}' knows, nor answers of a "
            "teacher to hold it against."
        )
    return chunks
