"""``edmlive import``: the checkpoint that the paper's authors released."""

from pathlib import Path
from typing import Annotated

import typer

from edmlive.cli.common import ModelOutput, plain_console, training_extra


def import_(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT.pkl", help="`joint-model-all-2500.pkl` of mir-aidj/EDM-subgenre-classifier."
        ),
    ],
    output: ModelOutput,
) -> None:
    """Make the authors' released network, bug for bug, a model for `listen` and `classify`.

    The file is a pickle, which could run anything: only tensors and the classes it is known to hold are admitted.
    Where their code standardises features over a whole track, the model does so over the last 30 seconds, which it
    has to hear before its first answer.
    """
    with training_extra():
        from edmlive.export import import_released
    size = import_released(checkpoint, output)
    plain_console().print(f"{output}: {size / 1e6:.1f} MB.")
