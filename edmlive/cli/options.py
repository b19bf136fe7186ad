"""What several commands share: options, and the packages that come with the ``train`` extra."""

from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Annotated

import typer

from edmlive.cli.extras import extra


class ProviderChoice(StrEnum):
    """Where a model runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    tensorrt = "tensorrt"


class DeviceChoice(StrEnum):
    """Where a network is trained."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


ModelOption = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME|PATH", help="Model: a name from 'edmlive models' or an ONNX file."),
]
ProviderOption = Annotated[
    ProviderChoice,
    typer.Option("--provider", help="Where the model runs; cuda and tensorrt fail where there is none."),
]


def training_extra() -> AbstractContextManager[None]:
    """Say how to get the packages of the ``train`` extra where an import inside lacks one."""
    return extra("train", "Training")
