"""Textures: what leads from one section to the next or lies under all of them."""

from dataclasses import dataclass

import numpy as np

from edmlive.synth.audio import RATE, Samples, hertz
from edmlive.synth.effects import drive
from edmlive.synth.kernels.filters import BAND, HIGH
from edmlive.synth.kernels.oscillators import PULSE, SINE, oscillate
from edmlive.synth.voices.hits import noise
from edmlive.synth.voices.tone import adsr, falling, filtered, interval, lfo, ramp, spread, unison, voiced


@dataclass(frozen=True)
class Riser:
    """Noise and saws that climb until the gate ends.

    Parameters
    ----------
    low, high
        Hz, where the noise starts, 100...1500, and ends, 3000...16000.
    resonance
        0...0.8.
    tone
        Level of the saws: 0...1.
    climb
        Octaves by which the saws rise: 0.5...4.
    tremolo
        Depth of an ever faster tremolo: 0...1.
    release
        Seconds: 0.02...1.
    """

    low: float = 300.0
    high: float = 9000.0
    resonance: float = 0.4
    tone: float = 0.3
    climb: float = 2.0
    tremolo: float = 0.3
    release: float = 0.1

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a climb that takes some seconds; the saws start at the pitch; its peak is at the velocity."""
        envelope = adsr(seconds, 0.02, 1.0, 1.0, self.release)
        samples = len(envelope)
        sound = filtered(noise(rng, samples), ramp(samples, self.low, self.high), self.resonance, BAND)
        saws = unison(rng, ramp(samples, hertz(pitch), hertz(pitch) * interval(self.climb)), spread(20.0, 3))
        sound += np.float32(0.4 * self.tone) * filtered(saws, ramp(samples, 4.0 * self.low, self.high))
        faster = oscillate(SINE, ramp(samples, 2.0, 16.0), RATE, 0.25, 0.5).astype(np.float64)
        envelope *= ramp(samples, 0.05, 1.0) * (1.0 - 0.5 * self.tremolo * (1.0 - faster))
        return voiced(sound, envelope, velocity)


@dataclass(frozen=True)
class Sweep:
    """Noise that falls and fades from the start of a section.

    Parameters
    ----------
    high, low
        Hz, where the noise starts, 3000...16000, and ends, 100...1500.
    resonance
        0...0.8.
    attack
        Seconds: 0.005...0.5.
    release
        Seconds: 0.05...1.5.
    """

    high: float = 10_000.0
    low: float = 300.0
    resonance: float = 0.3
    attack: float = 0.02
    release: float = 0.5

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a fall that takes some seconds, with its peak at the velocity; the pitch is ignored."""
        envelope = adsr(seconds, self.attack, 2.0 * seconds, 0.0, self.release)
        cutoff = ramp(len(envelope), self.high, self.low)
        return voiced(filtered(noise(rng, len(envelope)), cutoff, self.resonance, BAND), envelope, velocity)


@dataclass(frozen=True)
class Impact:
    """A boom and a crash on the first beat of a section.

    Parameters
    ----------
    boom
        Hz, where the boom ends: 25...70.
    drop
        Octaves from which it falls: 0.5...4.
    crash
        Level of the noise: 0...1.
    cutoff
        Hz, where the noise starts: 1000...12000.
    decay
        Seconds for 60 dB: 0.5...6.
    release
        Seconds: 0.1...1.5.
    drive
        Saturation: 0...1.
    """

    boom: float = 38.0
    drop: float = 2.0
    crash: float = 0.5
    cutoff: float = 6000.0
    decay: float = 3.0
    release: float = 1.0
    drive: float = 0.3

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return an impact that rings for some seconds, with its peak at the velocity; the pitch is ignored."""
        envelope = adsr(seconds, 0.001, self.decay, 0.0, self.release)
        samples = len(envelope)
        sound = oscillate(SINE, falling(samples, self.boom * interval(self.drop), self.boom, 0.5), RATE, 0.0, 0.5)
        crash = filtered(noise(rng, samples), falling(samples, self.cutoff, 200.0, self.decay))
        return voiced(drive(sound + np.float32(self.crash) * crash, self.drive), envelope, velocity)


@dataclass(frozen=True)
class Noise:
    """A bed of air: wind, rain, a room, the hiss of old equipment.

    Parameters
    ----------
    low, high
        Hz, the edges of the band, 30...2000 and 1000...16000.
    wind
        Share of a narrow band that wanders: 0...1.
    rate
        Of its wandering in Hz: 0.05...3.
    attack
        Seconds: 0.05...2.
    release
        Seconds: 0.05...1.5.
    """

    low: float = 200.0
    high: float = 6000.0
    wind: float = 0.3
    rate: float = 0.2
    attack: float = 0.5
    release: float = 0.8

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a bed that lasts some seconds, with its peak at the velocity; the pitch is ignored."""
        envelope = adsr(seconds, self.attack, 1.0, 1.0, self.release)
        air = filtered(noise(rng, len(envelope)), self.high)
        wandering = self.low * (1.5 + 4.0 * lfo(len(envelope), self.rate, rng.random()))
        gusts = np.float32(3.0 * self.wind) * filtered(air.copy(), wandering, 0.6, BAND)
        sound = gusts + np.float32(1.0 - self.wind) * filtered(air, self.low, 0.0, HIGH)
        return voiced(sound, envelope, velocity)


@dataclass(frozen=True)
class Siren:
    """A tone whose pitch swings: the siren of sound systems, and the alarms of rave.

    Parameters
    ----------
    rate
        Of the swing in Hz: 0.3...10.
    swing
        Octaves from the lowest to the highest pitch: 0.2...3.
    cutoff
        Hz: 500...8000.
    release
        Seconds: 0.02...1.
    """

    rate: float = 2.5
    swing: float = 1.0
    cutoff: float = 2500.0
    release: float = 0.1

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a siren that swings up from a MIDI pitch for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, 0.01, 1.0, 1.0, self.release)
        frequency = hertz(pitch) * (1.0 + (interval(self.swing) - 1.0) * lfo(len(envelope), self.rate, 0.75))
        return voiced(filtered(oscillate(PULSE, frequency, RATE, 0.0, 0.5), self.cutoff), envelope, velocity)
