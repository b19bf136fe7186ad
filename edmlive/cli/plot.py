"""``edmlive plot``: what the features look like."""

from pathlib import Path
from typing import Annotated

import typer

from edmlive.cli.common import TrackOrCommand, training_extra
from edmlive.errors import UserError

_FORMATS = (".svg", ".png", ".pdf")

plot = typer.Typer(
    cls=TrackOrCommand,
    help="Draw features and tempi: `edmlive plot FILE` draws a track.",
    no_args_is_help=True,
    subcommand_metavar="FILE -o FIGURE | COMMAND ...",
)


def _checked(output: Path) -> Path:
    if output.suffix.lower() not in _FORMATS or not output.parent.is_dir():
        raise UserError(
            f"No figure can be written to {output}: name a .svg, .png or .pdf file in a folder that exists."
        )
    return output


Output = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="FIGURE", help="A .svg, .png or .pdf file.", callback=_checked),
]


@plot.command()
def track(file: Annotated[Path, typer.Argument(metavar="FILE", help="Any audio file.")], output: Output) -> None:
    """Draw the mel-spectrogram and both tempograms of a track, as the paper's Figure 6.

    The word "track" may be left out.
    """
    with training_extra():
        from edmlive.training import figures
        from edmlive.training.features import track_features
    figures.save(figures.track_features(track_features(file), file.name), output)


@plot.command()
def tempo(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="Features, from `edmlive features`.")], output: Output
) -> None:
    """Draw the tempi of each subgenre, as the paper's Figure 1."""
    with training_extra():
        from edmlive.training import figures
        from edmlive.training.store import FeatureStore
    figures.save(figures.tempo_boxes(FeatureStore.open(store)), output)
