from ._version import __version__
from .errors import SourceError, UserError
from .realtime.classifier import Classifier
from .realtime.engine import Engine, classify, listen
from .realtime.reading import Reading, State, Track
from .sources import open_source
from .sources.audio import AudioBlock
from .sources.capture.device import list_devices

__all__ = [
    "AudioBlock",
    "Classifier",
    "Engine",
    "Reading",
    "SourceError",
    "State",
    "Track",
    "UserError",
    "__version__",
    "classify",
    "list_devices",
    "listen",
    "open_source",
]
