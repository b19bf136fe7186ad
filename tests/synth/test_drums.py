"""Facts that a listener would name: how a hit starts, ends, how high, how bright, how long."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edmlive.synth.audio import RATE
from edmlive.synth.voices.breakbeat import Break
from edmlive.synth.voices.drums import Clap, HardKick, Kick, Rim, Snare, Tom
from edmlive.synth.voices.percussion import Block, Conga, Cowbell, Crash, Hat, Ride, Shaker, Tambourine

SHARE = (0.0, 1.0)
RANGES = {
    Kick: {
        "tune": (38, 70),
        "sweep": (0.5, 5),
        "bend": (0.008, 0.08),
        "hold": (0, 0.15),
        "decay": (0.12, 1.8),
        "click": SHARE,
        "brightness": (700, 9000),
        "drive": SHARE,
    },
    HardKick: {
        "tune": (42, 75),
        "sweep": (2, 5),
        "bend": (0.01, 0.09),
        "decay": (0.25, 1.2),
        "drive": (0.2, 1),
        "fold": SHARE,
        "tone": (150, 2500),
        "brightness": (1500, 14000),
    },
    Snare: {
        "tune": (130, 300),
        "tone_decay": (0.06, 0.5),
        "noise_decay": (0.08, 0.9),
        "noise": (0.1, 0.95),
        "brightness": (2500, 16000),
        "snap": SHARE,
        "drive": SHARE,
    },
    Clap: {
        "hands": (1, 6),
        "spread": (0.004, 0.016),
        "looseness": SHARE,
        "decay": (0.08, 0.8),
        "tone": (700, 2600),
        "resonance": (0.7, 4),
        "brightness": (3000, 16000),
    },
    Rim: {"tone": (700, 2600), "body": SHARE, "decay": (0.01, 0.4), "drive": SHARE},
    Tom: {
        "tune": (60, 260),
        "sweep": (0.2, 5),
        "bend": (0.02, 0.15),
        "decay": (0.1, 1),
        "skin": SHARE,
        "drive": SHARE,
    },
    Hat: {"tune": (150, 600), "metal": SHARE, "decay": (0.01, 1.2), "brightness": (4500, 12000), "air": (8000, 18000)},
    Ride: {"tune": (160, 600), "decay": (0.12, 1.8), "bell": SHARE, "brightness": (5500, 17000)},
    Crash: {"tune": (200, 500), "metal": (0, 0.8), "decay": (0.4, 2), "brightness": (8000, 18000)},
    Shaker: {"attack": (0.002, 0.05), "decay": (0.015, 0.25), "tone": (3500, 9500), "resonance": (0.7, 3)},
    Tambourine: {"tune": (3500, 6500), "decay": (0.05, 0.4), "ring": SHARE},
    Conga: {"tune": (140, 600), "bend": (0, 0.6), "decay": (0.08, 0.6), "slap": SHARE},
    Cowbell: {"tune": (350, 800), "decay": (0.02, 0.6), "brightness": (1, 5)},
    Block: {"tune": (300, 5000), "ratio": (1.4, 3.2), "decay": (0.01, 0.2), "click": SHARE},
    Break: {
        "speed": (0.85, 1.7),
        "kick": (60, 90),
        "snare": (170, 260),
        "ring": (0.5, 1.6),
        "room": SHARE,
        "dirt": SHARE,
        "brightness": (5000, 16000),
    },
}
VOICES = list(RANGES)
STROKES = "KSGHOR"


def play(voice, velocity=1.0, seed=1, stroke="S"):
    rng = np.random.default_rng(seed)
    return voice.hit(rng, velocity, stroke) if isinstance(voice, Break) else voice.hit(rng, velocity)


def spectrum(samples) -> tuple[NDArray, NDArray]:
    """Power and frequencies, 0.3 Hz apart."""
    return np.abs(np.fft.rfft(samples, 2**17)) ** 2, np.fft.rfftfreq(2**17, 1 / RATE)


def share(samples, low, high):
    """Share of the energy between two frequencies."""
    power, hertz = spectrum(samples)
    return power[(hertz >= low) & (hertz < high)].sum() / power.sum()


def centroid(samples):
    power, hertz = spectrum(samples)
    return (hertz * power).sum() / power.sum()


def loudest(samples, low=20, high=20_000):
    power, hertz = spectrum(samples)
    within = (hertz >= low) & (hertz < high)
    return hertz[within][power[within].argmax()]


def seconds_to_hear(samples, part=0.95):
    """Time by which so much of the energy has passed."""
    energy = np.cumsum(samples.astype(float) ** 2)
    return np.searchsorted(energy, part * energy[-1]) / RATE


@pytest.mark.parametrize("kind", VOICES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_setting_makes_a_clean_hit(kind, data):
    voice = kind(**{name: data.draw(st.floats(*limits), name) for name, limits in RANGES[kind].items()})
    velocity = data.draw(st.floats(0.05, 1.0), "velocity")
    samples = play(voice, velocity, data.draw(st.integers(0, 2**32), "seed"), data.draw(st.sampled_from(STROKES)))
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert np.isfinite(samples).all()
    assert len(samples) <= 2 * RATE
    assert np.abs(samples).max() == pytest.approx(velocity, rel=1e-6)
    assert abs(samples.mean(dtype=float)) < 1e-6, "an offset"
    assert abs(samples[-1]) < 1e-6 * velocity
    assert np.abs(samples[-44:]).max() < 0.03 * velocity, "it does not end in silence"
    assert np.abs(samples[: RATE // 20]).max() > 0.25 * velocity, "it does not start at its attack"


@pytest.mark.parametrize("kind", VOICES)
def test_the_seed_alone_decides(kind):
    np.testing.assert_array_equal(play(kind(), seed=7), play(kind(), seed=7))
    assert not np.array_equal(play(kind(), seed=7), play(kind(), seed=8))


@pytest.mark.parametrize("kind", VOICES)
def test_every_field_changes_the_sound(kind):
    before = [play(kind(), stroke=stroke) for stroke in STROKES]
    for name, (low, high) in RANGES[kind].items():
        for value in {low, high} - {getattr(kind(), name)}:
            changed = [play(kind(**{name: value}), stroke=stroke) for stroke in STROKES]
            assert any(
                len(a) != len(b) or not np.allclose(a, b, atol=1e-3) for a, b in zip(before, changed, strict=True)
            ), name


@pytest.mark.parametrize(("kind", "tune"), [*itertools.product((Kick, HardKick), (45.0, 52.0, 65.0))])
def test_a_kick_lands_on_its_tune(kind, tune):
    samples = play(kind(tune=tune, bend=0.015, decay=1.0))
    assert loudest(samples[RATE // 5 :], 30, 90) == pytest.approx(tune, rel=0.02)


def test_a_kick_falls_from_above():
    rising = [np.count_nonzero(np.diff(np.signbit(play(Kick(sweep=s, click=0.0, decay=0.8))))) for s in (0.5, 2.0, 4.5)]
    assert rising == sorted(set(rising)), "a deeper sweep holds more cycles"


def test_an_808_booms_where_a_house_kick_thuds():
    house, boom = play(Kick(decay=0.3)), play(Kick(tune=45.0, sweep=1.0, hold=0.1, decay=1.7, click=0.1))
    assert seconds_to_hear(boom) > 3 * seconds_to_hear(house)
    assert share(boom, 30, 90) > 0.8


def test_the_click_of_a_kick_is_where_brightness_says():
    def high(samples):
        return share(samples, 4000, 12000)

    bright = high(play(Kick(click=1.0, brightness=6000.0)))
    assert bright > 20 * high(play(Kick(click=0.0)))
    assert bright > 5 * high(play(Kick(click=1.0, brightness=1000.0)))


def test_a_hard_kick_is_distorted_to_its_end():
    def middle(samples):
        return share(samples[RATE // 5 : RATE // 2], 200, 5000)

    assert middle(play(HardKick(decay=0.6))) > 20 * middle(play(Kick(decay=0.6, hold=0.1)))
    crest = [np.abs(x).max() / x.std() for x in (play(HardKick(drive=0.2)), play(HardKick(drive=1.0)))]
    assert crest[1] < crest[0]
    assert middle(play(HardKick(fold=1.0))) > middle(play(HardKick(fold=0.0)))


@pytest.mark.parametrize("tune", [150.0, 200.0, 260.0])
def test_a_snare_has_a_head_and_wires(tune):
    samples = play(Snare(tune=tune, noise=0.5))
    assert loudest(samples[RATE // 50 :], 100, 600) == pytest.approx(tune, rel=0.03)
    assert share(samples, 1500, 20000) > 0.1
    assert centroid(play(Snare(tune=tune, noise=0.9))) > centroid(play(Snare(tune=tune, noise=0.3)))
    assert share(play(Snare(brightness=3000.0)), 6000, 20000) < 0.3 * share(
        play(Snare(brightness=14000.0)), 6000, 20000
    )


@pytest.mark.parametrize("tone", [800.0, 1200.0, 2400.0])
def test_a_clap_sounds_in_its_band(tone):
    assert share(play(Clap(tone=tone)), 0.5 * tone, 2 * tone) > 0.6
    assert share(play(Clap(tone=tone)), 20, 0.25 * tone) < 0.02


@pytest.mark.parametrize("hands", [2, 4])
def test_hands_clap_one_after_the_other(hands):
    clap = Clap(hands=hands, spread=0.015, looseness=0.0, decay=0.08)
    power = np.mean([play(clap, seed=seed) ** 2 for seed in range(200)], axis=0)
    level = np.convolve(power, np.ones(66) / 66, "same")
    for hand in range(1, hands):
        start = round(hand * 0.015 * RATE)
        assert level[start + 80] > 3 * level[start - 80], "no fresh attack"
    after = level[round((hands - 1) * 0.015 * RATE) + 300 :]
    assert after.max() < 0.5 * level.max(), "one hand too many"


@pytest.mark.parametrize("metal", [0.0, 0.5, 1.0])
def test_a_hat_is_high(metal):
    assert share(play(Hat(metal=metal)), 5000, 22050) > 0.95
    assert centroid(play(Hat(metal=metal, brightness=11000.0))) > centroid(play(Hat(metal=metal, brightness=5000.0)))


def test_hats_open_and_close():
    assert seconds_to_hear(play(Hat(decay=0.05))) < 0.02
    assert seconds_to_hear(play(Hat(decay=0.8))) > 0.1


def test_metal_has_lines_where_noise_has_none():
    def peakiness(samples):
        power, hertz = spectrum(samples)
        within = power[(hertz > 5000) & (hertz < 12000)]
        return within.max() / within.mean()

    assert peakiness(play(Hat(metal=1.0, decay=1.0))) > 3 * peakiness(play(Hat(metal=0.0, decay=1.0)))


def test_a_crash_darkens():
    samples = play(Crash())
    assert centroid(samples[RATE:]) < 0.6 * centroid(samples[: RATE // 5])


def test_a_ride_pings():
    assert share(play(Ride(tune=400.0, bell=1.0)), 2000, 2300) > 3 * share(play(Ride(tune=400.0, bell=0.0)), 2000, 2300)


def test_a_shaker_swells():
    samples = play(Shaker(attack=0.04))
    assert np.abs(samples[:400]).max() < 0.2
    assert share(samples, 3000, 22050) > 0.9


@pytest.mark.parametrize(
    ("voice", "hertz"),
    [
        (Tom(tune=110.0, decay=0.8), 110.0),
        (Conga(tune=300.0, slap=0.0), 300.0),
        (Cowbell(tune=540.0, brightness=1.0), 540.0),
        (Block(tune=1100.0), 1100.0),
        (Rim(tone=1650.0, body=0.2), 1650.0),
        (Tambourine(tune=4800.0, ring=1.0), 1.34 * 4800.0),
        (Break(speed=1.0, kick=72.0), 72.0),
        (Break(speed=1.5, kick=72.0), 108.0),
    ],
)
def test_it_sounds_at_its_tune(voice, hertz):
    samples = play(voice, stroke="K")
    assert loudest(samples[min(RATE // 10, len(samples) // 4) :]) == pytest.approx(hertz, rel=0.03)


@pytest.mark.parametrize("kind", [Snare, Clap, Hat, Ride, Break])
def test_a_softer_stroke_is_duller(kind):
    assert centroid(play(kind(), velocity=0.2)) < centroid(play(kind(), velocity=1.0))


def test_the_strokes_of_a_break_differ():
    kit = Break()
    brightness = {stroke: centroid(play(kit, stroke=stroke)) for stroke in STROKES}
    assert brightness["K"] < brightness["G"] < brightness["S"] < brightness["R"] < brightness["O"]
    length = {stroke: seconds_to_hear(play(kit, stroke=stroke)) for stroke in STROKES}
    assert length["H"] < 0.5 * length["O"]
    assert length["O"] < length["R"]


def test_a_faster_break_is_shorter():
    slow, fast = (play(Break(speed=speed, room=0.0), stroke="S") for speed in (0.9, 1.6))
    assert len(slow) / len(fast) == pytest.approx(1.6 / 0.9, rel=0.05)
    assert centroid(fast) > 1.3 * centroid(slow)


def test_a_room_rings_on():
    dry, wet = (play(Break(room=room), stroke="S") for room in SHARE)
    assert seconds_to_hear(wet) > seconds_to_hear(dry)


def test_dirt_is_coarse():
    clean, dirty = (play(Break(dirt=dirt, room=0.0), stroke="O") for dirt in SHARE)
    assert len(np.unique(np.abs(dirty[1000:9000]).round(3))) < len(np.unique(np.abs(clean[1000:9000]).round(3)))


def test_no_such_stroke():
    with pytest.raises(ValueError, match="no stroke 'X'"):
        play(Break(), stroke="X")
