"""Draw the terminal panel as it stands after a minute of a real track: ``python docs/make_picture.py TRACK``."""

import io
import re
import sys
from itertools import islice
from pathlib import Path

from rich.console import Console

import edmlive
from edmlive.sinks.terminal import WIDEST, panel


def main(track: str) -> None:
    """Write listen.svg beside this file."""
    with edmlive.open_source(track) as source:
        reading = list(islice(edmlive.listen(source), 60))[-1]
        title = f"{Path(track).name}, {source.rate} Hz, {source.channels} ch, {reading.model} on cpu"
    console = Console(record=True, width=WIDEST, force_terminal=True, file=io.StringIO())
    console.print(panel(reading, title))
    drawing = console.export_svg(title="edmlive listen")
    # rich names fonts on a server; a picture should need nothing from outside.
    drawing = re.sub(r"@font-face \{.*?\}", "", drawing, flags=re.DOTALL)
    Path(__file__).with_name("listen.svg").write_text(drawing)


if __name__ == "__main__":
    main(sys.argv[1])
