"""A DJ's deck: plays one track of a set at the level and speed, and with the fades, that its place in the set needs."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edmlive.synth.audio import RATE, Samples, gain
from edmlive.synth.kernels.filters import HIGH, state_variable
from edmlive.synth.kernels.playback import varispeed
from edmlive.synth.loudness import loudness
from edmlive.synth.render import render

LEVEL_LUFS = -16.0
"""Loudness of every track, so that the louder one in a cross-fade is the one that is faded up more."""
BASS_HERTZ = 180.0
"""Below this frequency only one of two decks plays."""
_SWAP_SECONDS = 0.1
_BUTTERWORTH = 0.7


@dataclass(frozen=True)
class Turn:
    """A track's turn in a set. Places and lengths are in samples of the set.

    Parameters
    ----------
    genre, bpm, bars, seed
        What is rendered: subgenre, tempo in BPM, length in bars, seed.
    start
        Where the first beat falls.
    speed
        Initial speed, at which its beats fall on those of the previous track; it is held during the fade.
    fade_in
        Length of the cross-fade with the previous track; 0 is a cut.
    glide
        Length over which the speed then changes to 1.
    fade_out_bars
        Length of the cross-fade with the next track, in bars of its own; 0 is a cut.
    """

    genre: str
    bpm: float
    bars: int
    seed: int
    start: int
    speed: float
    fade_in: int
    glide: int
    fade_out_bars: int

    @property
    def leading(self) -> int:
        """Where it becomes the louder of the two: the middle of the first fade."""
        return self.start + self.fade_in // 2

    @property
    def exit(self) -> int:
        """Where the next track starts."""
        return self.at_bar(self.bars - self.fade_out_bars)

    @property
    def end(self) -> int:
        """Where its last bar ends."""
        return self.at_bar(self.bars)

    def at_bar(self, bar: int) -> int:
        """Return where a bar begins that plays at the track's own speed."""
        glided = math.ceil(self.speed * self.fade_in + 0.5 * (self.speed + 1.0) * self.glide)
        return self.start + self.fade_in + self.glide + round(bar * bar_samples(self.bpm)) - glided

    def tempo_at(self, sample: int) -> float:
        """Return the tempo at a sample of the set, in BPM."""
        gliding = sample - self.start - self.fade_in
        left = 1.0 - min(1.0, max(0, gliding) / self.glide) if self.glide else 0.0
        return self.bpm * (1.0 + (self.speed - 1.0) * left)


def bar_samples(bpm: float) -> float:
    """Return the samples in a bar of four beats."""
    return 240.0 * RATE / bpm


def play(turn: Turn) -> Samples:
    """Render a track and return it as it sounds in the set, from ``turn.start`` to ``turn.end``.

    The bass of the two decks is swapped in the middle of a cross-fade: until then the incoming track has none, from
    then on the outgoing one.

    Returns
    -------
    ndarray, shape (samples, 2)
    """
    track = render(turn.genre, turn.bars * bar_samples(turn.bpm) / RATE, turn.seed, turn.bpm).samples
    track *= gain(LEVEL_LUFS - loudness(track))
    played = varispeed(track, turn.end - turn.start, turn.speed, turn.fade_in, turn.glide)
    if turn.fade_in:
        _fade_in(played[: turn.fade_in])
    if turn.fade_out_bars:
        _fade_in(played[: turn.exit - turn.end - 1 : -1])
    return played


def _fade_in(samples: Samples) -> None:
    """Fade up in place, equal-power, without bass until the middle; backwards in time it is the fade down."""
    count = len(samples)
    swap = np.clip((np.arange(count) - count // 2) / (_SWAP_SECONDS * RATE) + 0.5, 0.0, 1.0).astype(np.float32)
    level = np.sqrt(np.arange(count) / count).astype(np.float32)
    for channel in samples.T:
        thin = _without_bass(channel)
        channel[:] = level * (thin + swap * (channel - thin))


def _without_bass(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a copy without what lies below `BASS_HERTZ`, 24 dB an octave."""
    thin = samples.copy()
    for _ in range(2):
        state_variable(thin, np.array([BASS_HERTZ]), RATE, _BUTTERWORTH, HIGH)
    return thin
