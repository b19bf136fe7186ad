"""Tonal voices: what they promise for any amounts in their documented ranges, and what each one is known by."""

import dataclasses
import inspect
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edmlive.synth.audio import RATE, Samples, hertz, length
from edmlive.synth.kernels.filters import HIGH
from edmlive.synth.voices import bass, growls, keys, pads, synths, textures, vocal
from edmlive.synth.voices.tone import adsr, filtered, laddered

MODULES = (bass, growls, synths, pads, keys, vocal, textures)
VOICES = [
    voice
    for module in MODULES
    for voice in vars(module).values()
    if dataclasses.is_dataclass(voice) and voice.__module__ == module.__name__
]
TUNED = [voice for voice in VOICES if voice.__module__ != textures.__name__]
LONGEST_RELEASE = 1.5

AMOUNT = r"-?\d+(?:\.\d+)?"


def ranges(voice: Any) -> dict[str, tuple[float, float]]:
    """The ranges that a voice's docstring gives for its fields."""
    found: dict[str, tuple[float, float]] = {}
    documentation = str(inspect.getdoc(voice)).partition("---\n")[2]
    sections = re.findall(r"^(\w[\w, ]*)\n((?:    .*\n?)+)", documentation, re.MULTILINE)
    for names, description in sections:
        amounts = re.findall(rf"({AMOUNT})\.\.\.({AMOUNT})", description)
        found |= {name: (float(low), float(high)) for name, (low, high) in zip(names.split(", "), amounts, strict=True)}
    return found


def fields(voice: Any) -> st.SearchStrategy[Any]:
    """Voices with any amounts in their ranges, the ends above all."""
    amounts = {
        name: st.one_of(st.sampled_from([low, high]), st.floats(low, high))
        for name, (low, high) in ranges(voice).items()
    }
    return st.builds(voice, **amounts)


def play(voice: Any, pitch: float = 57.0, seconds: float = 1.0, velocity: float = 0.8, seed: int = 1) -> Samples:
    return voice.note(np.random.default_rng(seed), pitch, seconds, velocity)


def spectrum(samples: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Frequencies and magnitudes, zero-padded to 0.1 Hz or finer."""
    size = max(10 * RATE, len(samples))
    return np.fft.rfftfreq(size, 1 / RATE), np.abs(np.fft.rfft(samples * np.hanning(len(samples)), size))


def level(samples: NDArray[Any], seconds: float) -> NDArray[np.float64]:
    """RMS of successive blocks."""
    size = length(seconds)
    blocks = samples[: len(samples) // size * size].reshape(-1, size)
    return np.sqrt(np.mean(np.square(blocks, dtype=np.float64), axis=1))


def centroid(samples: NDArray[Any]) -> float:
    frequencies, magnitudes = spectrum(samples)
    return float(np.sum(frequencies * magnitudes) / np.sum(magnitudes))


def test_ranges_are_documented_for_every_field_and_hold_its_default() -> None:
    for voice in VOICES:
        documented = ranges(voice)
        assert list(documented) == [field.name for field in dataclasses.fields(voice)], voice
        for field in dataclasses.fields(voice):
            low, high = documented[field.name]
            default: Any = field.default
            assert low < high and low <= default <= high, (voice, field.name)


@pytest.mark.parametrize("kind", VOICES)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_amounts_give_a_bounded_note_without_clicks(kind: Any, data: st.DataObject) -> None:
    voice = data.draw(fields(kind))
    pitch, seconds = data.draw(st.floats(24.0, 96.0)), data.draw(st.floats(0.02, 2.0))
    velocity = data.draw(st.floats(0.1, 1.0))
    note = play(voice, pitch, seconds, velocity)
    assert note.dtype == np.float32 and note.ndim == 1
    assert np.all(np.isfinite(note))
    assert np.abs(note).max() == pytest.approx(velocity, rel=1e-5)
    assert length(seconds) < len(note) <= length(seconds) + length(LONGEST_RELEASE)
    assert abs(note[0]) < 1e-3 * velocity
    assert np.abs(note[-4:]).max() < 1e-3 * velocity


@pytest.mark.parametrize("kind", VOICES)
def test_same_seed_gives_the_same_samples_and_the_voice_keeps_no_state(kind: Any) -> None:
    voice = kind()
    first = play(voice, seed=7)
    assert np.array_equal(first, play(voice, seed=7))
    assert np.array_equal(first, play(kind(), seed=7))


@pytest.mark.parametrize("kind", TUNED)
@pytest.mark.parametrize("pitch", [45.0, 60.5])
def test_fundamental_is_where_the_pitch_says(kind: Any, pitch: float) -> None:
    plain = {"slide": 0.0, "scoop": 0.0, "vibrato": 0.0, "detune": 3.0, "punch": 0.0, "sub": 0.5, "rate": 0.5}
    names = {field.name for field in dataclasses.fields(kind)}
    note = play(kind(**{name: amount for name, amount in plain.items() if name in names}), pitch, 2.0)
    frequencies, magnitudes = spectrum(note)
    expected = hertz(pitch)
    near = np.abs(12 * np.log2(np.maximum(frequencies, 1.0) / expected)) < 0.8
    measured = frequencies[near][np.argmax(magnitudes[near])]
    assert 1200 * abs(np.log2(measured / expected)) < 6
    # It stands out of what lies between it and its neighbours, and nothing but an octave below may be as low.
    assert magnitudes[near].max() > 5 * np.median(
        magnitudes[(frequencies > 0.6 * expected) & (frequencies < 0.9 * expected)]
    )


@pytest.mark.parametrize("kind", [voice for voice in VOICES if "release" in ranges(voice)])
def test_note_lasts_for_its_gate_and_its_release(kind: Any) -> None:
    release = ranges(kind)["release"][1]
    note = play(kind(release=release), seconds=0.5)
    assert len(note) == length(0.5) + length(release)
    assert np.abs(note[length(0.5) :]).max() > 0.0


def test_envelope_attacks_decays_and_releases_for_the_requested_times() -> None:
    envelope = adsr(1.0, 0.1, 0.5, 0.25, 0.2)
    assert len(envelope) == length(1.0) + length(0.2)
    assert envelope[0] == 0.0 and envelope[-1] == 0.0
    assert np.argmax(envelope) == length(0.1)
    assert envelope.max() == 1.0
    assert envelope[length(0.6)] == pytest.approx(0.25 + 0.75 / 1000, abs=1e-4)
    assert np.all(np.diff(envelope[length(0.1) :]) <= 0)
    short = adsr(0.01, 1.0, 1.0, 1.0, 0.01)
    assert short.max() == pytest.approx(1.0, abs=0.01)


def test_ladder_falls_by_24_decibels_an_octave_whistles_and_stays_bounded() -> None:
    click = np.zeros(RATE, np.float32)
    click[0] = 1.0
    response = np.abs(np.fft.rfft(laddered(click.copy(), 200.0)))
    assert response[10] == pytest.approx(1.0, abs=0.02)
    assert 20 * np.log10(response[1600] / response[3200]) == pytest.approx(24.0, abs=0.5)
    frequencies, magnitudes = spectrum(laddered(click.copy(), 700.0, 1.0))
    assert frequencies[np.argmax(magnitudes)] == pytest.approx(700.0, rel=0.02)
    hot = np.random.default_rng(1).uniform(-100, 100, RATE).astype(np.float32)
    assert np.abs(laddered(hot, 18_000.0, 1.0)).max() < 8.0


def test_wobble_has_its_rate_in_its_envelope() -> None:
    for rate in (2.0, 5.0, 9.0):
        note = play(growls.Wobble(rate=rate, sub=0.0), 33.0, 4.0)
        bright = level(filtered(note.copy(), 1000.0, 0.0, HIGH), 0.005)
        frequencies = np.fft.rfftfreq(len(bright), 0.005)
        magnitudes = np.abs(np.fft.rfft(bright - bright.mean()))
        assert frequencies[np.argmax(magnitudes)] == pytest.approx(rate, abs=0.3)


def test_acid_sweeps_its_resonance_down_and_an_accent_opens_it_further() -> None:
    voice = bass.Acid(cutoff=300.0, envelope=3.0, decay=1.0, resonance=0.9, drive=0.0)

    def peaks(velocity: float) -> list[float]:
        note = play(voice, 33.0, 0.6, velocity)
        heard = []
        for start in (0.01, 0.1, 0.25, 0.45):
            frequencies, magnitudes = spectrum(note[length(start) :][: length(0.06)])
            # A saw falls by 6 dB an octave; what stands out of that is the filter.
            heard.append(float(frequencies[np.argmax(magnitudes * frequencies)]))
        return heard

    soft, hard = peaks(0.2), peaks(1.0)
    assert soft[0] > 1.3 * soft[1] > 1.5 * soft[2] > 1.6 * soft[3]
    assert soft[3] == pytest.approx(330, rel=0.25)
    assert hard[0] > 1.3 * soft[0]


def test_supersaw_beats_the_faster_the_wider_it_is_detuned() -> None:
    def beating(cents: float) -> float:
        voice = synths.Supersaw(detune=cents, air=0.0, sustain=1.0, envelope=0.0)
        swings = level(play(voice, 69.0, 4.0), 0.01)[10:380]
        assert swings.max() / swings.min() > 1.3
        frequencies = np.fft.rfftfreq(len(swings), 0.01)
        power = np.square(np.abs(np.fft.rfft((swings - swings.mean()) * np.hanning(len(swings)))))
        return float(np.sum(frequencies * power) / np.sum(power))

    assert beating(50.0) > 1.5 * beating(15.0)


def test_supersaw_has_seven_saws_around_its_pitch() -> None:
    note = play(synths.Supersaw(detune=60.0, air=0.0, sustain=1.0, attack=0.01), 69.0, 8.0)
    frequencies, magnitudes = spectrum(note)
    near = (frequencies > 420) & (frequencies < 460)
    band = magnitudes[near]
    tops = (band[1:-1] > band[:-2]) & (band[1:-1] > band[2:]) & (band[1:-1] > 0.4 * band.max())
    cents = 1200 * np.log2(frequencies[near][1:-1][tops] / 440)
    assert cents == pytest.approx([-60, -34.2, -10.8, 0, 10.8, 34.2, 58.8], abs=1.0)


@pytest.mark.parametrize("vowel", range(5))
def test_vocal_has_the_formants_of_its_vowel(vowel: int) -> None:
    voice = vocal.Vocal(vowel=vowel, towards=vowel, slide=0.0, vibrato=0.0, breath=0.0)
    # Each harmonic of a low note samples the tract; the source falls by 6 dB an octave.
    frequencies, magnitudes = spectrum(play(voice, 33.0, 2.0))
    partials = np.arange(1, 64) * hertz(33.0)
    heard = np.array([magnitudes[np.abs(frequencies - partial) < 5].max() * partial for partial in partials])
    tops = partials[1:-1][(heard[1:-1] > heard[:-2]) & (heard[1:-1] > heard[2:])]
    for formant in vocal.FORMANTS[vowel]:
        assert np.abs(tops - formant).min() < 60


def test_vocal_turns_from_one_vowel_into_another() -> None:
    note = play(vocal.Vocal(vowel=0.0, towards=4.0, turn=0.5, breath=0.0), 45.0, 1.0)
    assert centroid(note[length(0.8) : length(1.0)]) > 1.3 * centroid(note[: length(0.1)])


def test_filter_envelopes_open_with_velocity() -> None:
    for kind in (bass.PluckBass, synths.Pluck, synths.Stab, synths.Supersaw, synths.Lead, keys.Keys, pads.Brass):
        soft, hard = (play(kind(), 57.0, 0.5, velocity) for velocity in (0.3, 1.0))
        assert centroid(hard) > 1.03 * centroid(soft), kind


def test_sub_stays_below_and_keeps_its_attack_in_step() -> None:
    note = play(bass.Sub(drive=0.0, triangle=0.0), 33.0)
    frequencies, magnitudes = spectrum(note)
    assert np.sum(np.square(magnitudes[frequencies < 80])) > 0.999 * np.sum(np.square(magnitudes))
    first, second = (play(bass.PluckBass(), 33.0, 0.1, seed=seed) for seed in (1, 2))
    assert np.array_equal(first, second)


def test_strings_of_a_piano_are_stretched_and_die_away() -> None:
    note = play(keys.Piano(inharmonicity=0.0005, hammer=0.0), 45.0, 2.0)
    frequencies, magnitudes = spectrum(note)
    near = np.abs(frequencies - 10 * 110.0 * np.sqrt(1 + 0.0005 * 100)) < 8
    assert magnitudes[near].max() > 10 * magnitudes[np.abs(frequencies - 1100.0) < 8].max()
    loud = level(note[: length(2.0)], 0.25)
    assert np.all(np.diff(loud) < 0) and loud[-1] < 0.5 * loud[0]


def test_guitar_is_in_tune_at_every_pitch() -> None:
    for pitch in (40.0, 52.0, 64.0, 76.0, 88.0):
        frequencies, magnitudes = spectrum(play(keys.Guitar(decay=4.0, drive=0.0, pick=0.1), pitch, 2.0))
        near = np.abs(12 * np.log2(np.maximum(frequencies, 1.0) / hertz(pitch))) < 0.8
        measured = frequencies[near][np.argmax(magnitudes[near])]
        assert 1200 * abs(np.log2(measured / hertz(pitch))) < 5


def test_riser_climbs_and_swells_while_sweep_falls_and_fades() -> None:
    up, down = play(textures.Riser(tremolo=0.0), seconds=4.0), play(textures.Sweep(), seconds=4.0)
    for samples in (up, down[::-1]):
        quarters = np.split(samples[: len(samples) // 4 * 4], 4)
        assert centroid(quarters[0]) < centroid(quarters[1]) < centroid(quarters[2]) < centroid(quarters[3])
    loud = level(up[: length(4.0)], 0.5)
    assert np.all(np.diff(loud) > 0)
    assert level(down, 0.5)[0] > 4 * level(down, 0.5)[-1]


def test_impact_is_loudest_at_once_and_ends_low() -> None:
    note = play(textures.Impact(), seconds=2.0)
    assert np.argmax(np.abs(note)) < length(0.1)
    frequencies, magnitudes = spectrum(note[length(0.8) : length(1.6)])
    assert frequencies[np.argmax(magnitudes)] == pytest.approx(38.0, abs=6)
