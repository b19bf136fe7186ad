"""Rendered electronic music with known truth."""

from typing import Literal, get_args

Preset = Literal["mastered", "rough-mix"]
"""``mastered`` is a recipe as it is, fitted to released tracks. ``rough-mix`` is the same music from another
studio: other voices, no fitted faders, a smoother balance, less loud, in a room and on tape. Networks trained on
one are tested on the other."""

PRESETS: tuple[Preset, ...] = get_args(Preset)
