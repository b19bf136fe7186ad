"""Synthesizers: saws and pulses through filters, for leads, chords and stabs."""

from dataclasses import dataclass

import numpy as np

from edmlive.synth.audio import Samples
from edmlive.synth.effects import drive
from edmlive.synth.kernels.filters import HIGH
from edmlive.synth.kernels.oscillators import PULSE
from edmlive.synth.voices.hits import noise
from edmlive.synth.voices.tone import (
    adsr,
    falling,
    filtered,
    fm,
    interval,
    laddered,
    lfo,
    spread,
    tuned,
    unison,
    voiced,
)

_SUPERSAW = (-1.0, -0.57, -0.18, 0.0, 0.18, 0.57, 0.98)
"""Unequal spacing of the seven saws (A. Szabo, *How to emulate the Super Saw*, KTH 2010), from -1 to 1."""


@dataclass(frozen=True)
class Supersaw:
    """Seven detuned saws: trance leads, big-room chords, and with a moving `depth` the chords of future bass.

    Parameters
    ----------
    detune
        Cents of the outermost saws: 2...80.
    cutoff
        Hz, where the filter ends: 500...18000.
    resonance
        0...0.6.
    envelope
        Octaves that the filter starts above: 0...4.
    air
        Share of noise: 0...0.3.
    depth
        How far an oscillation closes filter and level: 0...1.
    rate
        Of that oscillation in Hz: 0.5...12.
    slide
        Semitones from which the pitch arrives: -12...12.
    attack
        Seconds: 0.002...1.
    decay
        Of filter and level, seconds for 60 dB: 0.2...4.
    sustain
        Level that the decay leads to: 0...1.
    release
        Seconds: 0.02...1.5.
    """

    detune: float = 30.0
    cutoff: float = 7000.0
    resonance: float = 0.1
    envelope: float = 0.5
    air: float = 0.02
    depth: float = 0.0
    rate: float = 4.0
    slide: float = 0.0
    attack: float = 0.005
    decay: float = 1.5
    sustain: float = 0.8
    release: float = 0.25

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, self.attack, self.decay, self.sustain, self.release)
        frequency = tuned(len(envelope), pitch, self.slide)
        sound = unison(rng, frequency, [self.detune * place for place in _SUPERSAW])
        sound += np.float32(self.air) * noise(rng, len(envelope))
        cutoff = falling(len(envelope), self.cutoff * interval(self.envelope * velocity), self.cutoff, self.decay)
        if self.depth > 0:
            opening = 1.0 - self.depth * lfo(len(envelope), self.rate, 0.5)
            cutoff *= opening
            envelope *= opening
        # As in the original: without the high-pass the beating of seven saws is muddy.
        sound = filtered(sound, 0.9 * frequency[-1], 0.0, HIGH)
        return voiced(filtered(sound, cutoff, self.resonance), envelope, velocity)


@dataclass(frozen=True)
class Pluck:
    """A short saw and pulse whose filter closes at once.

    Parameters
    ----------
    square
        Share of a pulse: 0...1.
    width
        Of the pulse: 0.1...0.5.
    detune
        Cents either way: 0...40.
    cutoff
        Hz, where the filter ends: 150...10000.
    resonance
        0...0.8.
    envelope
        Octaves that the filter starts above: 0.5...5.
    attack
        Seconds: 0.001...0.02.
    decay
        Of filter and level, seconds for 60 dB: 0.15...5.
    release
        Seconds: 0.02...1.
    """

    square: float = 0.4
    width: float = 0.35
    detune: float = 8.0
    cutoff: float = 600.0
    resonance: float = 0.25
    envelope: float = 3.5
    attack: float = 0.002
    decay: float = 0.7
    release: float = 0.2

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, self.attack, self.decay, 0.0, self.release)
        frequency = tuned(len(envelope), pitch)
        sound = np.float32(1.0 - self.square) * unison(rng, frequency, spread(self.detune, 2))
        sound += np.float32(self.square) * unison(rng, frequency, [0.0], PULSE, self.width)
        cutoff = falling(len(envelope), self.cutoff * interval(self.envelope * velocity), self.cutoff, 0.7 * self.decay)
        return voiced(filtered(sound, cutoff, self.resonance), envelope, velocity)


@dataclass(frozen=True)
class Stab:
    """A chord's worth of attack: house and rave stabs; with a low cutoff and long echoes the chords of dub techno.

    Parameters
    ----------
    metal
        Share of frequency modulation, the rest is saws: 0...1.
    ratio
        Of the modulator's frequency to the note's: 0.5...7.
    detune
        Cents either way: 0...45.
    cutoff
        Hz, where the filter ends: 90...10000.
    resonance
        0...0.9.
    envelope
        Octaves that the filter starts above: 0...4.
    attack
        Seconds: 0.001...0.1.
    decay
        Of filter and level, seconds for 60 dB: 0.1...3.
    release
        Seconds: 0.02...1.
    drive
        Saturation: 0...1.
    """

    metal: float = 0.2
    ratio: float = 2.0
    detune: float = 10.0
    cutoff: float = 900.0
    resonance: float = 0.3
    envelope: float = 2.0
    attack: float = 0.003
    decay: float = 0.8
    release: float = 0.1
    drive: float = 0.2

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, self.attack, self.decay, 0.0, self.release)
        frequency = tuned(len(envelope), pitch)
        sound = np.float32(1.0 - self.metal) * unison(rng, frequency, spread(self.detune, 3))
        sound += np.float32(self.metal) * fm(frequency, self.ratio, falling(len(envelope), 0.5, 0.1, self.decay))
        cutoff = falling(len(envelope), self.cutoff * interval(self.envelope * velocity), self.cutoff, self.decay)
        return voiced(drive(laddered(sound, cutoff, self.resonance), self.drive), envelope, velocity)


@dataclass(frozen=True)
class Lead:
    """A melody's synthesizer: big-room and electro leads, whistles, reggae's melodica.

    Parameters
    ----------
    square
        Share of pulses, the rest is saws: 0...1.
    width
        Of the pulses: 0.1...0.5.
    detune
        Cents either way: 0...40.
    cutoff
        Hz, where the filter ends: 90...15000.
    resonance
        0...0.8.
    envelope
        Octaves that the filter starts above: 0...4.
    slide
        Semitones from which the pitch arrives: -24...24.
    glide
        Seconds that takes: 0.02...0.4.
    vibrato
        Cents: 0...60.
    attack
        Seconds: 0.002...0.1.
    decay
        Of filter and level, seconds for 60 dB: 0.2...4.
    sustain
        Level that the decay leads to: 0...1.
    release
        Seconds: 0.02...0.8.
    drive
        Saturation: 0...1.
    """

    square: float = 0.5
    width: float = 0.5
    detune: float = 8.0
    cutoff: float = 4000.0
    resonance: float = 0.2
    envelope: float = 1.0
    slide: float = 0.0
    glide: float = 0.08
    vibrato: float = 10.0
    attack: float = 0.005
    decay: float = 1.5
    sustain: float = 0.7
    release: float = 0.12
    drive: float = 0.3

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, self.attack, self.decay, self.sustain, self.release)
        frequency = tuned(len(envelope), pitch, self.slide, self.glide, self.vibrato)
        sound = np.float32(1.0 - self.square) * unison(rng, frequency, spread(self.detune, 3))
        sound += np.float32(self.square) * unison(rng, frequency, spread(self.detune, 2), PULSE, self.width)
        cutoff = falling(len(envelope), self.cutoff * interval(self.envelope * velocity), self.cutoff, self.decay)
        return voiced(drive(laddered(sound, cutoff, self.resonance), self.drive), envelope, velocity)
