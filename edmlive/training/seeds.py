"""Networks that differ in their seed only, as one row of a table."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from edmlive.training.candidates import Candidate

T = TypeVar("T")


def by_seed(candidates: Mapping[str, Candidate]) -> dict[str, tuple[str, ...]]:
    """Return the rows of a table by name: the names of their networks.

    Networks share a row where their labels and all that is known of their training are the same but for the seed. Any
    other network is its own row.
    """
    kinds: list[tuple[object, dict[int, str]]] = []
    for name, (_, spec, training) in candidates.items():
        kind = name if training is None else (spec.labels, replace(training, seed=0, learnt=(), watched=()))
        seed = 0 if training is None else training.seed
        row = next((row for other, row in kinds if other == kind and seed not in row), None)
        if row is None:
            kinds.append((kind, row := {}))
        row[seed] = name
    rows = [tuple(row.values()) for _, row in kinds]
    return {names[0] if len(names) == 1 else f"{names[0]} ({len(names)} seeds)": names for names in rows}


def in_rows(rows: Mapping[str, tuple[str, ...]], found: Mapping[str, T | None]) -> dict[str, dict[str, T]]:
    """Return what was found of networks by row, then by name, without those of which nothing was."""
    kept = {row: {name: x for name in names if (x := found.get(name)) is not None} for row, names in rows.items()}
    return {row: members for row, members in kept.items() if members}
