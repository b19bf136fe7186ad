"""Basses."""

from dataclasses import dataclass

import numpy as np

from edmlive.synth.audio import RATE, Samples
from edmlive.synth.effects import drive
from edmlive.synth.kernels.filters import HIGH
from edmlive.synth.kernels.oscillators import PULSE, SAW, SINE, TRIANGLE, oscillate
from edmlive.synth.voices.tone import (
    adsr,
    falling,
    filtered,
    fm,
    harmonics,
    interval,
    laddered,
    lfo,
    spread,
    tuned,
    unison,
    voiced,
)


@dataclass(frozen=True)
class Sub:
    """A sine below everything; with drive, decay and slide the "808" of trap.

    Parameters
    ----------
    triangle
        Share of a triangle, for small loudspeakers: 0...1.
    punch
        Octaves from above which the pitch drops at the start: 0...3.
    slide
        Semitones from which the pitch arrives: -12...12.
    glide
        Seconds that takes: 0.02...0.4.
    attack
        Seconds: 0.002...0.05.
    decay
        Seconds for 60 dB: 0.2...20.
    release
        Seconds: 0.01...0.5.
    drive
        Saturation: 0...1.
    """

    triangle: float = 0.2
    punch: float = 0.0
    slide: float = 0.0
    glide: float = 0.1
    attack: float = 0.005
    decay: float = 10.0
    release: float = 0.05
    drive: float = 0.1

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, self.attack, self.decay, 0.0, self.release)
        frequency = tuned(len(envelope), pitch, self.slide, self.glide)
        frequency *= falling(len(envelope), interval(self.punch), 1.0, 0.06)
        sound = oscillate(SINE, frequency, RATE, 0.0, 0.5) * np.float32(1.0 - self.triangle)
        sound += oscillate(TRIANGLE, frequency, RATE, 0.75, 0.5) * np.float32(self.triangle)
        return voiced(drive(sound, self.drive), envelope, velocity)


@dataclass(frozen=True)
class Reese:
    """Detuned saws that beat against each other under a slowly moving filter.

    Parameters
    ----------
    detune
        Cents either way: 3...50.
    sub
        Level of a sine at the pitch: 0...1.
    cutoff
        Hz, where the filter is lowest: 90...3000.
    resonance
        0...0.7.
    sweep
        Octaves by which the filter opens: 0...5.
    rate
        Of the filter's movement in Hz: 0.05...12.
    attack
        Seconds: 0.002...0.3.
    release
        Seconds: 0.01...0.5.
    drive
        Saturation: 0...1.
    """

    detune: float = 18.0
    sub: float = 0.5
    cutoff: float = 500.0
    resonance: float = 0.2
    sweep: float = 1.0
    rate: float = 0.3
    attack: float = 0.01
    release: float = 0.08
    drive: float = 0.3

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, self.attack, 1.0, 1.0, self.release)
        frequency = tuned(len(envelope), pitch)
        sound = unison(rng, frequency, spread(self.detune, 3))
        movement = lfo(len(envelope), self.rate, rng.random())
        sound = laddered(sound, self.cutoff * (1.0 + (interval(self.sweep) - 1.0) * movement), self.resonance)
        sound = filtered(drive(sound, self.drive), 1.5 * frequency[-1], 0.0, HIGH)
        sound += np.float32(0.8 * self.sub) * oscillate(SINE, frequency, RATE, 0.0, 0.5)
        return voiced(sound, envelope, velocity)


@dataclass(frozen=True)
class Acid:
    """A saw or square through a resonant ladder that every note sweeps: the TB-303.

    Parameters
    ----------
    square
        Share of a square, the rest is a saw: 0...1.
    cutoff
        Hz, where the sweep ends: 80...5000.
    resonance
        0.1...1.
    envelope
        Octaves that the sweep starts above the cutoff: 0...5.
    decay
        Of the sweep, seconds for 60 dB: 0.1...2.
    accent
        How much a loud note opens further and is shortened: 0...1.
    slide
        Semitones from which the pitch arrives: -12...12.
    glide
        Seconds that takes: 0.02...0.2.
    release
        Seconds: 0.005...0.1.
    drive
        Saturation: 0...1.
    """

    square: float = 0.0
    cutoff: float = 300.0
    resonance: float = 0.8
    envelope: float = 3.0
    decay: float = 0.8
    accent: float = 0.5
    slide: float = 0.0
    glide: float = 0.08
    release: float = 0.015
    drive: float = 0.4

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, 0.003, 4.0, 0.0, self.release)
        frequency = tuned(len(envelope), pitch, self.slide, self.glide)
        sound = np.float32(1.0 - self.square) * oscillate(SAW, frequency, RATE, 0.5, 0.5)
        sound += np.float32(self.square) * oscillate(PULSE, frequency, RATE, 0.5, 0.48)
        accent = self.accent * velocity
        start = self.cutoff * interval(self.envelope * (1.0 - self.accent) + (self.envelope + 1.0) * accent)
        sweep = falling(len(envelope), start, self.cutoff, self.decay * (1.0 - 0.6 * accent))
        return voiced(drive(laddered(sound, sweep, self.resonance), self.drive), envelope, velocity)


@dataclass(frozen=True)
class PluckBass:
    """A short, filtered saw: of house and electro, and without detuning, decaying soon, the rolling one of psy-trance.

    Its oscillators start in step, so that all its notes have the same attack.

    Parameters
    ----------
    detune
        Cents of two saws, either way: 0...40.
    square
        Share of a square: 0...1.
    sub
        Level of a sine at the pitch: 0...1.
    cutoff
        Hz, where the filter ends: 60...3000.
    resonance
        0...0.8.
    envelope
        Octaves that the filter starts above: 0...6.
    attack
        Seconds: 0.001...0.02.
    decay
        Of filter and level, seconds for 60 dB: 0.1...10.
    sustain
        Level that the decay leads to: 0...1.
    release
        Seconds: 0.005...0.3.
    drive
        Saturation: 0...1.
    """

    detune: float = 4.0
    square: float = 0.3
    sub: float = 0.4
    cutoff: float = 150.0
    resonance: float = 0.2
    envelope: float = 3.5
    attack: float = 0.002
    decay: float = 0.7
    sustain: float = 0.1
    release: float = 0.03
    drive: float = 0.2

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, self.attack, self.decay, self.sustain, self.release)
        frequency = tuned(len(envelope), pitch)
        sound = np.float32(self.square) * oscillate(PULSE, frequency, RATE, 0.0, 0.5)
        for cents in (-self.detune, self.detune):
            saw = oscillate(SAW, frequency * interval(cents / 1200.0), RATE, 0.5, 0.5)
            sound += np.float32(0.5 * (1.0 - self.square)) * saw
        sweep = falling(len(envelope), self.cutoff * interval(self.envelope * velocity), self.cutoff, self.decay)
        sound = laddered(sound, sweep, self.resonance)
        sound += np.float32(0.7 * self.sub) * oscillate(SINE, frequency, RATE, 0.0, 0.5)
        return voiced(drive(sound, self.drive), envelope, velocity)


@dataclass(frozen=True)
class Donk:
    """A hollow knock made by frequency modulation: the "donk", and the metallic basses of garage and future house.

    Parameters
    ----------
    ratio
        Of the modulator's frequency to the note's: 0.5...5.
    brightness
        Depth of the modulation at the start, in cycles: 0...1.
    body
        Depth of the modulation that stays, in cycles: 0...0.5.
    knock
        Seconds for which the depth falls by 60 dB: 0.05...1.
    decay
        Seconds for 60 dB: 0.1...3.
    sustain
        Level that the decay leads to: 0...1.
    release
        Seconds: 0.005...0.3.
    drive
        Saturation: 0...1.
    """

    ratio: float = 2.0
    brightness: float = 0.6
    body: float = 0.05
    knock: float = 0.3
    decay: float = 0.8
    sustain: float = 0.0
    release: float = 0.03
    drive: float = 0.2

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, 0.002, self.decay, self.sustain, self.release)
        index = falling(len(envelope), self.body + self.brightness * velocity, self.body, self.knock)
        sound = fm(tuned(len(envelope), pitch), self.ratio, index)
        return voiced(drive(sound, self.drive), envelope, velocity)


@dataclass(frozen=True)
class OrganBass:
    """A few drawbars and a knock at the start: the organ basses of house and garage.

    Parameters
    ----------
    brightness
        Level of each harmonic relative to the one below: 0.1...0.9.
    knock
        Level of the percussive third harmonic: 0...1.
    decay
        Seconds for 60 dB: 0.2...10.
    sustain
        Level that the decay leads to: 0...1.
    release
        Seconds: 0.01...0.3.
    drive
        Saturation: 0...1.
    """

    brightness: float = 0.4
    knock: float = 0.4
    decay: float = 1.5
    sustain: float = 0.3
    release: float = 0.04
    drive: float = 0.2

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, 0.003, self.decay, self.sustain, self.release)
        frequency = tuned(len(envelope), pitch)
        sound = harmonics(frequency, {k: self.brightness ** (k - 1) for k in (1.0, 2.0, 3.0, 4.0)})
        knock = harmonics(frequency, {3.0: self.knock * velocity, 6.0: 0.5 * self.knock * velocity})
        sound += knock * falling(len(envelope), 1.0, 0.0, 0.15).astype(np.float32)
        return voiced(drive(sound, self.drive), envelope, velocity)
