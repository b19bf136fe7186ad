"""A teacher: a model whose live answers to a recording are stored, chunk by chunk."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edmlive.features.level import SilenceGate, level_dbfs
from edmlive.features.windows import Windows
from edmlive.kernels.tables import HOP_LENGTH, SAMPLE_RATE
from edmlive.models.inputs import CHUNK_FRAMES
from edmlive.realtime.classifier import Classifier
from edmlive.training.store import Teacher
from edmlive.util.blocks import BlockBuffer


def identify(model: str | Path) -> Teacher:
    """Identify a teacher by name of a shipped model, or path of an ONNX file.

    Raises
    ------
    ModelError
        The file is refused.
    """
    classifier = Classifier(model, "cpu")
    return Teacher(classifier.spec.name, classifier.digest, classifier.spec.labels)


class TeacherRunner:
    """Runs a teacher on one recording as on live audio, with a decision at the end of each chunk of 4.64 s.

    Parameters
    ----------
    teacher
        The model.
    """

    def __init__(self, teacher: Classifier) -> None:
        self._teacher = teacher
        self._windows, self._gate = Windows(teacher.spec), SilenceGate()
        self._chunks = BlockBuffer(np.zeros(CHUNK_FRAMES * HOP_LENGTH, np.float32))
        self._heard = 0
        self._answers: list[NDArray[np.float32]] = []

    def push(self, samples: NDArray[np.float32]) -> None:
        """Take (n,) mono samples at 22,050 Hz, any n."""
        for piece, chunk in self._chunks.push(samples):
            self._windows.push(piece)
            self._heard += len(piece)
            if chunk is not None:
                self._answers.append(self._answer(chunk))

    def end(self) -> NDArray[np.float32]:
        """Return all answers, shape (feature frames // 200, labels); NaN while warming up and in silence."""
        # The last frames, and with them the last chunk, may reach past the end of the audio.
        chunks = (1 + self._heard // HOP_LENGTH) // CHUNK_FRAMES
        return np.stack([*self._answers, *[self._nothing()] * (chunks - len(self._answers))])

    def _answer(self, chunk: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._gate.push(level_dbfs(chunk), len(chunk) / SAMPLE_RATE):
            self._windows.reset()
            return self._nothing()
        tensors = self._windows.read().tensors
        return self._nothing() if tensors is None else self._teacher.probabilities(tensors)

    def _nothing(self) -> NDArray[np.float32]:
        return np.full(len(self._teacher.spec.labels), np.nan, np.float32)
