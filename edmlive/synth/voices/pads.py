"""What swells: pads, brass and strings."""

from dataclasses import dataclass

import numpy as np

from edmlive.synth.audio import Samples
from edmlive.synth.effects import drive
from edmlive.synth.kernels.filters import HIGH
from edmlive.synth.kernels.oscillators import PULSE
from edmlive.synth.voices.hits import noise
from edmlive.synth.voices.tone import (
    adsr,
    filtered,
    interval,
    lfo,
    spread,
    tuned,
    unison,
    voiced,
)


@dataclass(frozen=True)
class Pad:
    """A slow chord tone whose filter breathes.

    Parameters
    ----------
    square
        Share of pulses: 0...1.
    detune
        Cents either way: 3...30.
    air
        Share of noise: 0...0.5.
    cutoff
        Hz, where the filter is lowest: 200...5000.
    resonance
        0...0.7.
    sweep
        Octaves by which it opens: 0...3.
    rate
        Of its movement in Hz: 0.03...2.
    attack
        Seconds: 0.05...2.
    release
        Seconds: 0.1...1.5.
    """

    square: float = 0.3
    detune: float = 10.0
    air: float = 0.05
    cutoff: float = 900.0
    resonance: float = 0.15
    sweep: float = 1.2
    rate: float = 0.15
    attack: float = 0.4
    release: float = 0.8

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, self.attack, 1.0, 1.0, self.release)
        frequency = tuned(len(envelope), pitch)
        sound = np.float32(1.0 - self.square) * unison(rng, frequency, spread(self.detune, 3))
        sound += np.float32(self.square) * unison(rng, frequency, spread(0.6 * self.detune, 2), PULSE, 0.4)
        sound += np.float32(self.air) * noise(rng, len(envelope))
        movement = lfo(len(envelope), self.rate, rng.random())
        cutoff = self.cutoff * (1.0 + (interval(self.sweep) - 1.0) * movement)
        return voiced(filtered(sound, cutoff, self.resonance), envelope, velocity)


@dataclass(frozen=True)
class Brass:
    """Saws whose filter opens with the breath.

    Parameters
    ----------
    detune
        Cents either way: 0...40.
    cutoff
        Hz, where the filter starts and rests: 200...12000.
    envelope
        Octaves by which the attack opens it: 0.5...4.
    scoop
        Semitones from below which the pitch arrives: 0...3.
    vibrato
        Cents: 0...40.
    attack
        Seconds: 0.01...0.2.
    decay
        Seconds for 60 dB: 0.2...4.
    sustain
        Level that the decay leads to: 0.2...1.
    release
        Seconds: 0.03...0.6.
    drive
        Saturation: 0...1.
    """

    detune: float = 6.0
    cutoff: float = 500.0
    envelope: float = 2.5
    scoop: float = 0.5
    vibrato: float = 8.0
    attack: float = 0.04
    decay: float = 1.2
    sustain: float = 0.7
    release: float = 0.12
    drive: float = 0.2

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, self.attack, self.decay, self.sustain, self.release)
        frequency = tuned(len(envelope), pitch, -self.scoop, 0.12, self.vibrato)
        cutoff = self.cutoff * (1.0 + (interval(self.envelope * velocity) - 1.0) * np.square(envelope))
        sound = filtered(unison(rng, frequency, spread(self.detune, 3)), cutoff, 0.25)
        return voiced(drive(sound, self.drive), envelope, velocity)


@dataclass(frozen=True)
class Strings:
    """A section of bowed strings.

    Parameters
    ----------
    detune
        Cents of the outermost players: 2...40.
    cutoff
        Hz: 300...12000.
    vibrato
        Cents: 0...40.
    bow
        Share of noise: 0...0.2.
    attack
        Seconds: 0.03...2.
    release
        Seconds: 0.1...1.5.
    """

    detune: float = 14.0
    cutoff: float = 3500.0
    vibrato: float = 12.0
    bow: float = 0.04
    attack: float = 0.2
    release: float = 0.5

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, self.attack, 1.0, 1.0, self.release)
        sound = np.float32(self.bow) * noise(rng, len(envelope))
        for rate in (4.9, 5.6, 6.1):
            frequency = tuned(len(envelope), pitch, 0.0, 0.1, self.vibrato, rate)
            sound += unison(rng, frequency, rng.uniform(-self.detune, self.detune, 2).tolist())
        sound = filtered(sound, 0.7 * frequency[-1], 0.0, HIGH)
        return voiced(filtered(sound, self.cutoff * (0.5 + 0.5 * velocity)), envelope, velocity)
