"""Rendered electronic music with known truth."""

from typing import Literal, get_args

GENRES = (
    *("hard-dance", "deep-house", "glitch-hop", "progressive-big-room", "electro-big-room", "trap-future-bass"),
    *("jumpup-drum-and-bass", "progressive-trance", "uplifting-trance", "garage-baseline-grime", "electro-house"),
    *("house", "psy-trance", "leftfield-bass", "hip-hop-r-and-b", "tech-trance", "minimal-deep-tech"),
    *("progressive-house", "future-house", "tech-house", "leftfield-house-and-techno", "electronica-downtempo"),
    *("liquid-drum-and-bass", "breaks", "dance", "dubstep", "dub-techno", "reggae-dancehall-dub"),
    *("hardcore-hard-techno", "jungle-drum-and-bass"),
)
"""The paper's thirty subgenres, in the order of its authors' released code."""

Preset = Literal["mastered", "rough-mix"]
"""``mastered`` is a recipe as it stands, fitted to released tracks. ``rough-mix`` is the same music from another
studio: other voices, no fitted faders, a smoother balance, less loud, in a room and on tape. Networks that learnt from
the one are tested on the other."""

PRESETS: tuple[Preset, ...] = get_args(Preset)
