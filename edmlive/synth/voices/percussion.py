"""Cymbals and hand percussion. A decay time is the time until the sound is 60 dB down."""

from dataclasses import dataclass

import numpy as np

from edmlive.synth.audio import RATE, Samples, length, steady
from edmlive.synth.envelopes import curve, decay
from edmlive.synth.kernels.filters import BAND, HIGH, LOW
from edmlive.synth.kernels.oscillators import PULSE, oscillate, square_cluster
from edmlive.synth.voices.hits import dulling, filtered, finish, modes, noise, normal, span

_CLUSTER = np.array([1.0, 1.483, 1.800, 2.546, 2.630, 3.897])
"""The six oscillators of the TR-808's cymbals, relative to the lowest (205.3 Hz)."""


@dataclass(frozen=True)
class Hat:
    """A hi-hat: six square waves and noise through a high-pass.

    Parameters
    ----------
    tune
        Lowest of the square waves, Hz: 150...600.
    metal
        Share of the square waves, the rest is noise: 0...1.
    decay
        s: 0.01 (tick)...0.12 (closed)...1.2 (open).
    brightness
        High-pass, Hz: 4500 (dark)...12000 (thin).
    air
        Low-pass, Hz: 8000...18000.
    """

    tune: float = 260.0
    metal: float = 0.5
    decay: float = 0.12
    brightness: float = 7500.0
    air: float = 14000.0

    def hit(self, rng: np.random.Generator, velocity: float) -> Samples:
        """Play once; see `edmlive.synth.voices`."""
        samples = span(self.decay)
        raw = _plate(rng, samples, self.tune, self.metal) * decay(samples, self.decay)
        plate = filtered(filtered(raw, HIGH, self.brightness), HIGH, 0.8 * self.brightness)
        return finish(filtered(plate, LOW, self.air * dulling(velocity)), velocity)


@dataclass(frozen=True)
class Ride:
    """A ride cymbal: the ping of the stick over a long wash.

    Parameters
    ----------
    tune
        Lowest of the square waves, Hz: 160...600.
    decay
        Of the wash, s: 0.12...1.8.
    bell
        Level of the ping: 0 (edge)...1 (bell).
    brightness
        Low-pass, Hz: 5500...17000.
    """

    tune: float = 390.0
    decay: float = 0.9
    bell: float = 0.4
    brightness: float = 12000.0

    def hit(self, rng: np.random.Generator, velocity: float) -> Samples:
        """Play once; see `edmlive.synth.voices`."""
        samples = span(self.decay)
        wash = _plate(rng, samples, self.tune, 0.6) * (
            0.5 * decay(samples, 0.2 * self.decay) + 0.5 * decay(samples, self.decay)
        )
        ping = modes(
            np.full(samples, 5.4 * self.tune),
            (1.0, 1.47, 2.09),
            (1.0, 0.7, 0.4),
            (0.5 * self.decay, 0.4 * self.decay, 0.3 * self.decay),
        )
        return finish(
            filtered(
                normal(filtered(wash, HIGH, 3500.0)) + 0.25 * self.bell * ping, LOW, self.brightness * dulling(velocity)
            ),
            velocity,
        )


@dataclass(frozen=True)
class Crash:
    """A crash cymbal: a burst that darkens as it fades.

    Parameters
    ----------
    tune
        Lowest of the square waves, Hz: 200...500.
    metal
        Share of the square waves, the rest is noise: 0 (white-noise crash)...0.8.
    decay
        s: 0.4...2.
    brightness
        Low-pass at the stroke, Hz: 8000...18000; two octaves lower at the end.
    """

    tune: float = 300.0
    metal: float = 0.4
    decay: float = 1.7
    brightness: float = 15000.0

    def hit(self, rng: np.random.Generator, velocity: float) -> Samples:
        """Play once; see `edmlive.synth.voices`."""
        samples = span(self.decay)
        level = 0.45 * decay(samples, 0.25 * self.decay) + 0.55 * decay(samples, self.decay)
        plate = filtered(_plate(rng, samples, self.tune, self.metal) * level, HIGH, 1200.0, 0.5)
        edge = curve(samples, self.brightness * dulling(velocity), 0.25 * self.brightness, 0.4 * self.decay)
        return finish(filtered(plate, LOW, edge), velocity)


@dataclass(frozen=True)
class Shaker:
    """Grains thrown against a shell: noise that swells and dies.

    Parameters
    ----------
    attack
        s: 0.002 (maraca)...0.05 (slow shake).
    decay
        s: 0.015...0.25.
    tone
        Centre, Hz: 3500...9500.
    resonance
        Quality factor of that centre: 0.7...3.
    """

    attack: float = 0.015
    decay: float = 0.1
    tone: float = 6500.0
    resonance: float = 1.0

    def hit(self, rng: np.random.Generator, velocity: float) -> Samples:
        """Play once; see `edmlive.synth.voices`."""
        swell = length(self.attack)
        samples = swell + span(self.decay)
        level = np.empty(samples)
        level[:swell] = np.arange(swell) / swell
        level[swell:] = decay(samples - swell, self.decay)
        grains = noise(rng, samples) * level * level
        return finish(filtered(filtered(grains, BAND, self.tone, self.resonance), HIGH, 0.4 * self.tone), velocity)


@dataclass(frozen=True)
class Tambourine:
    """Jingles: high modes that ring through noise.

    Parameters
    ----------
    tune
        Lowest jingle, Hz: 3500...6500.
    decay
        s: 0.05...0.4.
    ring
        Level of the jingles over the noise: 0...1.
    """

    tune: float = 4800.0
    decay: float = 0.2
    ring: float = 0.5

    def hit(self, rng: np.random.Generator, velocity: float) -> Samples:
        """Play once; see `edmlive.synth.voices`."""
        samples = span(self.decay)
        # Three pairs of jingles, each a little different at every stroke.
        pitch = self.tune * rng.uniform(0.98, 1.02)
        jingles = modes(
            np.full(samples, pitch),
            (1.0, 1.34, 1.71, 2.23),
            (0.6, 1.0, 0.8, 0.5),
            (self.decay,) * 3 + (0.6 * self.decay,),
        )
        hiss = filtered(noise(rng, samples) * decay(samples, 0.7 * self.decay), HIGH, 1.2 * self.tune)
        return finish(self.ring * normal(jingles) + (1.0 - 0.5 * self.ring) * normal(hiss), velocity)


@dataclass(frozen=True)
class Conga:
    """A hand on a skin: conga, bongo, djembe, tabla-like blips.

    Parameters
    ----------
    tune
        Hz: 140 (tumba)...600 (bongo).
    bend
        Octaves the pitch falls: 0...0.6.
    decay
        s: 0.08...0.6.
    slap
        Level of the hand: 0 (open)...1 (slap).
    """

    tune: float = 240.0
    bend: float = 0.15
    decay: float = 0.4
    slap: float = 0.3

    def hit(self, rng: np.random.Generator, velocity: float) -> Samples:
        """Play once; see `edmlive.synth.voices`."""
        samples = span(self.decay)
        ringing = self.decay * (1.0 - 0.5 * self.slap)
        skin = modes(
            curve(samples, steady(self.tune * 2.0**self.bend), self.tune, 0.02),
            (1.0, 1.59, 2.30, 2.92),
            (1.0, 0.3 + 0.4 * self.slap, 0.15 + 0.5 * self.slap, 0.3 * self.slap),
            (ringing, 0.5 * ringing, 0.35 * ringing, 0.3 * ringing),
        )
        hand = filtered(noise(rng, samples) * decay(samples, 0.03), BAND, (4.0 + 4.0 * self.slap) * self.tune)
        return finish(skin + (0.15 + 0.7 * self.slap) * velocity * normal(hand), velocity)


@dataclass(frozen=True)
class Cowbell:
    """Two square waves a dissonant fifth apart, through a resonance.

    Parameters
    ----------
    tune
        Lower wave, Hz: 350...800; the TR-808's is 540.
    decay
        s: 0.02 (muted)...0.6.
    brightness
        Centre of the resonance relative to `tune`: 1...5.
    """

    tune: float = 540.0
    decay: float = 0.25
    brightness: float = 2.0

    def hit(self, rng: np.random.Generator, velocity: float) -> Samples:
        """Play once; see `edmlive.synth.voices`."""
        samples = span(self.decay)
        pair = sum(
            oscillate(PULSE, np.full(samples, self.tune * ratio), RATE, rng.random(), 0.5) for ratio in (1.0, 1.481)
        )
        level = 0.6 * decay(samples, 0.15 * self.decay) + 0.4 * decay(samples, self.decay)
        return finish(filtered(pair * level, BAND, self.brightness * self.tune, 1.2), velocity)


@dataclass(frozen=True)
class Block:
    """Something small and hard: wood block, clave, the clicks and blips of minimal techno and glitch.

    Parameters
    ----------
    tune
        Hz: 300...5000.
    ratio
        Second mode relative to the first: 1.4...3.2.
    decay
        s: 0.01 (click)...0.2.
    click
        Level of the stroke's noise: 0...1.
    """

    tune: float = 1100.0
    ratio: float = 2.2
    decay: float = 0.06
    click: float = 0.3

    def hit(self, rng: np.random.Generator, velocity: float) -> Samples:
        """Play once; see `edmlive.synth.voices`."""
        samples = span(self.decay)
        wood = modes(np.full(samples, self.tune), (1.0, self.ratio), (1.0, 0.4), (self.decay, 0.5 * self.decay))
        stroke = filtered(noise(rng, samples) * decay(samples, 0.008), HIGH, self.tune)
        return finish(wood + self.click * velocity * normal(stroke), velocity)


def _plate(rng: np.random.Generator, samples: int, tune: float, metal: float) -> Samples:
    # A cymbal before any filter: square waves and noise at like loudness.
    squares = square_cluster(samples, tune * _CLUSTER, rng.random(len(_CLUSTER)), RATE)
    return squares * np.float32(2.0 * metal) + noise(rng, samples) * np.float32(1.0 - metal)
