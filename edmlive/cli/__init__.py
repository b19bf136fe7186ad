"""The ``edmlive`` command: one thin module for each subcommand."""

import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from edmlive.cli.bench import bench
from edmlive.cli.classify import classify
from edmlive.cli.common import OUTPUT_ERRORS, prepare_standard_streams
from edmlive.cli.devices import devices
from edmlive.cli.doctor import doctor
from edmlive.cli.evaluate import evaluate
from edmlive.cli.export import export
from edmlive.cli.features import features
from edmlive.cli.import_ import import_
from edmlive.cli.listen import listen
from edmlive.cli.models import models
from edmlive.cli.outputs import WithWeb
from edmlive.cli.plot import plot
from edmlive.cli.report import report
from edmlive.cli.synth import synth
from edmlive.cli.train import train
from edmlive.errors import UserError
from edmlive.util.audio_files import is_file
from edmlive.util.printable import printable

app = typer.Typer(
    name="edmlive",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"edmlive {metadata.version('edmlive')}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Profile: a TOML file with options of the commands. Default: the user's edmlive.toml."
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Names the electronic subgenre and the tempo of the music it hears, while it plays."""
    from edmlive.cli.profile import default_path, read_profile

    if config is not None or is_file(str(default_path())):
        context.default_map = read_profile(config or default_path(), context.command)


app.command(cls=WithWeb)(listen)
app.command()(classify)
app.command()(report)
app.command()(devices)
app.command()(doctor)
app.command()(bench)
app.command()(models)
app.command()(features)
app.command()(train)
app.command()(evaluate)
app.command()(export)
app.command("import")(import_)
app.add_typer(synth, name="synth")
app.add_typer(plot, name="plot")


def main() -> None:
    """Run the command; a `UserError` becomes one sentence on standard error and exit code 1."""
    try:
        app()
    except UserError as error:
        print(f"edmlive: {printable(str(error))}", file=sys.stderr)
        sys.exit(1)


def run() -> NoReturn:
    """Run the command, then exit without Python's own shutdown.

    Unloading the compiled kernels would take up a good part of the second within which `listen` has to end.
    """
    prepare_standard_streams()
    code: str | int | None = 0
    try:
        main()
        sys.stdout.flush()
    except SystemExit as end:
        code = end.code
    except OSError as error:
        if error.filename is not None or error.errno not in OUTPUT_ERRORS:
            raise
        print(f"edmlive: Standard output cannot be written ({(error.strerror or '').lower()}).", file=sys.stderr)
        code = 1
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = code or 1
    os._exit(code if isinstance(code, int) else int(code is not None))
