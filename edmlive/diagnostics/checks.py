"""Checks and their findings, and a runner that no check can hold up."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from edmlive.errors import UserError

LONGEST_SECONDS = 60.0
"""How long one check may take; compiling the kernels for the first time takes half of it."""


class Status(StrEnum):
    """Result of a check."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Parameters
    ----------
    name
        What was checked.
    status
        A failure keeps edmlive from listening; a warning may matter.
    said
        What the check found.
    remedy
        What to do about it; empty if there is nothing to do.
    """

    name: str
    status: Status
    said: str
    remedy: str = ""


Check = Callable[[], Finding]


def run_checks(checks: Mapping[str, Check], seconds: float = LONGEST_SECONDS) -> Iterator[Finding]:
    """Run checks by name, one after another, and yield their findings.

    A check that raises, or takes longer than `seconds`, yields a failure of its own.
    """
    for name, check in checks.items():
        yield _run(name, check, seconds)


def refused(name: str, error: UserError) -> Finding:
    """Return the failure that an error describes: what is wrong before its colon, the remedy after it."""
    said, _, remedy = str(error).removesuffix(".").partition(": ")
    return Finding(name, Status.FAILURE, said, remedy)


def _run(name: str, check: Check, seconds: float) -> Finding:
    found = Finding(
        name,
        Status.FAILURE,
        f"no answer within {seconds:.0f} s",
        "restart the computer's sound system, then try again",
    )

    def run() -> None:
        nonlocal found
        try:
            found = check()
        except Exception as error:  # whatever a library or an unusual system raises, the other checks continue
            found = Finding(name, Status.FAILURE, f"the check itself failed: {error}", "please report this")

    thread = threading.Thread(target=run, name=f"check-{name}", daemon=True)
    thread.start()
    thread.join(seconds)
    return found
