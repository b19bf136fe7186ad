"""What several commands share: options, and the packages that come with the ``train`` extra."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated

import typer

from edmlive.errors import UserError


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


@contextmanager
def training_extra() -> Iterator[None]:
    """Say how to get the packages of the ``train`` extra where an import inside lacks one."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        raise UserError(f"Training needs the package '{package}': pip install 'edmlive[train]'.") from None
