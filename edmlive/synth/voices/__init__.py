"""Voices: each makes one hit or one note of one instrument."""

from edmlive.synth.voices.bass import Acid, Donk, OrganBass, PluckBass, Reese, Sub
from edmlive.synth.voices.breakbeat import Break
from edmlive.synth.voices.drums import Clap, HardKick, Kick, Rim, Snare, Tom
from edmlive.synth.voices.growls import Growl, Hoover, Screech, Wobble
from edmlive.synth.voices.keys import Bell, Guitar, Keys, Mallet, Organ, Piano
from edmlive.synth.voices.kinds import DrumVoice, TonalVoice
from edmlive.synth.voices.pads import Brass, Pad, Strings
from edmlive.synth.voices.percussion import Block, Conga, Cowbell, Crash, Hat, Ride, Shaker, Tambourine
from edmlive.synth.voices.synths import Lead, Pluck, Stab, Supersaw
from edmlive.synth.voices.textures import Impact, Noise, Riser, Siren, Sweep
from edmlive.synth.voices.vocal import Vocal

DRUMS: dict[str, type[DrumVoice]] = {
    **{"kick": Kick, "hard-kick": HardKick, "snare": Snare, "clap": Clap, "rim": Rim, "tom": Tom, "break": Break},
    **{"hat": Hat, "ride": Ride, "crash": Crash, "shaker": Shaker, "tambourine": Tambourine},
    **{"conga": Conga, "cowbell": Cowbell, "block": Block},
}
"""What a lane may name."""

TONES: dict[str, type[TonalVoice]] = {
    **{"sub": Sub, "reese": Reese, "wobble": Wobble, "growl": Growl, "acid": Acid, "donk": Donk},
    **{"pluck-bass": PluckBass, "organ-bass": OrganBass, "hoover": Hoover, "screech": Screech},
    **{"supersaw": Supersaw, "pluck": Pluck, "stab": Stab, "lead": Lead, "vocal": Vocal},
    **{"pad": Pad, "brass": Brass, "strings": Strings, "organ": Organ, "keys": Keys, "piano": Piano},
    **{"bell": Bell, "mallet": Mallet, "skank": Guitar},
    **{"riser": Riser, "impact": Impact, "sweep": Sweep, "noise": Noise, "siren": Siren},
}
"""What a part may name."""
