"""Basses and leads that speak: filters and modulations that move while a note sounds."""

from dataclasses import dataclass

import numpy as np

from edmlive.synth.audio import RATE, Samples
from edmlive.synth.effects import drive
from edmlive.synth.kernels.filters import BAND, HIGH
from edmlive.synth.kernels.oscillators import PULSE, SINE, oscillate
from edmlive.synth.voices.hits import noise
from edmlive.synth.voices.tone import (
    Curve,
    adsr,
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


@dataclass(frozen=True)
class Wobble:
    """Saws and squares under a low-pass filter that an oscillation opens and closes: the wobble of dubstep.

    Parameters
    ----------
    rate
        Of the wobble in Hz: 0.5...16.
    phase
        Where in the wobble a note starts, in cycles: 0 half open and opening, 0.25 open, 0.75 closed. 0...1.
    shape
        From a sine to nearly a square: 0...1.
    detune
        Cents either way: 0...40.
    square
        Share of a square: 0...1.
    sub
        Level of a sine at the pitch: 0...1.
    cutoff
        Hz, when closed: 60...600.
    sweep
        Octaves by which the filter opens: 1...6.
    resonance
        0...0.9.
    growl
        Share of a band that moves against the filter like a mouth: 0...1.
    release
        Seconds: 0.01...0.3.
    drive
        Saturation: 0...1.
    """

    rate: float = 4.0
    phase: float = 0.25
    shape: float = 0.2
    detune: float = 12.0
    square: float = 0.4
    sub: float = 0.5
    cutoff: float = 120.0
    sweep: float = 4.0
    resonance: float = 0.4
    growl: float = 0.3
    release: float = 0.05
    drive: float = 0.5

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, 0.004, 1.0, 1.0, self.release)
        frequency = tuned(len(envelope), pitch)
        sound = np.float32(1.0 - self.square) * unison(rng, frequency, spread(self.detune, 3))
        sound += np.float32(self.square) * unison(rng, frequency, spread(0.5 * self.detune, 2), PULSE)
        opening = wobble(len(envelope), self.rate, self.phase, self.shape)
        mouth = filtered(sound.copy(), 350.0 + 1400.0 * opening, 0.7, BAND)
        cutoff = self.cutoff * (1.0 + (interval(self.sweep) - 1.0) * opening * np.square(opening))
        sound = laddered(sound, cutoff, self.resonance) + np.float32(self.growl) * mouth
        sound = filtered(drive(sound, self.drive), 1.5 * frequency[-1], 0.0, HIGH)
        sound += np.float32(0.7 * self.sub) * oscillate(SINE, frequency, RATE, 0.0, 0.5)
        return voiced(sound, envelope, velocity)


@dataclass(frozen=True)
class Growl:
    """Frequency modulation through two moving formants: the talking basses of dubstep, glitch hop and jump-up.

    Parameters
    ----------
    rate
        Of the movement in Hz: 0.5...12.
    phase
        Where in the movement a note starts, in cycles: 0...1.
    shape
        From a sine to nearly a square: 0...1.
    ratio
        Of the modulator's frequency to the note's: 0.5...4.
    index
        Depth of the modulation when open, 1 is four cycles: 0.1...1.
    low, high
        Hz, where the first formant moves from, 200...500, and the second moves to, 1200...3500.
    noise
        Share of noise: 0...0.5.
    sub
        Level of a sine at the pitch: 0...1.
    slide
        Semitones from which the pitch arrives: -12...12.
    release
        Seconds: 0.01...0.3.
    drive
        Saturation: 0...1.
    """

    rate: float = 3.0
    phase: float = 0.6
    shape: float = 0.1
    ratio: float = 1.0
    index: float = 0.5
    low: float = 300.0
    high: float = 2200.0
    noise: float = 0.1
    sub: float = 0.5
    slide: float = 0.0
    release: float = 0.05
    drive: float = 0.7

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, 0.004, 1.0, 1.0, self.release)
        frequency = tuned(len(envelope), pitch, self.slide)
        opening = wobble(len(envelope), self.rate, self.phase, self.shape)
        source = fm(frequency, self.ratio, 4.0 * self.index * (0.15 + 0.85 * opening))
        source += np.float32(self.noise) * noise(rng, len(envelope))
        source = drive(source, self.drive)
        sound = filtered(source.copy(), self.low * (1.0 + 1.5 * opening), 0.6, BAND)
        sound += filtered(source.copy(), self.high * (0.4 + 0.6 * opening), 0.7, BAND)
        sound += np.float32(0.15) * source
        sound = filtered(drive(sound, self.drive), 1.5 * frequency[-1], 0.0, HIGH)
        sound += np.float32(0.7 * self.sub) * oscillate(SINE, frequency, RATE, 0.0, 0.5)
        return voiced(sound, envelope, velocity)


@dataclass(frozen=True)
class Screech:
    """A distorted, whistling lead whose pitch bends into the note: hardstyle and hard dance.

    Parameters
    ----------
    slide
        Semitones from which the pitch arrives: -12...12.
    glide
        Seconds that takes: 0.02...0.3.
    rate
        Of the filter's movement in Hz: 0.5...12.
    phase
        Where in the movement a note starts, in cycles: 0...1.
    cutoff
        Hz, where the whistling band is lowest: 90...2000.
    sweep
        Octaves by which it rises: 0.5...5.
    resonance
        0.1...1.
    detune
        Cents either way: 0...40.
    release
        Seconds: 0.01...0.3.
    drive
        Saturation: 0.3...1.
    """

    slide: float = -5.0
    glide: float = 0.1
    rate: float = 2.0
    phase: float = 0.75
    cutoff: float = 700.0
    sweep: float = 2.0
    resonance: float = 0.6
    detune: float = 10.0
    release: float = 0.06
    drive: float = 0.8

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, 0.004, 1.0, 1.0, self.release)
        frequency = tuned(len(envelope), pitch, self.slide, self.glide)
        sound = drive(unison(rng, frequency, spread(self.detune, 3)), self.drive)
        band = self.cutoff * (1.0 + (interval(self.sweep) - 1.0) * wobble(len(envelope), self.rate, self.phase, 0.0))
        sound = np.float32(0.3) * sound + filtered(sound.copy(), band, self.resonance, BAND)
        sound = filtered(drive(sound, self.drive), 0.8 * frequency[-1], 0.0, HIGH)
        return voiced(sound, envelope, velocity)


@dataclass(frozen=True)
class Hoover:
    """Saws in octaves that swell against each other and swoop into the note: rave, hardcore and jungle.

    Parameters
    ----------
    slide
        Semitones from which the pitch arrives: -24...24.
    glide
        Seconds that takes: 0.05...0.6.
    detune
        Cents either way: 4...60.
    sub
        Level of the octave below: 0...1.
    cutoff
        Hz: 150...12000.
    attack
        Seconds: 0.002...0.1.
    release
        Seconds: 0.02...0.5.
    drive
        Saturation: 0...1.
    """

    slide: float = -7.0
    glide: float = 0.25
    detune: float = 30.0
    sub: float = 0.6
    cutoff: float = 5000.0
    attack: float = 0.01
    release: float = 0.15
    drive: float = 0.4

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, self.attack, 1.0, 1.0, self.release)
        frequency = tuned(len(envelope), pitch, self.slide, self.glide)
        # The difference of two detuned saws is a pulse whose width sweeps.
        sound = unison(rng, frequency, spread(self.detune, 3)) - unison(rng, frequency, spread(0.7 * self.detune, 2))
        sound += np.float32(self.sub) * unison(rng, 0.5 * frequency, spread(0.5 * self.detune, 2), PULSE)
        return voiced(filtered(drive(sound, self.drive), self.cutoff), envelope, velocity)


def wobble(samples: int, rate: float, phase: float, shape: float) -> Curve:
    """Return an oscillation in 0...1 between a sine (`shape` 0) and nearly a square (1), shape (samples,)."""
    swing = 2.0 * lfo(samples, rate, phase) - 1.0
    steep = 9.0 * shape * shape
    return 0.5 + (0.5 + 0.5 * steep) * swing / (1.0 + steep * np.abs(swing))
