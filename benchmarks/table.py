"""What every comparison here shares: its two options, and the table it prints."""

import argparse
import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One comparison on the same work in one run.

    Parameters
    ----------
    work
        What was done.
    peer
        What it is compared with; empty without a peer.
    ours, theirs
        What it cost, in `unit`; `theirs` is ``None`` without a peer.
    unit
        Such as ``us CPU per hop``.
    """

    work: str
    peer: str
    ours: float
    theirs: float | None
    unit: str

    @property
    def ratio(self) -> float | None:
        """The peer's cost divided by ours."""
        return None if self.theirs is None else self.theirs / self.ours


@dataclass(frozen=True)
class Options:
    """``quick``: only check that it runs. ``json``: file to which the rows are written as well."""

    quick: bool
    json: Path | None


def options(description: str | None) -> Options:
    """Read ``[--quick] [--json FILE]`` from the command line."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="measure briefly, only to check that it runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows to a file")
    return Options(**vars(parser.parse_args()))


def show(rows: Sequence[Row], chosen: Options) -> None:
    """Print rows as a table, and write them to the file that was chosen, if any."""
    for row in rows:
        theirs = "" if row.theirs is None else f"{row.peer} {row.theirs:.4g}, {row.ratio:.3g} times as much"
        print(f"{row.work:<44} {row.ours:>10.4g} {row.unit:<22} {theirs}")
    keep([dataclasses.asdict(row) for row in rows], chosen)


def keep(measured: object, chosen: Options) -> None:
    """Write measurements as JSON to the file that was chosen, if any."""
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(measured, indent=1) + "\n")
