"""Names the electronic subgenre and the tempo of the music it hears, while it plays.

>>> import edmlive
>>> track = edmlive.classify("track.flac")
>>> print(f"{track.genre}, {track.bpm:.0f} BPM")
Dubstep, 141 BPM
"""

import os

import lazy_loader

# ONNX Runtime reads this when it is imported, here and in every process that is started from here.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# Lazily, because the capture process and `edmlive --help` must start without compiling kernels.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
