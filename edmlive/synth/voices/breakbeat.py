"""The sampled funk drummer of jungle and hip-hop: one kit, one room, one tape, played faster than recorded."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edmlive.synth.audio import RATE, Samples, length
from edmlive.synth.envelopes import curve, decay
from edmlive.synth.kernels.filters import BAND, HIGH, LOW
from edmlive.synth.kernels.oscillators import square_cluster
from edmlive.synth.voices.hits import dulling, filtered, finish, modes, noise, normal, saturate, span

_STROKES = "KSGHOR"
_ECHOES = ((0.0031, 0.5), (0.0047, -0.42), (0.0083, 0.36), (0.0131, -0.3), (0.0212, 0.24), (0.0343, -0.18))
"""Delays (s) and levels of the walls; applied twice, the walls reflect one another's reflections."""
_CYMBAL = np.array([1.0, 1.237, 1.513, 1.862, 2.333, 2.791, 3.417, 4.183])
"""Modes of a bronze cymbal, as far as square waves can stand for them: no two share a harmonic."""


@dataclass(frozen=True)
class Break:
    """An acoustic kit, sampled. Each track should keep one.

    Parameters
    ----------
    speed
        How much faster it plays than it was recorded, pitch and all: 0.85 (hip-hop)...1.7 (jungle).
    kick
        Hz before `speed`: 60...90.
    snare
        Hz before `speed`: 170...260.
    ring
        How long drums and cymbals ring: 0.5 (damped)...1.6.
    room
        0...1.
    dirt
        Saturation and the coarse steps of a 12-bit sampler: 0...1.
    brightness
        Upper edge of the tape, Hz before `speed`: 5000...16000.
    """

    speed: float = 1.25
    kick: float = 72.0
    snare: float = 205.0
    ring: float = 1.0
    room: float = 0.35
    dirt: float = 0.35
    brightness: float = 10000.0

    def hit(self, rng: np.random.Generator, velocity: float, stroke: str = "K") -> Samples:
        """Play one stroke.

        Parameters
        ----------
        rng
            Source of the noise; no two strokes are alike.
        velocity
            Peak, 0...1.
        stroke
            ``K`` kick, ``S`` snare, ``G`` ghost snare, ``H`` hat, ``O`` open hat, ``R`` ride.

        Raises
        ------
        ValueError
            Another stroke.
        """
        if stroke == "K":
            sound = self._kick(rng)
        elif stroke in ("S", "G"):
            sound = self._snare(rng, ghost=stroke == "G")
        elif stroke in ("H", "O"):
            sound = self._cymbal(rng, 410.0, 0.8 if stroke == "O" else 0.16, 6000.0, 0.0)
        elif stroke == "R":
            sound = self._cymbal(rng, 520.0, 1.3, 4200.0, 0.2)
        else:
            raise ValueError(f"no stroke {stroke!r} among {_STROKES}")
        tape = filtered(self._in_room(normal(sound)), LOW, self.speed * self.brightness * dulling(velocity))
        levels = 2.0 ** round(11.0 - 5.0 * self.dirt)
        return finish(np.rint(saturate(normal(tape), 0.35 * self.dirt) * levels) / levels, velocity)

    def _time(self, seconds: float) -> float:
        return seconds * self.ring / self.speed

    def _kick(self, rng: np.random.Generator) -> NDArray[np.float64]:
        samples = span(self._time(0.45))
        tune = self.speed * self.kick
        head = modes(
            curve(samples, 1.7 * tune, tune, 0.018 / self.speed),
            (1.0, 1.59, 2.65),
            (1.0, 0.35, 0.15),
            (self._time(0.4), self._time(0.2), self._time(0.12)),
        )
        beater = filtered(noise(rng, samples) * decay(samples, 0.03 / self.speed), BAND, 2600.0 * self.speed)
        return head + 0.45 * normal(beater)

    def _snare(self, rng: np.random.Generator, ghost: bool) -> NDArray[np.float64]:
        samples = span(self._time(0.2 if ghost else 0.52))
        tune = self.speed * self.snare * rng.uniform(0.985, 1.015)
        head = modes(
            curve(samples, 1.25 * tune, tune, 0.01 / self.speed),
            (1.0, 1.59, 2.14, 2.92),
            (1.0, 0.5, 0.3, 0.2),
            (self._time(0.34), self._time(0.24), self._time(0.3), self._time(0.15)),
        )
        hiss = noise(rng, samples) * decay(samples, self._time(0.18 if ghost else 0.5))
        wires = filtered(filtered(hiss, BAND, 3600.0 * self.speed, 0.5), HIGH, 900.0 * self.speed)
        stick = noise(rng, samples) * decay(samples, 0.008)
        return normal(head) + (0.8 if ghost else 1.5) * normal(wires) + (0.1 if ghost else 0.4) * stick

    def _cymbal(
        self, rng: np.random.Generator, tune: float, seconds: float, edge: float, bell: float
    ) -> NDArray[np.float64]:
        seconds = self._time(seconds)
        samples = span(seconds)
        bronze = square_cluster(samples, self.speed * tune * _CYMBAL, rng.random(len(_CYMBAL)), RATE)
        level = 0.5 * decay(samples, 0.3 * seconds) + 0.5 * decay(samples, seconds)
        wash = filtered((0.6 * noise(rng, samples) + bronze) * level, HIGH, self.speed * edge)
        ping = modes(np.full(samples, 6.1 * self.speed * tune), (1.0,), (bell,), (0.5 * seconds,))
        stick = noise(rng, samples) * decay(samples, 0.006)
        return normal(wash) + ping + 0.2 * stick

    def _in_room(self, dry: NDArray[np.float64]) -> NDArray[np.float64]:
        dry = np.concatenate((dry, np.zeros(length(0.12 / self.speed))))
        wet = filtered(dry, LOW, 4500.0 * self.speed).astype(np.float64)
        for _ in range(2):
            walls = np.zeros(len(wet))
            for seconds, level in _ECHOES:
                delay = length(seconds / self.speed)
                walls[delay:] += level * wet[:-delay]
            wet = walls
        return dry + self.room * wet
