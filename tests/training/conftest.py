"""A store with a teacher, for distillation and agreement."""

from pathlib import Path

import pytest

from edmlive.training.corpus import Recording, read_corpus
from edmlive.training.features import compute_features
from edmlive.training.store import FeatureStore
from tests import small_models
from tests.training import corpora

BEATPORT = ("Trance", "House", "Drum&Bass", "Breaks")


@pytest.fixture(scope="session")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model over descriptors that knows nothing, but with Beatport's labels and decidedly."""
    return small_models.save(
        tmp_path_factory.mktemp("teacher") / "teacher.onnx", small_models.spec(labels=BEATPORT), scale=1.0
    )


@pytest.fixture(scope="session")
def teacher_store(teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    """Four recordings of each of three genres and five without a genre, with the teacher's answers."""
    folder = tmp_path_factory.mktemp("with-teacher")
    loose = [corpora.write(folder / f"loose/{i}.flac", 90.0 + 20 * i, seed=50 + i) for i in range(5)]
    recordings = [
        *read_corpus(corpora.save(folder / "corpus")),
        *(Recording(path, f"loose/{path.name}", None) for path in loose),
    ]
    return compute_features(recordings, folder / "with-teacher", teacher=teacher)
