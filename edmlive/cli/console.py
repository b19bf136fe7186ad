"""How commands write to people: names exactly as they are, whatever brackets and colons they hold."""

from rich.console import Console


def plain_console(*, stderr: bool = False) -> Console:
    """Return a console that reads no markup in what it prints and breaks no line itself."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=True)
