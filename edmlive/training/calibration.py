"""A feature store as what `edmlive.export.export` verifies and measures on."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from edmlive.export.network import Classify
from edmlive.export.pipeline import Calibration
from edmlive.models.checkpoint import Checkpoint
from edmlive.spec import Features
from edmlive.training.agreement import chunk_figure, teacher_predictions
from edmlive.training.candidates import chunks_for
from edmlive.training.chunks import Chunks
from edmlive.training.predictions import predict
from edmlive.training.store import FeatureStore

_BATCH = 16


def calibration_from(store: FeatureStore, checkpoint: Checkpoint) -> Calibration:
    """Calibrate on what the network was trained on, and score it on its validation split.

    A network that was distilled is scored by its agreement with the store's teacher.

    Raises
    ------
    CorpusError
        The store has no recordings for it, or features of another kind.
    """
    spec, training = checkpoint.spec, checkpoint.training
    teacher = store.teacher if training.teacher else None

    def score(classify: Classify) -> float:
        chunks = chunks_for(store, spec, training, "validation")
        against = None if teacher is None else teacher_predictions(chunks, teacher.labels)
        return chunk_figure(predict(classify, spec.labels, chunks), against)

    return Calibration(
        partial(_batches, chunks_for(store, spec, training, "train")),
        score,
        f"recordings of {store.folder}",
        "accuracy" if teacher is None else "agreement with the teacher",
    )


def _batches(chunks: Chunks, most: int) -> Iterator[Features]:
    """Yield raw features of up to ``most`` chunks, spread evenly."""
    picked = np.unique(np.linspace(0, len(chunks) - 1, min(most, len(chunks))).astype(int)).tolist()
    for start in range(0, len(picked), _BATCH):
        features = [chunks[index][0] for index in picked[start : start + _BATCH]]
        yield {name: np.stack([chunk[name] for chunk in features]) for name in features[0]}
