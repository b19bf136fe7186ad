"""The drum kit of a drum machine: kicks, snare, clap, rim shot and tom.

Every voice is its settings; `hit` plays it once. Settings are those of the hardware of the eighties (Roland TR-808 and
TR-909) and of what was made of it: the circuits are described in Reid, *Synth Secrets*, parts 32-40 (2002). A decay
time is always the time until the sound is 60 dB down.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edmlive.synth.audio import RATE, Samples, length, steady
from edmlive.synth.envelopes import curve, decay, gate
from edmlive.synth.kernels.filters import BAND, HIGH, LOW
from edmlive.synth.kernels.oscillators import SINE, oscillate
from edmlive.synth.voices.hits import dulling, filtered, finish, modes, noise, normal, saturate, span


@dataclass(frozen=True)
class Kick:
    """A sine that falls onto its pitch, behind the click of a beater: from a tight 909 to the boom of an 808.

    Parameters
    ----------
    tune
        Pitch it falls to, Hz: 38...70.
    sweep
        Octaves it falls from: 0.5 (808)...5 (trance).
    bend
        Time constant of the fall, s: 0.008...0.08.
    hold
        Time at full level before the decay, s: 0...0.15.
    decay
        s: 0.12 (minimal)...1.8 (808).
    click
        Level of the beater: 0...1.
    brightness
        Centre of the click, Hz: 700 (felt)...9000.
    drive
        0...1.
    """

    tune: float = 50.0
    sweep: float = 3.0
    bend: float = 0.025
    hold: float = 0.04
    decay: float = 0.4
    click: float = 0.3
    brightness: float = 3500.0
    drive: float = 0.2

    def hit(self, rng: np.random.Generator, velocity: float) -> Samples:
        """Play once; see `edmlive.synth.voices`."""
        samples = span(self.hold + self.decay)
        body = oscillate(SINE, _fall(samples, self.tune, self.sweep, self.bend), RATE, 0.0, 0.5)
        held = min(length(self.hold), samples)
        body[held:] *= decay(samples - held, self.decay).astype(np.float32)
        beater = min(length(0.025), samples)
        burst = noise(rng, beater) * decay(beater, 0.015)
        sound = saturate(body, self.drive)
        sound[:beater] += self.click * normal(
            filtered(filtered(burst, BAND, self.brightness), LOW, 2.0 * self.brightness)
        )
        return finish(sound, velocity)


@dataclass(frozen=True)
class HardKick:
    """A kick driven through two distortions with a resonance between them: hardstyle, gabber, industrial techno.

    Parameters
    ----------
    tune
        Pitch of the tail, Hz: 42...75.
    sweep
        Octaves it falls from: 2...5.
    bend
        Time constant of the fall, s: 0.01 (hardstyle)...0.09 (gabber).
    decay
        Length of the tail, s: 0.25...1.2; it is loud for half of that.
    drive
        0.2 (techno)...1 (gabber).
    fold
        How far the wave is folded before it is clipped, which makes the tail rasp: 0...1.
    tone
        Frequency boosted between the distortions, Hz: 150...2500.
    brightness
        Low-pass at the end, Hz: 1500...14000.
    """

    tune: float = 52.0
    sweep: float = 4.0
    bend: float = 0.02
    decay: float = 0.6
    drive: float = 0.7
    fold: float = 0.2
    tone: float = 600.0
    brightness: float = 6000.0

    def hit(self, rng: np.random.Generator, velocity: float) -> Samples:
        """Play once; see `edmlive.synth.voices`."""
        samples = span(self.decay)
        level = decay(samples, 2.5 * self.decay)
        body = oscillate(SINE, _fall(samples, self.tune, self.sweep, self.bend), RATE, 0.0, 0.5) * level
        place = body * steady(0.25 + self.fold) + 0.25
        folded = 1.0 - 4.0 * np.abs(place - np.floor(place) - 0.5)
        first = saturate(folded + 0.15 * self.drive * level, self.drive)
        # The second distortion must not hear mostly the fundamental, or it would only square it again.
        boosted = (0.5 - 0.4 * self.drive) * first + 1.5 * filtered(first, BAND, self.tone, 1.2)
        tail = gate(samples, 0.0, 0.5 * self.decay) * (0.75 + 0.25 * decay(samples, 0.15))
        sound = filtered(saturate(boosted, 0.6 * self.drive) * tail, LOW, self.brightness)
        beater = min(length(0.02), samples)
        sound[:beater] += 0.4 * normal(filtered(noise(rng, beater) * decay(beater, 0.012), LOW, self.brightness))
        return finish(filtered(sound, HIGH, 25.0), velocity)


@dataclass(frozen=True)
class Snare:
    """Two modes of a drum head and the noise of its wires.

    Parameters
    ----------
    tune
        Lower mode of the head, Hz: 130...300.
    tone_decay, noise_decay
        s: 0.06...0.5 and 0.08...0.9.
    noise
        Share of the wires in the sound: 0.1...0.95.
    brightness
        Upper edge of the wires, Hz: 2500 (dusty)...16000.
    snap
        Level of the stick: 0...1.
    drive
        0...1.
    """

    tune: float = 185.0
    tone_decay: float = 0.18
    noise_decay: float = 0.35
    noise: float = 0.6
    brightness: float = 9000.0
    snap: float = 0.4
    drive: float = 0.15

    def hit(self, rng: np.random.Generator, velocity: float) -> Samples:
        """Play once; see `edmlive.synth.voices`."""
        samples = span(max(self.tone_decay, self.noise_decay))
        edge = self.brightness * dulling(velocity)
        head = modes(
            curve(samples, 1.6 * self.tune, self.tune, 0.008),
            (1.0, 1.78),
            (1.0, 0.5),
            (self.tone_decay, 0.6 * self.tone_decay),
        )
        hiss = noise(rng, samples) * decay(samples, self.noise_decay)
        wires = normal(filtered(filtered(hiss, LOW, edge), HIGH, 3.0 * self.tune))
        sound = saturate((1.0 - self.noise) * head + self.noise * wires, self.drive)
        stick = min(length(0.02), samples)
        burst = noise(rng, stick) * decay(stick, 0.012)
        sound[:stick] += self.snap * float(np.abs(sound).max()) * normal(filtered(burst, LOW, edge))
        return finish(sound, velocity)


@dataclass(frozen=True)
class Clap:
    """Several hands that clap not quite together, and the room they stand in. One hand is a finger snap.

    Parameters
    ----------
    hands
        1...6, rounded.
    spread
        Time between the hands, s: 0.004...0.016.
    looseness
        How unevenly: 0...1.
    decay
        Of the room, s: 0.08...0.8.
    tone
        Centre of the sound, Hz: 700...2600.
    resonance
        Quality factor of that centre: 0.7 (noisy)...4 (hollow).
    brightness
        Upper edge, Hz: 3000...16000.
    """

    hands: float = 4.0
    spread: float = 0.010
    looseness: float = 0.3
    decay: float = 0.3
    tone: float = 1200.0
    resonance: float = 1.5
    brightness: float = 8000.0

    def hit(self, rng: np.random.Generator, velocity: float) -> Samples:
        """Play once; see `edmlive.synth.voices`."""
        hands = max(1, round(self.hands))
        gaps = self.spread * (1.0 + 0.8 * self.looseness * rng.uniform(-1.0, 1.0, hands - 1))
        starts = [0, *(length(moment) for moment in np.cumsum(gaps))]
        samples = starts[-1] + span(self.decay)
        level = np.zeros(samples)
        for start in starts:
            level[start:] = decay(samples - start, 6.0 * self.spread)
        level[starts[-1] :] = 0.6 * level[starts[-1] :] + 0.4 * decay(samples - starts[-1], self.decay)
        hiss = noise(rng, samples) * level
        palms = normal(filtered(hiss, BAND, self.tone, self.resonance))
        air = normal(filtered(hiss, HIGH, 2.0 * self.tone))
        return finish(filtered(palms + 0.5 * air, LOW, self.brightness * dulling(velocity)), velocity)


@dataclass(frozen=True)
class Rim:
    """A stick on the rim: two short modes, clipped.

    Parameters
    ----------
    tone
        Upper mode, Hz: 700...2600.
    body
        Level of the lower mode, at 0.27 of that: 0...1.
    decay
        s: 0.01 (tick)...0.4 (ringing).
    drive
        0...1.
    """

    tone: float = 1650.0
    body: float = 0.6
    decay: float = 0.05
    drive: float = 0.4

    def hit(self, rng: np.random.Generator, velocity: float) -> Samples:
        """Play once; see `edmlive.synth.voices`."""
        samples = span(self.decay)
        rings = modes(
            curve(samples, self.tone * rng.uniform(0.99, 1.01), self.tone, 0.004),
            (1.0, 0.27),
            (1.0, self.body),
            (self.decay, 1.5 * self.decay),
        )
        click = noise(rng, samples) * decay(samples, 0.006)
        return finish(filtered(saturate(rings + 0.4 * click, self.drive), HIGH, 150.0), velocity)


@dataclass(frozen=True)
class Tom:
    """A drum head whose pitch gives way; with a deep sweep, the laser drum of electro.

    Parameters
    ----------
    tune
        Hz: 60...260.
    sweep
        Octaves it falls from: 0.2 (tom)...5 (laser).
    bend
        Time constant of the fall, s: 0.02...0.15.
    decay
        s: 0.1...1.
    skin
        Level of the noise of the stroke: 0...1.
    drive
        0...1.
    """

    tune: float = 110.0
    sweep: float = 0.6
    bend: float = 0.05
    decay: float = 0.45
    skin: float = 0.3
    drive: float = 0.15

    def hit(self, rng: np.random.Generator, velocity: float) -> Samples:
        """Play once; see `edmlive.synth.voices`."""
        samples = span(self.decay)
        head = modes(
            _fall(samples, self.tune, self.sweep, self.bend),
            (1.0, 1.59, 2.14),
            (1.0, 0.25, 0.12),
            (self.decay, 0.5 * self.decay, 0.35 * self.decay),
        )
        stroke = filtered(noise(rng, samples) * decay(samples, 0.05), LOW, 3500.0 * dulling(velocity))
        return finish(saturate(head, self.drive) + 0.5 * self.skin * normal(stroke), velocity)


def _fall(samples: int, tune: float, octaves: float, seconds: float) -> NDArray[np.float64]:
    # Most of the fall is over in a fifth of the time: that part is heard as the attack, the rest as pitch.
    above = steady(tune * (2.0**octaves - 1.0))
    return curve(samples, tune + 0.25 * above, tune, seconds) + curve(samples, 0.75 * above, 0.0, seconds / 5.0)
