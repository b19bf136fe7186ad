"""Commands of commands."""

from typing import Any

from typer.core import TyperGroup


class TrackOrCommand(TyperGroup):
    """A group in which the word "track" may be left out: ``synth house`` means ``synth track house``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the word in where the first one is no command."""
        if args and args[0] not in (*self.commands, "--help"):
            args = ["track", *args]
        return super().parse_args(ctx, args)
