"""What several commands share: options, output to people, missing extras, and an orderly end."""

import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from typer.core import TyperGroup

from edmlive.errors import UserError

_STOP_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


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


def _onnx_file(path: Path) -> Path:
    if path.suffix != ".onnx" or not path.parent.is_dir():
        raise typer.BadParameter(f"{path} is not the name of a .onnx file in a folder")
    return path


ModelOutput = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="MODEL.onnx", help="The model to write.", callback=_onnx_file),
]


class TrackOrCommand(TyperGroup):
    """A group in which the word "track" may be left out: ``synth house`` means ``synth track house``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the word unless the first argument is a command."""
        if args and args[0] not in (*self.commands, "--help"):
            args = ["track", *args]
        return super().parse_args(ctx, args)


def plain_console(*, stderr: bool = False) -> Console:
    """Return a console that prints text verbatim: no markup, no emoji, no highlighting, no line breaks of its own."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=True)


@contextmanager
def extra(name: str, purpose: str) -> Iterator[None]:
    """Turn a failed import inside into a message that says how to install the missing extra.

    Parameters
    ----------
    name
        The extra's name, as in ``edmlive[osc]``.
    purpose
        What it is for; the message begins with it.

    Raises
    ------
    UserError
        A package is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        raise UserError(f"{purpose} needs the package '{package}': pip install 'edmlive[{name}]'.") from None


def training_extra() -> AbstractContextManager[None]:
    """Return `extra` for the packages that training needs."""
    return extra("train", "Training")


def end_in_order() -> None:
    """Treat SIGTERM and SIGHUP like Ctrl-C, so that a long-running command always shuts down cleanly.

    SIGINT gets the same handler because shells start background jobs of a script with SIGINT ignored. SIGHUP stays
    ignored where it already is: the program was started with ``nohup``.
    """
    for number in _STOP_SIGNALS:
        if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    # Closing a terminal sends two signals; the second must not interrupt the shutdown.
    for stop in _STOP_SIGNALS:
        signal.signal(stop, _ignore)
    raise KeyboardInterrupt


def _ignore(number: int, frame: FrameType | None) -> None:
    """Do nothing. With SIG_IGN, Python reports an error for a signal that is already pending."""
