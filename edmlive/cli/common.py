"""What several commands share: options, output to people, missing extras, and an orderly end."""

import errno
import io
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from fcntl import F_GETFL, fcntl
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.status import Status
from rich.text import Text
from typer.core import TyperGroup

from edmlive.errors import UserError
from edmlive.util.printable import printable

OUTPUT_ERRORS = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF, errno.EFBIG)
"""What a write to a file that is already open may fail with."""

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
LabelsOption = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="families|2021|2025|FILE.toml",
        help="What answers are called: families, Beatport's names of a year, or a file with your own. "
        "Default: the model's labels.",
    ),
]
ProviderOption = Annotated[
    ProviderChoice,
    typer.Option("--provider", help="Where the model runs; cuda and tensorrt fail where there is none."),
]


def _onnx_file(path: Path) -> Path:
    if path.suffix != ".onnx" or not path.parent.is_dir():
        raise typer.BadParameter(f"{printable(str(path))} is not the name of a .onnx file in a folder")
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


class _PlainConsole(Console):
    def render_str(self, text: str, **options: Any) -> Text:
        """Turn a sentence or a table's cell into what is shown, with control characters escaped."""
        return super().render_str(printable(text), **options)


def plain_console(*, stderr: bool = False) -> Console:
    """Return a console that prints text verbatim: no markup, no emoji, no highlighting, no line breaks of its own.

    Control characters, line feeds among them, are escaped: file names and messages of servers may hold any.
    """
    return _PlainConsole(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=True)


def can_redraw(console: Console) -> bool:
    """Return whether the console is a terminal whose cursor can be moved, unlike an Emacs shell or a serial console."""
    return console.is_terminal and os.environ.get("TERM", "") not in ("", "dumb", "unknown")


@contextmanager
def starting(
    notes: Console, what: str = "starting (the very first time: half a minute, to compile)"
) -> Iterator[Status]:
    """Show that a command is starting; until it has started, Ctrl-C ends it at once with exit code 130.

    Where nothing can be redrawn, a line says so if kernels have to be compiled.

    Parameters
    ----------
    notes
        Where to show it.
    what
        What is going on.
    """
    log = logging.getLogger("edmlive.kernels")
    redraws = can_redraw(notes)
    handler = _NotesHandler(notes, logging.WARNING if redraws else logging.INFO)
    level = log.level
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # by the shell, for a job in the background
    if not ignored:
        signal.signal(signal.SIGINT, partial(_leave, redraws))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        if redraws:
            with notes.status(what, spinner="line") as status:
                yield status
        else:
            yield Status(what, console=notes)
    finally:
        log.setLevel(level)
        log.removeHandler(handler)
        if not ignored:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def prepare_standard_streams() -> None:
    """Let no standard stream be missing, and none fail over a character that it cannot encode.

    A stream that the program was started without is one that fails when it is used; without standard error its
    sentences go nowhere. Otherwise the next file opened would take the stream's place, and what is meant for a person.
    """
    for number, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest number that is free
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def has_standard_stream(number: int) -> bool:
    """Return whether the program was started with standard input (0) or output (1)."""
    useless = os.O_RDONLY if number else os.O_WRONLY
    return fcntl(number, F_GETFL) & os.O_ACCMODE != useless


class _NotesHandler(logging.Handler):
    """Prints what is logged to the console of a command, where it does not disturb a status line."""

    def __init__(self, notes: Console, level: int) -> None:
        super().__init__(level)
        self._notes = notes

    def emit(self, record: logging.LogRecord) -> None:
        self._notes.print(record.getMessage())


def _leave(redraws: bool, number: int, frame: FrameType | None) -> NoReturn:
    if redraws:
        os.write(2, b"\r\x1b[K\x1b[?25h")  # clear the status line and show the cursor again
    os._exit(128 + number)


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


@contextmanager
def training_extra() -> Iterator[None]:
    """Show that a training command is starting, while it imports the packages that it needs; see `extra`."""
    with starting(plain_console(stderr=True), "starting"), extra("train", "Training"):
        yield


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
