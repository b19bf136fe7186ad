"""The ``edmlive`` command: one thin module for each of its commands."""

import sys

import typer

from edmlive.cli.classify import classify
from edmlive.cli.devices import devices
from edmlive.cli.evaluate import evaluate
from edmlive.cli.export import export
from edmlive.cli.features import features
from edmlive.cli.import_ import import_
from edmlive.cli.listen import listen
from edmlive.cli.models import models
from edmlive.cli.plot import plot
from edmlive.cli.synth import synth
from edmlive.cli.train import train
from edmlive.errors import UserError

app = typer.Typer(
    name="edmlive",
    help="Names the electronic subgenre and the tempo of the music it hears, while it plays.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command()(listen)
app.command()(classify)
app.command()(devices)
app.command()(models)
app.command()(features)
app.command()(evaluate)
app.command()(export)
app.command("import")(import_)
app.add_typer(synth, name="synth")
app.add_typer(train, name="train")
app.add_typer(plot, name="plot")


def main() -> None:
    """Run the command; what the user can mend is one sentence on standard error and exit code 1."""
    try:
        app()
    except UserError as error:
        print(f"edmlive: {error}", file=sys.stderr)
        sys.exit(1)
