"""What a voice is: a frozen dataclass of amounts that makes sound when asked."""

from typing import Any, ClassVar, Protocol

import numpy as np

from edmlive.synth.audio import Samples


class DrumVoice(Protocol):
    """A drum."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def hit(self, rng: np.random.Generator, velocity: float) -> Samples:
        """Return one hit, shape (samples,), whose peak is the velocity, 0...1."""


class TonalVoice(Protocol):
    """An instrument that plays notes."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return one note, shape (samples,): `pitch` in MIDI numbers, held for `seconds`, velocity 0...1."""
