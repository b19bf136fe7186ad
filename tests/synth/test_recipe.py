import dataclasses

import pytest
from pydantic import ValidationError

from edmlive.errors import UserError
from edmlive.synth.harmony import CHORDS, SCALES
from edmlive.synth.mastering import BALANCE_HERTZ
from edmlive.synth.presets import voiced
from edmlive.synth.recipe import BANDS, Lane, Part, Recipe, recipe, recipes
from edmlive.synth.voices import DRUMS, TONES
from edmlive.taxonomy import SUBGENRES


def test_every_subgenre_of_the_paper_has_a_recipe_in_its_order() -> None:
    assert len(SUBGENRES) == 30
    assert tuple(recipes()) == SUBGENRES


def test_bands_are_those_of_the_mastering() -> None:
    assert len(BALANCE_HERTZ) == BANDS


@pytest.mark.parametrize("genre", SUBGENRES)
def test_rough_mix_is_a_recipe_too(genre: str) -> None:
    rough = voiced(recipe(genre), "rough-mix")
    assert Recipe.model_validate(rough.model_dump()) == rough
    for sound in (*rough.drums.values(), *rough.parts.values()):
        for low, high in sound.patch.values():
            assert low <= high


@pytest.mark.parametrize("genre", SUBGENRES)
def test_recipe_names_only_what_exists(genre: str) -> None:
    made_of = recipe(genre)
    assert set(made_of.harmony.scales) <= set(SCALES)
    assert set(made_of.harmony.chords) <= set(CHORDS)
    assert not set(made_of.drums) & set(made_of.parts)
    known = set(made_of.drums) | set(made_of.parts) | {"all", "drums"}
    assert {word.removeprefix("-") for section in made_of.sections for word in section.plays} <= known
    for sound in (*made_of.drums.values(), *made_of.parts.values()):
        kinds = DRUMS if isinstance(sound, Lane) else TONES
        assert set(sound.voice) <= set(kinds)
        own = [(voice, field.name) for voice in sound.voice for field in dataclasses.fields(kinds[voice])]
        fields = {field for _, field in own} | {f"{voice}.{field}" for voice, field in own}
        assert set(sound.patch) <= fields


@pytest.mark.parametrize("genre", SUBGENRES)
def test_patterns_are_whole_bars(genre: str) -> None:
    made_of = recipe(genre)
    for lane in made_of.drums.values():
        assert [len(grid) % lane.steps for grid in lane.grids] == [0] * len(lane.grids)
    for part in made_of.parts.values():
        assert [len(pattern) % part.steps for pattern in part.patterns] == [0] * len(part.patterns)


@pytest.mark.parametrize("genre", SUBGENRES)
def test_tempo_quantiles_rise(genre: str) -> None:
    tempo = recipe(genre).tempo
    assert sorted(tempo) == list(tempo)


def test_no_tempo_gives_a_subgenre_away() -> None:
    # Each subgenre's middle half of tempos meets that of another.
    halves = {genre: (made_of.tempo[1], made_of.tempo[3]) for genre, made_of in recipes().items()}

    def met(genre: str) -> bool:
        low, high = halves[genre]
        return any(low <= above and below <= high for other, (below, above) in halves.items() if other != genre)

    assert [genre for genre in SUBGENRES if not met(genre)] == []


def test_unknown_subgenre_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UserError, match="nearest name is 'deep-house'"):
        recipe("deephouse")


@pytest.mark.parametrize("grid", ["x..y", "x..1"])
def test_unknown_sign_in_a_grid_is_refused(grid: str) -> None:
    with pytest.raises(ValidationError, match="unknown sign"):
        Lane(voice=("kick",), grids=(grid,))


def test_spaces_and_bar_lines_in_a_pattern_do_not_count() -> None:
    assert Part(voice=("sub",), patterns=("1--- ....|1--- ....",)).patterns == ("1---....1---....",)


def test_single_values_stand_for_ranges_and_alternatives() -> None:
    lane = Lane.model_validate({"voice": "kick", "grids": "x...", "level": -3})
    assert (lane.voice, lane.grids, lane.level) == (("kick",), ("x...",), (-3, -3))
