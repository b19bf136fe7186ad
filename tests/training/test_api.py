"""The pipelines as Python functions, by the examples in their docstrings."""

import doctest
from pathlib import Path

import pytest

import edmlive.training
from edmlive.training.store import FeatureStore


def test_examples_lead_from_a_corpus_to_a_report(
    store: FeatureStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "corpus").symlink_to(store.folder.parent / "corpus")
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner()
    for function in (edmlive.training.compute_features, edmlive.training.train, edmlive.training.evaluate):
        (examples,) = doctest.DocTestFinder(recurse=False).find(function, function.__name__, globs={})
        assert examples.examples and runner.run(examples).failed == 0
    assert (tmp_path / "report.html").is_file() and (tmp_path / "report.json").is_file()


def test_progress_counts_to_the_end(store: FeatureStore, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    corpus = store.folder.parent / "corpus" / "house"
    edmlive.training.compute_features(
        corpus, tmp_path / "store", advance=lambda done, total: calls.append((done, total))
    )
    assert calls == [(k, 4) for k in range(1, 5)]
