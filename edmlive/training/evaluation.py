"""``edmlive evaluate`` as a function: networks tested on a feature store, chunk by chunk and song by song."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from edmlive.training.agreement import agreement, scorable, teacher_predictions
from edmlive.training.candidates import Candidate, chunks_for, open_candidate, tested_on
from edmlive.training.chunks import Chunks
from edmlive.training.predictions import Predictions, predict
from edmlive.training.report import Evaluation
from edmlive.training.store import FeatureStore

T = TypeVar("T")


def evaluate(
    store: Path,
    models: Sequence[Path],
    *,
    advance: Callable[[str, int, int], None] = lambda model, done, total: None,
) -> Evaluation:
    """Test networks on a feature store, by chunk and, by majority vote, by song.

    A network is not tested on recordings of its training and validation splits, nor on others by their artists. If the
    store has a teacher, networks are compared with it too, also on recordings without a genre. Labels other than the
    store's or the teacher's are compared by the common classes that both belong to.

    Parameters
    ----------
    store
        Folder of a feature store.
    models
        Checkpoints and ONNX files. They are named by their specs, or by their paths if a name is taken.
    advance
        Called after each batch with the model's name, the number of chunks classified, and that of all its chunks.

    Returns
    -------
    Evaluation
        Its `Evaluation.tables` are those of the command; its `Evaluation.write` writes the report.

    Raises
    ------
    UserError
        The store or a model cannot be opened, or a model does not fit the store. Nothing has been tested by then.

    Examples
    --------
    >>> from pathlib import Path
    >>> import edmlive.training
    >>> evaluation = edmlive.training.evaluate(Path("store"), [Path("run/model.safetensors")])
    >>> evaluation.write(Path("report.html"))
    >>> for table in evaluation.tables():
    ...     print(table.title)
    Accuracy, %
    """
    opened = FeatureStore.open(store)
    candidates: dict[str, Candidate] = {}
    for path in models:
        candidate = open_candidate(path)
        candidates[str(path) if candidate.spec.name in candidates else candidate.spec.name] = candidate
    tests = {name: chunks_for(opened, spec, training) for name, (_, spec, training) in candidates.items()}
    predictions = {name: _predict(name, candidates[name], chunks, advance) for name, chunks in tests.items()}
    rows, agreements = by_seed(candidates), {}
    if opened.teacher is not None:
        labels = opened.teacher.labels
        agreements = {
            name: agreement(given, teacher_predictions(tests[name], labels)) for name, given in predictions.items()
        }
        tested = {track.name: track for chunks in tests.values() for track in chunks.tracks}
        name = f"{opened.teacher.name} (teacher)"
        rows[name] = (name,)
        predictions[name] = teacher_predictions(Chunks(opened, tuple(tested.values()), labels, (), "power"), labels)
    genres = f" of {len(opened.labels)} genres" if opened.labels else ""
    return Evaluation(
        title=f"{store.resolve().name}: {len(opened.tracks)} recordings{genres}",
        predictions=in_rows(rows, {name: scorable(given) for name, given in predictions.items()}),
        agreements=in_rows(rows, agreements),
        teacher="" if opened.teacher is None else opened.teacher.name,
        tested_on={name: tested_on(opened, training) for name, (_, _, training) in candidates.items()},
    )


def _predict(name: str, candidate: Candidate, chunks: Chunks, advance: Callable[[str, int, int], None]) -> Predictions:
    done = 0

    def add(count: int) -> None:
        nonlocal done
        done += count
        advance(name, done, len(chunks))

    return predict(candidate.classify, candidate.spec.labels, chunks, advance=add)


def by_seed(candidates: Mapping[str, Candidate]) -> dict[str, tuple[str, ...]]:
    """Return the rows of a table by name, each with the names of its networks.

    Networks share a row if their labels and all that is known about their training are the same except for the seed,
    which also decides the split. Any other network has a row of its own.
    """
    kinds: list[tuple[object, dict[int, str]]] = []
    for name, (_, spec, training) in candidates.items():
        kind = name if training is None else (spec.labels, replace(training, seed=0, train=(), validation=()))
        seed = 0 if training is None else training.seed
        row = next((row for other, row in kinds if other == kind and seed not in row), None)
        if row is None:
            kinds.append((kind, row := {}))
        row[seed] = name
    rows = [tuple(row.values()) for _, row in kinds]
    return {names[0] if len(names) == 1 else f"{names[0]} ({len(names)} seeds)": names for names in rows}


def in_rows(rows: Mapping[str, tuple[str, ...]], results: Mapping[str, T | None]) -> dict[str, dict[str, T]]:
    """Return the results by row, then by network, without networks that have no result and rows that have none."""
    kept = {row: {name: x for name in names if (x := results.get(name)) is not None} for row, names in rows.items()}
    return {row: members for row, members in kept.items() if members}
