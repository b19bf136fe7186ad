"""From notes to a mix: voices, the channel strip of each sound, and the two shared effects."""

import dataclasses
import zlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from edmlive.synth import effects
from edmlive.synth.arrangement import Segment
from edmlive.synth.audio import RATE, Samples, gain, steady
from edmlive.synth.kernels.filters import HIGH, LOW, one_pole, state_variable
from edmlive.synth.kernels.playback import place
from edmlive.synth.recipe import KICKS, LOWEST_MUSIC, Faders, Lane, Part, Sound, choose, draw
from edmlive.synth.score import PHRASE, Clock, Hit, Note
from edmlive.synth.voices import DRUMS, TONES
from edmlive.synth.voices.breakbeat import Break

Voice = TypeVar("Voice")

PART_LEVEL = -12.0
"""RMS in dB of a part whose level is 0, while it sounds."""
SILENT_SEND = -60.0
_OPEN, _CLOSED = 18_000.0, 25.0
_STRAYING = 0.2
"""Largest relative deviation of what a recipe leaves open from the voice's default: no two instruments are alike."""
_TAKES = 2
"""Recordings of each stroke, played in turn."""
_BLOCK = RATE // 20


def generator(seed: int, *names: str) -> np.random.Generator:
    """Return a random generator for one purpose, so that changing another one does not change its numbers."""
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


def voice_of(kinds: dict[str, type[Voice]], sound: Sound, rng: np.random.Generator) -> Voice:
    """Draw a voice and the amounts of its fields."""
    name = choose(sound.voice, rng)
    kind: Any = kinds[name]
    amounts = {}
    for field in dataclasses.fields(kind):
        stray = steady(rng.uniform(1 - _STRAYING, 1 + _STRAYING))
        drawn = steady(rng.random())
        low = high = float(getattr(kind, field.name)) * stray
        for key in (field.name, f"{name}.{field.name}"):
            low, high = sound.patch.get(key, (low, high))
        amounts[field.name] = steady(low + (high - low) * drawn)
    voice: Voice = kind(**amounts)
    return voice


class Mixer:
    """The mixer of one track: sounds go in, each through its own channel, and a stereo mix comes out.

    Parameters
    ----------
    samples
        Length of the track.
    kicks
        First samples of the kicks, under which other sounds are ducked.
    clock
        The track's time.
    segments
        Its form.
    faders
        Levels of the groups.
    """

    def __init__(
        self,
        samples: int,
        kicks: NDArray[np.int64],
        clock: Clock,
        segments: tuple[Segment, ...],
        faders: Faders,
    ) -> None:
        self._kicks, self._clock, self._segments, self._faders = kicks, clock, segments, faders
        self._mix = np.zeros((samples, 2), np.float32)
        self._to_reverb = np.zeros(samples, np.float32)
        self._to_delay = np.zeros(samples, np.float32)

    def add_lane(self, lane: Lane, played: list[Hit], rng: np.random.Generator) -> None:
        """Record a drum lane and mix it in."""
        voice = voice_of(DRUMS, lane, rng)
        track = np.zeros(len(self._mix), np.float32)
        strokes: dict[tuple[str, float], list[Hit]] = defaultdict(list)
        for hit in played:
            strokes[hit.stroke, max(1, round(5 * hit.velocity)) / 5].append(hit)
        for (stroke, velocity), same in sorted(strokes.items()):
            for take in range(min(_TAKES, len(same))):
                taken = same[take::_TAKES]
                sound = voice.hit(rng, velocity, stroke) if isinstance(voice, Break) else voice.hit(rng, velocity)
                starts = np.array([hit.start for hit in taken], np.int64)
                place(track, sound, starts, np.array([hit.velocity / velocity for hit in taken]))
        fader = self._faders.kick if KICKS & set(lane.voice) else self._faders.drums
        self._add(track, lane, gain(draw(lane.level, rng) + fader), rng)

    def add_part(self, part: Part, played: list[Note], rng: np.random.Generator) -> None:
        """Record a tonal part and mix it in."""
        voice: Any = voice_of(TONES, part, rng)
        if part.sync and "rate" in voice.__dataclass_fields__:
            cycles = choose(part.sync, rng)
            voice = dataclasses.replace(voice, rate=steady(cycles * self._clock.bpm / 60.0))
        track = np.zeros(len(self._mix), np.float32)
        alike: dict[tuple[float, float], list[Note]] = defaultdict(list)
        for note in played:
            alike[note.pitch, note.seconds].append(note)
        for (pitch, seconds), same in sorted(alike.items()):
            sound = voice.note(rng, pitch, seconds, steady(float(np.mean([note.velocity for note in same]))))
            starts = np.array([note.start for note in same], np.int64)
            place(track, sound, starts, np.array([note.velocity for note in same]))
        loudness = _loudness(track)
        if loudness > 0:
            fader = self._faders.bass if min(part.pitch) < LOWEST_MUSIC else self._faders.music
            level = gain(draw(part.level, rng) + PART_LEVEL + fader) / loudness
            self._add(track, part, level, rng, sweep=draw(part.sweep, rng))

    def add_bed(self, sound: Samples) -> None:
        """Add a stereo sound as it is, shape (samples, 2)."""
        self._mix += sound

    def mixed(self, reverb_seconds: float, echo_seconds: float) -> Samples:
        """Return the mix with the shared reverb and delay, shape (samples, 2)."""
        if self._to_delay.any():
            self._mix += effects.delay(self._to_delay, echo_seconds, 0.45, 4000.0)
        if self._to_reverb.any():
            low = self._to_reverb.copy()
            one_pole(low, 180.0, RATE)  # reverberation of the bass is mud
            self._mix += effects.reverb(self._to_reverb - low, reverb_seconds, 6000.0, 0.015)
        return self._mix

    def _add(self, track: Samples, sound: Sound, level: float, rng: np.random.Generator, sweep: float = 0.0) -> None:
        drive, pan, width, depth = (draw(a, rng) for a in (sound.drive, sound.pan, sound.width, sound.duck))
        highpass, lowpass = draw(sound.highpass, rng), draw(sound.lowpass, rng)
        reverb, delay = draw(sound.reverb, rng), draw(sound.delay, rng)
        if drive > 0:
            track = effects.drive(track, drive)
        if highpass > _CLOSED:
            state_variable(track, np.array([highpass]), RATE, 0.7, HIGH)
        opens = isinstance(sound, Part) and any(segment.opens for segment in self._segments)
        if lowpass < _OPEN or opens or sweep:
            state_variable(track, self._cutoff(lowpass, sweep, opens), RATE, 0.8, LOW)
        track *= level
        if depth > 0:
            beat = 60.0 / self._clock.bpm
            track *= effects.duck(len(track), self._kicks, depth, 0.004, 0.6 * beat)
        if reverb > SILENT_SEND:
            self._to_reverb += gain(reverb) * track
        if delay > SILENT_SEND:
            self._to_delay += gain(delay) * track
        sides = np.array([1 - max(0.0, pan), 1 + min(0.0, pan)], np.float32)
        if width > 0:
            self._mix += effects.chorus(track, width, 0.4) * sides
        else:
            for side in (0, 1):
                self._mix[:, side] += sides[side] * track

    def _cutoff(self, lowpass: float, sweep: float, opens: bool) -> NDArray[np.float64]:
        """Return the low-pass filter's cutoff: one for all, or one for each sample where it moves."""
        if not opens and not sweep:
            return np.array([lowpass])
        places, values = [], []
        for segment in self._segments:
            for bar in range(segment.first, segment.last + 1):
                octaves = sweep * (abs(bar % PHRASE - PHRASE / 2) / PHRASE * 2 - 0.5)
                if opens:
                    octaves -= segment.opens * (segment.last - bar) / segment.bars
                places.append(bar * self._clock.bar)
                values.append(steady(min(lowpass * 2.0**octaves, 20_000.0)))
        return np.interp(np.arange(len(self._mix)), places, values)


def union(sounds: Iterable[list[Hit]]) -> NDArray[np.int64]:
    """Return the first samples of all hits, sorted, shape (hits,)."""
    return np.array(sorted({hit.start for played in sounds for hit in played}), np.int64)


def _loudness(track: Samples) -> float:
    """Return the RMS of a track while it sounds: over blocks within 40 dB of its loudest."""
    blocks = track[: len(track) // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
    if not len(blocks):
        blocks = track[None, :]
    power = np.mean(np.square(blocks, dtype=np.float64), axis=1)
    sounding = power[power > 1e-4 * power.max()]
    return steady(float(np.sqrt(sounding.mean()))) if len(sounding) else 0.0
