"""Names the electronic subgenre and the tempo of the music it hears, while it plays.

>>> import edmlive
>>> edmlive.classify("track.ogg").genre              # doctest: +SKIP
'Techno'
>>> with edmlive.open_source("track.ogg") as source:  # doctest: +SKIP
...     for reading in edmlive.listen(source):
...         print(reading.time, reading.genre, reading.bpm)
"""

import os
from typing import TYPE_CHECKING, Any

# ONNX Runtime reads this when it is imported, here and in every process that is started from here.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

if TYPE_CHECKING:
    from edmlive.errors import UserError
    from edmlive.realtime.classifier import Classifier
    from edmlive.realtime.engine import classify, listen
    from edmlive.realtime.reading import Reading, Track
    from edmlive.sources import open_source

__all__ = ["Classifier", "Reading", "Track", "UserError", "classify", "listen", "open_source"]

_HOMES = {
    "Classifier": "edmlive.realtime.classifier",
    "Reading": "edmlive.realtime.reading",
    "Track": "edmlive.realtime.reading",
    "UserError": "edmlive.errors",
    "classify": "edmlive.realtime.engine",
    "listen": "edmlive.realtime.engine",
    "open_source": "edmlive.sources",
}


def __getattr__(name: str) -> Any:
    # Lazily, because the capture process and `edmlive --help` must start without compiling kernels.
    if name not in _HOMES:
        raise AttributeError(f"module 'edmlive' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
