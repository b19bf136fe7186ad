"""Oscillators and envelopes: waveforms of any pitch curve, made of exactly rounded operations only.

The same inputs give the same samples on every processor of an architecture: no call into the C library's mathematics.
"""

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel

SINE, SAW, PULSE, TRIANGLE = range(4)
"""Waveforms of `oscillate`."""

_TABLE = 4096
_SINE = np.sin(2 * np.pi * np.arange(_TABLE + 1) / _TABLE).astype(np.float32).astype(np.float64)


@kernel(inline=True)
def sine(cycles: float) -> float:
    """Return the sine of a phase in cycles: linear interpolation in a table, within 3e-7."""
    place = (cycles - np.floor(cycles)) * _TABLE
    index = int(place)
    value: float = _SINE[index] + (place - index) * (_SINE[min(index + 1, _TABLE)] - _SINE[index])
    return value


@kernel(inline=True)
def _corner(phase: float, step: float) -> float:
    # What a two-sample polynomial band-limited step (polyBLEP) takes from a naive jump of 2 at phase 0.
    if phase < step:
        x = phase / step
        return x + x - x * x - 1.0
    if phase > 1.0 - step:
        x = (phase - 1.0) / step
        return x * x + x + x + 1.0
    return 0.0


@kernel("float32[::1](int64, float64[::1], float64, float64, float64)")
def oscillate(
    waveform: int, hertz: NDArray[np.float64], rate: float, phase: float, width: float
) -> NDArray[np.float32]:
    """Return a waveform that follows a curve of frequencies.

    Saw and pulse are band-limited by polyBLEP (Valimaki and Huovilainen, *Antialiasing oscillators in subtractive
    synthesis*, 2007).

    Parameters
    ----------
    waveform
        `SINE`, `SAW`, `PULSE` or `TRIANGLE`.
    hertz
        Frequency at each sample, shape (samples,).
    rate
        Sampling rate in Hz.
    phase
        Phase of the first sample, in cycles.
    width
        Share of a pulse's cycle that is high, 0...1; ignored by the others.

    Returns
    -------
    ndarray, shape (samples,)
        Magnitudes of about 1.
    """
    out = np.empty(len(hertz), np.float32)
    phase -= np.floor(phase)
    for i in range(len(hertz)):
        step = min(hertz[i] / rate, 0.49)
        if waveform == SINE:
            value = sine(phase)
        elif waveform == SAW:
            value = 2.0 * phase - 1.0 - _corner(phase, step)
        elif waveform == PULSE:
            fall = phase - width
            fall -= np.floor(fall)
            value = (1.0 if phase < width else -1.0) + _corner(phase, step) - _corner(fall, step)
        else:
            value = 4.0 * abs(phase - 0.5) - 1.0
        out[i] = value
        phase += step
        phase -= np.floor(phase)
    return out


@kernel("float32[::1](int64, float64[::1], float64[::1], float64)")
def square_cluster(
    samples: int, hertz: NDArray[np.float64], phases: NDArray[np.float64], rate: float
) -> NDArray[np.float32]:
    """Return the mean of square waves that share no harmonic: the metal of a drum machine's cymbals.

    They are not band-limited: what folds back is as inharmonic as the cluster itself.

    Parameters
    ----------
    samples
        Length.
    hertz, phases
        Frequency and first phase (in cycles, 0...1) of each wave, shape (waves,).
    rate
        Sampling rate in Hz.

    Returns
    -------
    ndarray, shape (samples,)
        Within -1...1.
    """
    out = np.zeros(samples, np.float32)
    for wave in range(len(hertz)):
        step = hertz[wave] / rate
        phase = phases[wave]
        level = np.float32(1.0 / len(hertz))
        for i in range(samples):
            out[i] += level if phase < 0.5 else -level
            phase += step
            if phase >= 1.0:
                phase -= 1.0
    return out


@kernel("float32[::1](float64[::1], float64[::1])")
def modulated_sine(cycles: NDArray[np.float64], modulation: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the sine of ``cycles + modulation``, both in cycles: phase modulation, the "FM" of synthesizers."""
    out = np.empty(len(cycles), np.float32)
    for i in range(len(cycles)):
        out[i] = sine(cycles[i] + modulation[i])
    return out


@kernel("float64[::1](int64, float64, float64, float64)")
def glide(samples: int, start: float, end: float, shrink: float) -> NDArray[np.float64]:
    """Return a curve from `start` towards `end` whose distance shrinks by the factor `shrink` each sample.

    With `start` 1 and `end` 0 this is an exponential decay; see `edmlive.synth.envelopes`.
    """
    out = np.empty(samples, np.float64)
    distance = start - end
    for i in range(samples):
        out[i] = end + distance
        distance *= shrink
    return out
