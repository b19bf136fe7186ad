"""Packages that come with an extra, and how to get them."""

from collections.abc import Iterator
from contextlib import contextmanager

from edmlive.errors import UserError


@contextmanager
def extra(name: str, purpose: str) -> Iterator[None]:
    """Say how to get the packages of an extra where an import inside lacks one.

    Parameters
    ----------
    name
        The extra's name, as in ``edmlive[osc]``.
    purpose
        What it is for, as the beginning of a sentence.

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
