"""``edmlive doctor``: can this computer listen, and if not, what to do."""

import dataclasses
from importlib.metadata import version
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from edmlive.cli.common import ModelOption, ProviderChoice, ProviderOption, plain_console, starting

_STYLES = {"ok": "green", "warning": "yellow", "failure": "bold red"}


def doctor(
    device: Annotated[
        str | None, typer.Option(metavar="NAME|INDEX", help="Input device to test. Default: the system's.")
    ] = None,
    model: ModelOption = None,
    provider: ProviderOption = ProviderChoice.auto,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Check devices, permissions, model, provider, clock and ports, and say what to do about problems.

    The exit code is 0 if edmlive can listen to the device, 1 otherwise.
    """
    notes = plain_console(stderr=True)
    with starting(notes, "checking (the very first time: half a minute, to compile)"):
        from edmlive.diagnostics.checks import Status, run_checks
        from edmlive.diagnostics.doctor import all_checks
        from edmlive.realtime.providers import silence_default_logger

        silence_default_logger()
        findings = list(run_checks(all_checks(device, model, provider.value)))
    can_listen = all(finding.status is not Status.FAILURE for finding in findings)
    out = plain_console()
    if json:
        from json import dumps

        answer = {
            "edmlive": version("edmlive"),
            "can_listen": can_listen,
            "findings": [*map(dataclasses.asdict, findings)],
        }
        print(dumps(answer, indent=2))
    else:
        table = Table("What", "", "Found", "What to do", box=None, header_style="bold")
        for finding in findings:
            table.add_row(finding.name, Text(finding.status, _STYLES[finding.status]), finding.said, finding.remedy)
        out.print(table)
        out.print("edmlive can listen." if can_listen else "edmlive cannot listen: see the failures above.")
    if not can_listen:
        raise typer.Exit(1)
