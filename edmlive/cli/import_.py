"""``edmlive import``: the checkpoint that the paper's authors released."""

from pathlib import Path
from typing import Annotated

import typer

from edmlive.cli.common import plain_console, training_extra


def import_(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT.pkl", help="`joint-model-all-2500.pkl` of mir-aidj/EDM-subgenre-classifier."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL.onnx", help="The model to write.")],
) -> None:
    """Make the authors' released network, bug for bug, a model for `listen` and `classify`.

    The file is a pickle, which could run anything: only tensors and the classes it is known to hold are admitted.
    Where their code standardises features over a whole track, the model does so over the last 30 seconds, which it
    has to hear before its first answer.
    """
    if output.suffix != ".onnx" or not output.parent.is_dir():
        raise typer.BadParameter(f"{output} is not the name of a .onnx file in a folder", param_hint="--output")
    with training_extra():
        from edmlive.export.file import write_model
        from edmlive.export.released import read_released, released_graph
    data = released_graph(read_released(checkpoint)).SerializeToString()
    write_model(output, data)
    plain_console().print(f"{output}: {len(data) / 1e6:.1f} MB.")
