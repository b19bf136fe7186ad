"""Voices: each makes one hit or one note of one instrument.

A voice is a frozen dataclass of amounts that makes sound when asked.
"""

from typing import Any, ClassVar, Protocol

import numpy as np

from edmlive.synth.audio import Samples
from edmlive.synth.voices.bass import Acid, Donk, OrganBass, PluckBass, Reese, Sub
from edmlive.synth.voices.breakbeat import Break
from edmlive.synth.voices.drums import Clap, HardKick, Kick, Rim, Snare, Tom
from edmlive.synth.voices.growls import Growl, Hoover, Screech, Wobble
from edmlive.synth.voices.keys import Bell, Guitar, Keys, Mallet, Organ, Piano
from edmlive.synth.voices.pads import Brass, Pad, Strings
from edmlive.synth.voices.percussion import Block, Conga, Cowbell, Crash, Hat, Ride, Shaker, Tambourine
from edmlive.synth.voices.synths import Lead, Pluck, Stab, Supersaw
from edmlive.synth.voices.textures import Impact, Noise, Riser, Siren, Sweep
from edmlive.synth.voices.vocal import Vocal


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


DRUMS: dict[str, type[DrumVoice]] = {
    "kick": Kick,
    "hard-kick": HardKick,
    "snare": Snare,
    "clap": Clap,
    "rim": Rim,
    "tom": Tom,
    "break": Break,
    "hat": Hat,
    "ride": Ride,
    "crash": Crash,
    "shaker": Shaker,
    "tambourine": Tambourine,
    "conga": Conga,
    "cowbell": Cowbell,
    "block": Block,
}
"""Voices of lanes, by the name that a recipe gives them."""

TONES: dict[str, type[TonalVoice]] = {
    "sub": Sub,
    "reese": Reese,
    "wobble": Wobble,
    "growl": Growl,
    "acid": Acid,
    "donk": Donk,
    "pluck-bass": PluckBass,
    "organ-bass": OrganBass,
    "hoover": Hoover,
    "screech": Screech,
    "supersaw": Supersaw,
    "pluck": Pluck,
    "stab": Stab,
    "lead": Lead,
    "vocal": Vocal,
    "pad": Pad,
    "brass": Brass,
    "strings": Strings,
    "organ": Organ,
    "keys": Keys,
    "piano": Piano,
    "bell": Bell,
    "mallet": Mallet,
    "skank": Guitar,
    "riser": Riser,
    "impact": Impact,
    "sweep": Sweep,
    "noise": Noise,
    "siren": Siren,
}
"""Voices of parts, by the name that a recipe gives them."""
