"""A small corpus as a feature store."""

import pytest
import torch

from edmlive.training.corpus import read_corpus
from edmlive.training.features import compute_features
from edmlive.training.store import FeatureStore
from tests.training import corpora


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    folder = tmp_path_factory.mktemp("store")
    return compute_features(read_corpus(corpora.save(folder / "corpus")), folder / "store")


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Small networks are faster so, and leave the other cores to other tests."""
    torch.set_num_threads(1)
