"""Reads audio files in a process of its own: a path a line on standard input, an answer a line on standard output.

``python -m tests.fuzz.audio_reader``. An answer is a list of what was said about the file, or begins with "Traceback".
"""

import io
import json
import resource
import sys
import traceback
from pathlib import Path

from edmlive.errors import SourceError
from edmlive.sources import open_source
from edmlive.sources.audio import Source
from edmlive.sources.file import FileSource
from edmlive.sources.pipe import PipeReader, holds_audio_file
from edmlive.training.identity import identify_recording

MEMORY_BYTES = 2 << 30
"""Address space beyond what is taken before the first file."""


def read(path: Path) -> list[str]:
    """Read a file as a file, as a pipe, and as training does; return each sentence that a user would see."""
    said = []
    for kind in ("file", "pipe"):
        try:
            source = _opened(path, kind)
            if source is not None:
                with source:
                    for block in source:
                        assert block.samples.shape[1] == source.channels
                if source.fault is not None:
                    said.append(f"{path} is broken: {source.fault}.")
        except SourceError as error:
            said.append(str(error))
    identify_recording(path)
    return said


def _opened(path: Path, kind: str) -> Source | None:
    if kind == "file":
        return open_source(path)
    pipe = PipeReader(io.FileIO(path), "standard input")
    return FileSource(pipe) if holds_audio_file(pipe) else None


def main() -> None:
    """Answer until standard input ends."""
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY_BYTES, taken + MEMORY_BYTES))
    for line in sys.stdin:
        try:
            answer: object = read(Path(line.rstrip("\n")))
        except BaseException:
            answer = traceback.format_exc()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
