"""Onset functions, the sound of beats and levels: what tempo and rhythm are computed from, as the audio arrives.

Audio is processed in steps of `HOP_LENGTH` samples. Each step yields

- the complex spectral difference over 1,024 samples, on which beats are tracked, and its parts in bands of
  the bass, which tell a kick from a hat;
- two pairs of the high-frequency content and the complex spectral difference over 512 samples, on which onsets are
  counted;
- for two places on the grid, the sound that a beat there would have: its energy and its ratios in six bands. These lag
  by four steps, because a beat may sound up to 50 ms after its place and is measured over the 50 ms that follow;
- the standard deviation of the samples in blocks of 10 ms, for the danceability;
- the mean power after the loudness filter in blocks of 50 ms, for the level.
"""

from typing import Any, TypeAlias

import numpy as np
from numba import from_dtype, types
from numpy.typing import NDArray

from edmlive.kernels.fft import half_roots, real_spectrum
from edmlive.kernels.jit import kernel
from edmlive.kernels.rhythm_tables import (
    BAND_EDGES,
    BEAT_BAND_EDGES,
    BEAT_FRAME,
    BEAT_RANGE,
    GRID,
    HALF_SAMPLES_IN_10_MS,
    HALF_SAMPLES_IN_50_MS,
    INTERPOLATOR,
    LOUDNESS_FILTER,
    ONSET_FRAME,
    blackman_harris,
)
from edmlive.kernels.short_term import magnitude_spectrum
from edmlive.kernels.short_term_tables import FRAME_LENGTH
from edmlive.kernels.tables import HOP_LENGTH, window

HISTORY = 8 * HOP_LENGTH
LAG_STEPS = 4
"""Steps by which the sound of beats lags the other values."""
BASS_BANDS = BEAT_BAND_EDGES.size
"""Bands of a beat frame that have a spectral difference of their own."""
DIFFERENCES = 1 + BASS_BANDS
"""Spectral differences of a beat frame: of all bins, then of each band."""
SOUND_SIZE = BAND_EDGES.size
"""Values of a beat's sound: energy, then the six band ratios."""

_SECTIONS, _POWER_GAIN = LOUDNESS_FILTER
_BEAT_WINDOW, _BEAT_ROOTS = window("hann", BEAT_FRAME), half_roots(BEAT_FRAME)
_ONSET_WINDOW, _ONSET_ROOTS = window("hann", ONSET_FRAME), half_roots(ONSET_FRAME)
_NO_EDGES = np.empty(0, np.int64)
_SOUND_WINDOW = blackman_harris(FRAME_LENGTH)
_AHEAD = INTERPOLATOR.size // 2

State: TypeAlias = NDArray[Any]
"""Array of shape (1,) and dtype `STATE`; all zeros before the first sample.

Set ``tempo_only`` to 1 before the first sample to skip what only the descriptors need: onsets and the sound of beats.
"""


def _phasors(frame_length: int) -> np.dtype[np.void]:
    """Layout of the latest spectrum and of the phases, as unit phasors, of the latest two."""
    bins = frame_length // 2 + 1
    return np.dtype([("spectrum", np.complex128, bins), ("phase", np.complex128, bins), ("older", np.complex128, bins)])


STATE = np.dtype(
    [
        ("tempo_only", np.int64),
        ("steps", np.int64),
        ("samples", np.float64, HISTORY),
        ("energies", np.float64, HISTORY),
        ("onset_at", np.int64),
        ("sound", np.float64, SOUND_SIZE),
        ("beat", _phasors(BEAT_FRAME)),
        ("onset", _phasors(ONSET_FRAME)),
        ("filter", np.float64, (_SECTIONS.shape[0], 2)),
        ("level", np.float64),
        ("total", np.float64),
        ("squares", np.float64),
        ("blocks", np.int64, 2),
    ]
)


@kernel()
def _shift_in(s: Any, new: NDArray[np.float64]) -> None:
    """Append samples, and the higher energy of each sample and of the value half-way to the next, once it is known."""
    kept = HISTORY - HOP_LENGTH
    s.samples[:kept] = s.samples[HOP_LENGTH:].copy()
    s.energies[:kept] = s.energies[HOP_LENGTH:].copy()
    s.samples[kept:] = new
    between = np.zeros(HOP_LENGTH)
    for tap in range(INTERPOLATOR.size):
        for i in range(HOP_LENGTH):
            between[i] += INTERPOLATOR[tap] * s.samples[kept + i + tap + 1 - 2 * _AHEAD]
    for i in range(HOP_LENGTH):
        s.energies[kept - _AHEAD + i] = max(s.samples[kept - _AHEAD + i] ** 2, between[i] ** 2)


@kernel()
def _analyse(
    frame: NDArray[np.float64], roots: NDArray[np.complex128], edges: NDArray[np.int64], past: Any, out: NDArray[Any]
) -> float:
    """Write the complex spectral difference of the next frame; return its high-frequency content (Bello et al. 2004).

    The difference is between the spectrum and the one expected from the two before it: the magnitudes of the last and
    phases that keep turning at the same speed. That of all bins comes first, then its parts up to each of the edges.
    """
    bins = frame.size // 2 + 1
    spectrum = np.empty(bins, np.complex128)
    real_spectrum(frame, roots, spectrum)
    content, difference, first = 0.0, 0.0, 0
    for band in range(edges.size + 1):
        before, end = difference, edges[band] if band < edges.size else bins
        for k in range(first, end):
            x, last = spectrum[k], past.spectrum[k]
            expected = last * past.phase[k] * past.older[k].conjugate()
            error = x - expected
            magnitude = np.sqrt(x.real**2 + x.imag**2)
            content += k * magnitude
            difference += np.sqrt(error.real**2 + error.imag**2)
            past.spectrum[k] = x
            past.older[k] = past.phase[k]
            past.phase[k] = x / magnitude if magnitude > 0.0 else complex(1.0, 0.0)
        if band < edges.size:
            out[1 + band] = difference - before
        first = end
    out[0] = difference
    return content


@kernel()
def _write_onset_functions(s: Any, onsets: NDArray[np.float64]) -> None:
    """Write the two onset functions of the frames centred on the step's two places on the grid, shape (2, 2)."""
    for j in range(2):
        end = HISTORY - (1 - j) * GRID
        frame = s.samples[end - ONSET_FRAME : end] * _ONSET_WINDOW
        onsets[j, 0] = _analyse(frame, _ONSET_ROOTS, _NO_EDGES, s.onset, onsets[j, 1:])


@kernel()
def _beat_sound(s: Any, place: int, sound: NDArray[np.float64]) -> None:
    """Write energy and band ratios of the 50 ms from the highest peak within 50 ms of a place in the history."""
    first = place - BEAT_RANGE
    onset = first + np.argmax(s.energies[first : place + BEAT_RANGE])
    onset_at = s.steps * HOP_LENGTH + onset
    if onset_at == s.onset_at:  # neighbouring places mostly share their peak
        sound[:] = s.sound
        return
    magnitudes = np.empty(FRAME_LENGTH // 2 + 1)
    magnitude_spectrum(s.samples[onset : onset + FRAME_LENGTH] * _SOUND_WINDOW, magnitudes)
    energy = np.sum(magnitudes**2)
    sound[0] = energy
    for band in range(BAND_EDGES.size - 1):
        inside = np.sum(magnitudes[BAND_EDGES[band] : BAND_EDGES[band + 1] + 1] ** 2)
        sound[1 + band] = inside / energy if energy > 0.0 else 0.0
    s.onset_at = onset_at
    s.sound[:] = sound


@kernel()
def _write_sounds(s: Any, sounds: NDArray[np.float64]) -> None:
    """Write the sound of a beat at two places on the grid, `LAG_STEPS` before the latest two; shape (2, SOUND_SIZE)."""
    for j in range(2):
        _beat_sound(s, HISTORY - (LAG_STEPS + 1) * HOP_LENGTH + j * GRID, sounds[j])


@kernel(inline=True)
def _filtered(memory: NDArray[np.float64], x: float) -> float:
    """Next output of the loudness filter, without its gain (transposed direct form II)."""
    for i in range(_SECTIONS.shape[0]):
        y = _SECTIONS[i, 0] * x + memory[i, 0]
        memory[i, 0] = _SECTIONS[i, 1] * x - _SECTIONS[i, 3] * y + memory[i, 1]
        memory[i, 1] = _SECTIONS[i, 2] * x - _SECTIONS[i, 4] * y
        x = y
    return x


@kernel(inline=True)
def _block(number: int, half_samples: int) -> tuple[int, int]:
    """Length and end of a block in samples, given the blocks' length in half samples."""
    end = half_samples * (number + 1) // 2
    return end - half_samples * number // 2, end


@kernel()
def _write_deviations(s: Any, new: NDArray[np.float64], deviations: NDArray[np.float64]) -> int:
    """Write the standard deviations of the blocks of 10 ms that end within a step; return their number."""
    first, total, squares, written = s.steps * HOP_LENGTH, s.total, s.squares, 0
    length, end = _block(s.blocks[0], HALF_SAMPLES_IN_10_MS)
    for i in range(HOP_LENGTH):
        total += new[i]
        squares += new[i] * new[i]
        if first + i + 1 == end:
            deviations[written] = np.sqrt(max(squares / length - (total / length) ** 2, 0.0))
            total, squares = 0.0, 0.0
            written += 1
            length, end = _block(s.blocks[0] + written, HALF_SAMPLES_IN_10_MS)
    s.total, s.squares = total, squares
    s.blocks[0] += written
    return written


@kernel()
def _write_powers(s: Any, new: NDArray[np.float64], powers: NDArray[np.float64]) -> int:
    """Write the mean powers, after the loudness filter, of the blocks of 50 ms that end within a step.

    Returns
    -------
    int
        Their number.
    """
    first, energy, written = s.steps * HOP_LENGTH, s.level, 0
    length, end = _block(s.blocks[1], HALF_SAMPLES_IN_50_MS)
    for i in range(HOP_LENGTH):
        energy += _filtered(s.filter, new[i]) ** 2
        if first + i + 1 == end:
            powers[written] = _POWER_GAIN * energy / length
            energy = 0.0
            written += 1
            length, end = _block(s.blocks[1] + written, HALF_SAMPLES_IN_50_MS)
    s.level = energy
    s.blocks[1] += written
    return written


@kernel(
    types.UniTuple(types.int64, 4)(
        types.float64[::1],
        from_dtype(STATE)[::1],
        types.float64[:, ::1],
        types.float64[:, ::1],
        types.float64[:, ::1],
        types.float64[::1],
        types.float64[::1],
    )
)
def advance(
    samples: NDArray[np.float64],
    state: State,
    differences: NDArray[np.float64],
    onsets: NDArray[np.float64],
    sounds: NDArray[np.float64],
    deviations: NDArray[np.float64],
    powers: NDArray[np.float64],
) -> tuple[int, int, int, int]:
    """Process whole steps of audio.

    Parameters
    ----------
    samples
        Shape (n * HOP_LENGTH,). Mono at 22,050 Hz, finite.
    state
        As the previous call left it, or zeros.
    differences
        Output, shape (n, DIFFERENCES): complex spectral difference of the frames that begin at multiples of
        `HOP_LENGTH`, of all bins and of each band.
    onsets
        Output, shape (2 * n, 2): high-frequency content and complex spectral difference of the frames centred on the
        grid.
    sounds
        Output, shape (2 * n, SOUND_SIZE): energy and band ratios of a beat at each place on the grid.
    deviations
        Output, shape (3 * n,): standard deviations over 10 ms.
    powers
        Output, shape (n,): mean powers over 50 ms.

    Returns
    -------
    tuple of int
        Rows written to ``differences``, ``sounds``, ``deviations`` and ``powers``; ``onsets`` is filled, or left alone
        with ``tempo_only``.
    """
    s = state[0]
    n_differences, n_sounds, n_deviations, n_powers = 0, 0, 0, 0
    for step in range(samples.size // HOP_LENGTH):
        new = samples[step * HOP_LENGTH : (step + 1) * HOP_LENGTH]
        _shift_in(s, new)
        if s.steps > 0:
            frame = s.samples[HISTORY - BEAT_FRAME :] * _BEAT_WINDOW
            _analyse(frame, _BEAT_ROOTS, BEAT_BAND_EDGES, s.beat, differences[n_differences])
            n_differences += 1
        if not s.tempo_only:
            _write_onset_functions(s, onsets[2 * step : 2 * step + 2])
        if not s.tempo_only and s.steps >= LAG_STEPS:
            _write_sounds(s, sounds[n_sounds : n_sounds + 2])
            n_sounds += 2
        n_deviations += _write_deviations(s, new, deviations[n_deviations:])
        n_powers += _write_powers(s, new, powers[n_powers:])
        s.steps += 1
    return n_differences, n_sounds, n_deviations, n_powers
