"""Keyboards, and what is struck or plucked."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edmlive.synth.audio import RATE, Samples, hertz, steady
from edmlive.synth.effects import drive
from edmlive.synth.kernels.filters import HIGH, LOW
from edmlive.synth.kernels.resonators import decaying_sines, string
from edmlive.synth.voices.hits import noise
from edmlive.synth.voices.tone import adsr, falling, filtered, fm, harmonics, interval, lfo, tuned, voiced


@dataclass(frozen=True)
class Organ:
    """Drawbars with percussion: house organs, gospel chords, and held short the bubble of reggae.

    Parameters
    ----------
    brightness
        Level of each drawbar relative to the one below: 0.1...1.
    sub
        Level of the octave below: 0...1.
    percussion
        Level of the third harmonic that dies away: 0...1.
    click
        Level of the key's click: 0...0.3.
    vibrato
        Cents, as of a rotating loudspeaker: 0...25.
    rate
        Of the vibrato in Hz: 0.7...12.
    decay
        Seconds for 60 dB: 0.15...20.
    sustain
        Level that the decay leads to: 0...1.
    release
        Seconds: 0.01...1.2.
    drive
        Saturation: 0...1.
    """

    brightness: float = 0.6
    sub: float = 0.4
    percussion: float = 0.4
    click: float = 0.05
    vibrato: float = 6.0
    rate: float = 6.0
    decay: float = 3.0
    sustain: float = 0.6
    release: float = 0.05
    drive: float = 0.2

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, 0.003, self.decay, self.sustain, self.release)
        frequency = tuned(len(envelope), pitch, vibrato=self.vibrato, rate=self.rate)
        drawbars = {multiple: self.brightness**i for i, multiple in enumerate((1.0, 2.0, 3.0, 4.0, 6.0, 8.0))}
        sound = harmonics(frequency, {0.5: self.sub, **drawbars})
        knock = harmonics(frequency, {3.0: self.percussion * velocity})
        knock += np.float32(self.click * velocity) * noise(rng, len(envelope))
        sound += knock * falling(len(envelope), 1.0, 0.0, 0.25).astype(np.float32)
        return voiced(drive(sound, self.drive), envelope, velocity)


@dataclass(frozen=True)
class Keys:
    """An electric piano of frequency modulation: the chords of deep house, liquid and downtempo.

    Parameters
    ----------
    brightness
        Depth of the modulation of a loud note, in cycles: 0.05...0.8.
    tine
        Level of the metallic attack: 0...0.5.
    bark
        Saturation: 0...1.
    tremolo
        Depth: 0...0.6.
    rate
        Of the tremolo in Hz: 2...10.
    decay
        Seconds for 60 dB: 0.15...8.
    release
        Seconds: 0.05...1.2.
    """

    brightness: float = 0.2
    tine: float = 0.15
    bark: float = 0.15
    tremolo: float = 0.15
    rate: float = 4.5
    decay: float = 4.0
    release: float = 0.15

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, 0.002, self.decay, 0.0, self.release)
        frequency = tuned(len(envelope), pitch)
        index = falling(len(envelope), self.brightness * velocity, 0.1 * self.brightness, 0.5 * self.decay)
        tine = falling(len(envelope), 0.3 * self.tine * velocity, 0.0, 0.4)
        sound = fm(frequency, 1.0, index) + np.float32(0.5) * fm(frequency, 14.0, tine)
        envelope *= 1.0 - self.tremolo * lfo(len(envelope), self.rate, rng.random())
        return voiced(drive(sound, self.bark), envelope, velocity)


@dataclass(frozen=True)
class Piano:
    """Struck strings, bright enough to cut through a house mix.

    Parameters
    ----------
    brightness
        From a dull felt to a hammer that cuts through a mix: 0...1.
    inharmonicity
        How stretched the partials are: 0...0.001.
    hammer
        Level of the hammer's knock: 0...0.3.
    decay
        Seconds for 60 dB of the lowest partial: 0.15...10.
    release
        Seconds: 0.05...0.6.
    """

    brightness: float = 0.5
    inharmonicity: float = 0.0003
    hammer: float = 0.08
    decay: float = 5.0
    release: float = 0.15

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, 0.001, 1.0, 1.0, self.release)
        fundamental, hardness = hertz(pitch), 800.0 * interval(3.3 * self.brightness)
        k = np.arange(1.0, max(2, min(25, int(10_000.0 / fundamental))), dtype=np.float64)
        partials = fundamental * k * np.sqrt(1.0 + self.inharmonicity * k * k)
        # Struck at an eighth of the string, with a hammer the softer the quieter the note.
        levels = np.abs(np.sin(np.pi * k / 8.0)) / k * np.exp(-partials / (hardness * (0.4 + 0.6 * velocity)))
        decays = self.decay / (1.0 + 0.15 * (k - 1))
        sound = struck(len(envelope), partials, levels, decays)
        # The second string of each key is a little off, as the low partials show.
        sound += struck(len(envelope), partials[:8] * interval(0.6 / 1200.0), 0.7 * levels[:8], 1.4 * decays[:8])
        knock = filtered(noise(rng, len(envelope)), 2.0 * hardness)
        knock *= falling(len(envelope), self.hammer * velocity, 0.0, 0.06).astype(np.float32)
        return voiced(sound + knock, envelope, velocity)


@dataclass(frozen=True)
class Bell:
    """Frequency modulation by ratios that are not whole.

    Parameters
    ----------
    ratio
        Of the modulator's frequency to the note's: 1...7.
    brightness
        Depth of the modulation at the start, in cycles: 0.05...1.
    shimmer
        Cents between its two halves: 0...15.
    attack
        Seconds: 0.001...0.02.
    decay
        Seconds for 60 dB: 0.2...6.
    release
        Seconds: 0.1...1.5.
    """

    ratio: float = 3.5
    brightness: float = 0.3
    shimmer: float = 4.0
    attack: float = 0.002
    decay: float = 2.5
    release: float = 0.8

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, self.attack, self.decay, 0.0, self.release)
        frequency = tuned(len(envelope), pitch)
        index = falling(len(envelope), self.brightness * velocity, 0.0, 0.7 * self.decay)
        sound = fm(frequency, self.ratio, index)
        sound += np.float32(0.6) * fm(frequency * interval(self.shimmer / 1200.0), 2.0 * self.ratio - 1.0, 0.5 * index)
        return voiced(sound, envelope, velocity)


@dataclass(frozen=True)
class Mallet:
    """A struck bar: marimba, vibraphone, kalimba and steel drum.

    Parameters
    ----------
    ratio
        Of the second mode's frequency to the first's, 2 of a steel drum, 4 of a marimba: 1.4...6.
    hardness
        Level of the higher modes: 0...1.
    decay
        Seconds for 60 dB: 0.2...5.
    tremolo
        Depth: 0...0.6.
    rate
        Of the tremolo in Hz: 2...8.
    release
        Seconds: 0.05...1.
    """

    ratio: float = 3.9
    hardness: float = 0.4
    decay: float = 1.2
    tremolo: float = 0.0
    rate: float = 5.0
    release: float = 0.3

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, 0.001, 1.0, 1.0, self.release)
        ratios = np.array([1.0, self.ratio, self.ratio * self.ratio * 0.65])
        levels = np.array([1.0, 0.6 * self.hardness, 0.3 * self.hardness]) * velocity ** np.arange(3)
        sound = struck(len(envelope), hertz(pitch) * ratios, levels, self.decay * np.array([1.0, 0.4, 0.15]))
        envelope *= 1.0 - self.tremolo * lfo(len(envelope), self.rate)
        return voiced(sound, envelope, velocity)


@dataclass(frozen=True)
class Guitar:
    """A plucked string: choked at once the skank of reggae, left to ring a strum or a harp.

    Parameters
    ----------
    brightness
        From a thumb to a hard pick: 0...1.
    softness
        How fast high partials die: 0.05...0.5.
    pick
        Where the string is plucked, as a share of its length: 0.05...0.5.
    decay
        Seconds for 60 dB: 0.1...4.
    release
        Seconds: 0.01...1.
    drive
        Saturation: 0...1.
    """

    brightness: float = 0.6
    softness: float = 0.3
    pick: float = 0.18
    decay: float = 0.8
    release: float = 0.05
    drive: float = 0.1

    def note(self, rng: np.random.Generator, pitch: float, seconds: float, velocity: float) -> Samples:
        """Return a note of a MIDI pitch, held for some seconds, with its peak at the velocity."""
        envelope = adsr(seconds, 0.001, 1.0, 1.0, self.release)
        period, hardness = RATE / hertz(pitch), 800.0 * interval(3.5 * self.brightness)
        sound = np.zeros(len(envelope), np.float32)
        burst = filtered(noise(rng, int(period)), hardness * (0.4 + 0.6 * velocity), 0.0, LOW)[: len(sound)]
        sound[: len(burst)] = burst - burst.mean()
        # A string plucked at a share of its length lacks the harmonics that have a node there.
        comb = max(1, round(self.pick * period))
        sound[comb:] -= sound[:-comb].copy()
        string(sound, period, steady(0.001 ** (period / (self.decay * RATE))), self.softness)
        return voiced(drive(filtered(sound, 0.7 * hertz(pitch), 0.0, HIGH), self.drive), envelope, velocity)


def struck(
    samples: int, frequencies: NDArray[np.float64], levels: NDArray[np.float64], decays: NDArray[np.float64]
) -> Samples:
    """Return a struck body: decaying sines of some frequencies in Hz, levels, and seconds for 60 dB; all (modes,)."""
    angle, shrink = 2.0 * np.pi * frequencies / RATE, np.exp(-math.log(1000.0) / (decays * RATE))
    real, imaginary, amplitudes = (
        part.astype(np.float32).astype(np.float64) for part in (shrink * np.cos(angle), shrink * np.sin(angle), levels)
    )
    return decaying_sines(samples, real, imaginary, amplitudes)
