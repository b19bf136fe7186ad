"""Run the command as ``python -m edmlive``."""

from edmlive.cli import run

run()
