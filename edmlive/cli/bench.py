"""``edmlive bench``: what edmlive costs on this computer."""

import dataclasses
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from edmlive.cli.common import ModelOption, ProviderChoice, ProviderOption, plain_console, starting

if TYPE_CHECKING:
    from rich.console import Console

    from edmlive.diagnostics.latency import Latency
    from edmlive.diagnostics.machine import Machine
    from edmlive.diagnostics.stages import Figure


class Part(StrEnum):
    """What to measure."""

    all = "all"
    latency = "latency"


def bench(
    what: Annotated[Part, typer.Argument(help="Everything, or only the latency of a decision.")] = Part.all,
    model: ModelOption = None,
    provider: ProviderOption = ProviderChoice.auto,
    decisions: Annotated[int, typer.Option(metavar="N", min=1, max=1_000_000, help="Decisions to time.")] = 1000,
    batch: Annotated[int, typer.Option(metavar="N", min=1, max=256, help="Windows classified at once.")] = 1,
    json: Annotated[bool, typer.Option("--json", help="One JSON object; decision times in seconds.")] = False,
) -> None:
    """Measure how fast edmlive is on this computer: each stage, a decision, and all of `listen`.

    Figures in CPU time hold on a busy machine too; wall-clock times need a quiet one. On a GPU each step is complete
    before the clock is read, and the probabilities are compared with the CPU's.
    """
    notes = plain_console(stderr=True)
    with starting(notes) as status:
        from edmlive.diagnostics.latency import latency
        from edmlive.diagnostics.machine import this_machine
        from edmlive.diagnostics.stages import stages
        from edmlive.realtime.classifier import DEFAULT_MODEL, Classifier
        from edmlive.realtime.providers import silence_default_logger

        silence_default_logger()
        name = model or DEFAULT_MODEL
        machine = this_machine()
        classifier = Classifier(name, provider.value, batch)
        figures = []
        for stage, measure in stages(name, classifier.provider).items() if what is Part.all else ():
            status.update(f"measuring: {stage}")
            figures += measure()
        status.update(f"measuring: {decisions} decisions")
        timed = latency(classifier, decisions, None if classifier.provider == "cpu" else Classifier(name, "cpu"))
    out = plain_console()
    if json:
        from json import dumps

        answer = {
            "machine": dataclasses.asdict(machine),
            "figures": [*map(dataclasses.asdict, figures)],
            "latency": dataclasses.asdict(timed),
        }
        print(dumps(answer, indent=2))
    else:
        _show_machine(out, machine)
        _show_figures(out, figures)
        _show_latency(out, timed)


def _show_machine(out: "Console", machine: "Machine") -> None:
    out.print(f"{machine.processor}, {machine.cores} core{'s' if machine.cores > 1 else ''}, {machine.system}")
    if machine.gpu:
        out.print(machine.gpu)
    out.print(", ".join(f"{name} {number}" for name, number in machine.versions.items()))


def _show_figures(out: "Console", figures: "list[Figure]") -> None:
    if not figures:
        return
    table = Table("What", "", "", box=None, header_style="bold")
    table.columns[1].justify = "right"
    for figure in figures:
        digits = ".3g" if figure.value < 100 else ".0f"
        table.add_row(figure.what, f"{figure.value:{digits}}", figure.unit)
    out.print()
    out.print(table)


def _show_latency(out: "Console", timed: "Latency") -> None:
    from edmlive.diagnostics.latency import LARGEST_DIFFERENCE

    at_once = f", {timed.batch} at once" if timed.batch > 1 else ""
    table = Table("Step", "median", "95 %", "99 %", "worst", "", box=None, header_style="bold")
    for column in table.columns[1:5]:
        column.justify = "right"
    for step in ("transfer", "inference", "back", "total"):
        times = dataclasses.astuple(getattr(timed, step))
        table.add_row(step, *(f"{seconds * 1e3:.3f}" for seconds in times), "ms")
    out.print()
    out.print(f"{timed.decisions} decisions{at_once}, {timed.model} on {timed.provider}:")
    out.print(table)
    out.print(f"{timed.per_second:.0f} decisions a second, one after another.")
    if timed.difference is not None:
        kept = "within" if timed.difference <= LARGEST_DIFFERENCE else "over"
        out.print(
            f"Probabilities differ from the CPU's by {timed.difference:.1g} at most, {kept} {LARGEST_DIFFERENCE:g}."
        )
