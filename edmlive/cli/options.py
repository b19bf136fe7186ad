"""Options that several commands share."""

from enum import StrEnum
from typing import Annotated

import typer


class ProviderChoice(StrEnum):
    """Where the model runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


ModelOption = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME|PATH", help="Model: a name from 'edmlive models' or an ONNX file."),
]
ProviderOption = Annotated[
    ProviderChoice, typer.Option("--provider", help="Where the model runs; cuda fails where there is none.")
]
