"""Tempo and rhythm over a rolling window, as the audio arrives."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edmlive.features.history import History
from edmlive.kernels.beats import count_onsets, track_beats
from edmlive.kernels.danceability import danceability
from edmlive.kernels.rhythm import DIFFERENCES, SOUND_SIZE, STATE, advance
from edmlive.kernels.rhythm_tables import GRID
from edmlive.kernels.tables import HOP_LENGTH, SAMPLE_RATE
from edmlive.kernels.tempo import (
    CONTEXT,
    LONGEST_PERIOD,
    ROW_HOP,
    ROW_LENGTH,
    agreed_tempo,
    best_periods,
    doubt_periods,
    on_grid,
    period_salience,
    steady_tempo,
    tempo_peaks,
)

RHYTHM_NAMES = (
    "71-BPMessentia",
    "72-bpm_histogram_first_peak_bpm",
    "73-bpm_histogram_first_peak_weight",
    "74-bpm_histogram_second_peak_bpm",
    "75-bpm_histogram_second_peak_spread",
    "76-bpm_histogram_second_peak_weight",
    "77-danceability",
    "78-beats_loudness.mean",
    "79-beats_loudness.stdev",
    "80-onset_rate",
    *(f"{80 + i}-beats_loudness_band_ratio.mean{i}" for i in range(1, 7)),
    *(f"{86 + i}-beats_loudness_band_ratio.stdev{i}" for i in range(1, 7)),
)
"""Names of the 22 values of `Rhythm.descriptors`, in order, as in the data sets' columns."""

_NEED_BEATS = [i for i, name in enumerate(RHYTHM_NAMES) if "danceability" not in name and "onset_rate" not in name]
_CHUNK_STEPS = ROW_HOP // 2
_SILENCE = 1e-8  # mean power after the loudness filter: -80 dB
_LOUD_SHARE = 0.95
# ReplayGain 1.0 brings the power that a twentieth of a track exceeds to -31.49 dB; the data sets' audio is 6 dB louder.
_REFERENCE_POWER = 10 ** ((-31.49 + 6.0) / 10)


@dataclass(frozen=True)
class Rhythm:
    """Tempo and rhythm of a window of music.

    Parameters
    ----------
    bpm
        Tempo now in beats per minute, about 40 to 215; NaN in silence and during the first six seconds. A step shows
        after some six seconds.
    confidence
        Share of the intervals between beats that agree with one another, 0 to 1.
    descriptors
        Values in the order of `RHYTHM_NAMES`, shape (22,). Those that need beats are 0 if there are none, and NaN
        during the first six seconds. The first is the tempo as in the data sets, which is coarser than `bpm`, the more
        so the faster the music.
    """

    bpm: float
    confidence: float
    descriptors: NDArray[np.float64]


class RhythmTracker:
    """Tempo and rhythm of the newest seconds of audio.

    As much as possible is computed once, when the audio arrives, and kept for `max_seconds`, so memory is constant and
    any split of the samples into pushes gives the same bits. Reading tracks the beats anew over the whole window.

    Parameters
    ----------
    max_seconds
        Longest window that can be read.
    tempo_only
        Skip what the tempo does not need, two thirds of the work; the other descriptors then stay 0.
    """

    def __init__(self, max_seconds: float = 120.0, *, tempo_only: bool = False) -> None:
        self._tempo_only = tempo_only
        steps = max(int(max_seconds * SAMPLE_RATE) // HOP_LENGTH, 1)
        self._capacity = steps
        self._differences = History(max(steps, (ROW_LENGTH + ROW_HOP + 2 * CONTEXT) // 2), (DIFFERENCES,))
        self._onsets = History(2 * steps, (2,))
        self._sounds = History(2 * steps, (SOUND_SIZE,))
        self._deviations = History(max(1, _blocks_of_10_ms(steps)))
        self._powers = History(max(1, _blocks_of_50_ms(steps)))
        self._saliences = History(steps * 2 // ROW_HOP + 1, (LONGEST_PERIOD + 1,))
        self._histories = (
            self._differences,
            self._onsets,
            self._sounds,
            self._deviations,
            self._powers,
            self._saliences,
        )
        self.reset()

    def reset(self) -> None:
        """Forget all audio."""
        self._state = np.zeros(1, STATE)
        self._state["tempo_only"] = self._tempo_only
        self._pending = np.empty(0)
        for history in self._histories:
            history.reset()

    @property
    def seconds(self) -> float:
        """Audio from which a window can be read, in seconds."""
        return self._held * HOP_LENGTH / SAMPLE_RATE

    @property
    def _held(self) -> int:
        return min(self._differences.count, self._capacity)

    def push(self, samples: NDArray[np.floating]) -> None:
        """Take in audio.

        Parameters
        ----------
        samples : ndarray, shape (n,)
            Mono samples at 22,050 Hz, finite; float32 or float64, any length.
        """
        pending = np.concatenate((self._pending, samples))
        whole = len(pending) // HOP_LENGTH * HOP_LENGTH
        for first in range(0, whole, _CHUNK_STEPS * HOP_LENGTH):
            self._advance(pending[first : min(first + _CHUNK_STEPS * HOP_LENGTH, whole)])
        self._pending = pending[whole:].copy()

    def _advance(self, samples: NDArray[np.float64]) -> None:
        steps = len(samples) // HOP_LENGTH
        differences, onsets = np.empty((steps, DIFFERENCES)), np.empty((2 * steps, 2))
        sounds, deviations, powers = np.empty((2 * steps, SOUND_SIZE)), np.empty(3 * steps), np.empty(steps)
        counts = advance(samples, self._state, differences, onsets, sounds, deviations, powers)
        self._differences.push(differences[: counts[0]])
        if not self._tempo_only:
            self._onsets.push(onsets)
        self._sounds.push(sounds[: counts[1]])
        self._deviations.push(deviations[: counts[2]])
        self._powers.push(powers[: counts[3]])
        while self._differences.count > (self._saliences.count * ROW_HOP + ROW_LENGTH + CONTEXT) // 2:
            self._append_salience()

    def _append_salience(self) -> None:
        first = self._saliences.count * ROW_HOP
        start = max(first - CONTEXT, 0) // 2
        context = self._differences.span(start, (first + ROW_LENGTH + CONTEXT) // 2 + 1)
        functions = context.T.copy()
        row = np.empty((1, LONGEST_PERIOD + 1))
        period_salience(on_grid(functions[0])[:-2], first - 2 * start, row[0])
        doubt_periods(functions[1:], first // 2 - start, row[0])
        self._saliences.push(row)

    def read(self, seconds: float) -> Rhythm:
        """Return the tempo and rhythm of the newest audio.

        Parameters
        ----------
        seconds
            Length of the window; less is used where less is held.

        Returns
        -------
        Rhythm
        """
        steps = min(int(seconds * SAMPLE_RATE) // HOP_LENGTH, self._held)
        values = np.zeros(len(RHYTHM_NAMES))
        powers = np.sort(self._powers.newest(_blocks_of_50_ms(steps)))
        loud = powers[int(len(powers) * _LOUD_SHARE)] if len(powers) else 0.0
        if loud <= _SILENCE:
            return Rhythm(math.nan, 0.0, values)

        if not self._tempo_only:
            values[6] = danceability(self._deviations.newest(_blocks_of_10_ms(steps)))
            onsets = self._onsets.newest(2 * steps)
            values[9] = count_onsets(onsets) / (len(onsets) * GRID / SAMPLE_RATE)
        beats = self._beats(steps)
        if beats is None or len(beats) < 2:
            values[_NEED_BEATS] = math.nan if beats is None else 0.0
            return Rhythm(math.nan, 0.0, values)

        intervals = np.diff(beats)
        bpm, share = agreed_tempo(intervals)
        (first_bpm, _, first_spread), (second_bpm, second_weight, second_spread) = tempo_peaks(intervals)
        # In the data sets, "first peak weight" holds the spread.
        values[:6] = bpm, first_bpm, first_spread, second_bpm, second_spread, second_weight
        if not self._tempo_only:
            sounds = self._sounds.at(beats[beats < self._sounds.count])
            energies = sounds[:, 0] * (_REFERENCE_POWER / loud)
            values[7], values[8] = energies.mean(), energies.std()
            values[10:16], values[16:22] = sounds[:, 1:].mean(axis=0), sounds[:, 1:].std(axis=0)
        return Rhythm(steady_tempo(beats), share, values)

    def _beats(self, steps: int) -> NDArray[np.int64] | None:
        """Return the beats of the newest steps as positions on the grid since the start; ``None`` in less than 6 s."""
        end = self._differences.count
        start = end - steps
        if 2 * steps < ROW_LENGTH or self._saliences.count == 0:
            return None
        # If no row lies wholly within the window, take the newest: it begins less than 1.6 s before the window.
        first_row = min(-(-2 * start // ROW_HOP), self._saliences.count - 1)
        rows = self._saliences.count - first_row
        periods = best_periods(self._saliences.newest(rows))
        # A row applies to the 1.5 s around its middle, the first and the last also to what is beyond them.
        places = np.arange(2 * start, 2 * end)
        row = (places - (ROW_LENGTH - ROW_HOP) // 2) // ROW_HOP - first_row
        strengths = on_grid(self._differences.newest(steps)[:, 0].copy())
        return 2 * start + track_beats(strengths, periods[np.clip(row, 0, rows - 1)])


def _blocks_of_10_ms(steps: int) -> int:
    return steps * HOP_LENGTH * 2 // 441


def _blocks_of_50_ms(steps: int) -> int:
    return steps * HOP_LENGTH * 2 // 2205
