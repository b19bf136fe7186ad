"""Presets: two ways to voice, mix and finish a recipe, as if from two studios."""

from typing import TypeVar

import numpy as np

from edmlive.errors import UserError
from edmlive.synth import PRESETS
from edmlive.synth.recipe import Amount, Faders, Lane, Part, Recipe

_PATCH = 1.25
"""Factor by which ranges of patches are extended at both ends."""
_LEVEL_DB = 2.5
_SMOOTHING = np.array([0.25, 0.5, 0.25])
_TILT_DB = 8.0
"""Less treble than a mastered track, from the lowest band to the highest."""

SoundT = TypeVar("SoundT", Lane, Part)


def voiced(recipe: Recipe, preset: str) -> Recipe:
    """Return a recipe as one of the studios would produce it.

    Parameters
    ----------
    recipe
        Of a subgenre.
    preset
        One of `PRESETS`.

    Raises
    ------
    UserError
        No such preset.
    """
    if preset not in PRESETS:
        raise UserError(f"There is no preset '{preset}': choose from {', '.join(PRESETS)}.")
    return recipe if preset == "mastered" else _rough_mix(recipe)


def _rough_mix(recipe: Recipe) -> Recipe:
    master = recipe.master
    balance = np.convolve(np.pad(master.balance, 1, mode="edge"), _SMOOTHING, mode="valid")
    balance -= np.linspace(-_TILT_DB / 2, _TILT_DB / 2, len(balance))
    finish = master.model_copy(
        update={
            "loudness": (-18.0, -12.0),
            "balance": tuple(balance.tolist()),
            "spread": tuple(1.3 * spread for spread in master.spread),
            "density": (0.0, 0.3),
            "glue": (0.0, 2.0),
            "saturation": (0.0, 0.4),
            "width": (0.5, 1.4),
            "room": (0.1, 0.4),
            "tape": (0.0, 0.25),
        }
    )
    return recipe.model_copy(
        update={
            "human": (recipe.human[0] + 1.0, recipe.human[1] + 4.0),
            "reverb": _wider(recipe.reverb),
            "drums": {name: _revoiced(lane) for name, lane in recipe.drums.items()},
            "parts": {name: _revoiced(part) for name, part in recipe.parts.items()},
            "faders": Faders(),
            "master": finish,
        }
    )


def _revoiced(sound: SoundT) -> SoundT:
    """Make all voices equally likely, and the range of every amount wider."""
    return sound.model_copy(
        update={
            "voice": tuple(dict.fromkeys(sound.voice)),
            "patch": {name: _wider(amount) for name, amount in sound.patch.items()},
            "level": (sound.level[0] - _LEVEL_DB, sound.level[1] + _LEVEL_DB),
        }
    )


def _wider(amount: Amount) -> Amount:
    low, high = amount
    if low <= 0:  # shares and decibels about nothing have no factor
        return amount
    # Whole numbers count things, such as hands or voices, and what lies under 1 is a share.
    if float(low).is_integer() and float(high).is_integer() and high < 10:
        return amount
    return low / _PATCH, min(1.0, high * _PATCH) if high <= 1 else high * _PATCH
