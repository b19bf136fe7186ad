"""Filters for rendered sound: a state-variable filter and a saturating ladder whose cutoff may move with every sample.

Both have the topology-preserving form (Zavalishin, *The art of VA filter design*, 2012; Simper, *Linear trapezoidal
integrated state variable filter*, 2013), in which no loop contains a delay. They are made of exactly rounded operations
only: the tangent is a rational function.
"""

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel

LOW, BAND, HIGH, NOTCH = range(4)
"""Responses of `state_variable`."""
NO_DENORMAL = 1e-18
"""Added to what feeds back: a decay into numbers too small to normalise would cost a hundred times the CPU."""
_HEADROOM = 4.0
"""Level at which the feedback of `ladder` is limited."""


@kernel(inline=True)
def tangent(x: float) -> float:
    """Return the tangent by its Pade approximant, within 1e-5 up to 1.3 rad: 0.41 of the sampling rate."""
    square = x * x
    return x * (945.0 - square * (105.0 - square)) / (945.0 - square * (420.0 - 15.0 * square))


@kernel("void(float32[::1], float64[::1], float64, float64, int64)")
def state_variable(
    samples: NDArray[np.float32], cutoff: NDArray[np.float64], rate: float, resonance: float, response: int
) -> None:
    """Filter in place, 12 dB an octave.

    Parameters
    ----------
    samples
        Shape (samples,).
    cutoff
        Cutoff of each sample in Hz, shape (samples,); or one for all, shape (1,).
    rate
        Sampling rate in Hz.
    resonance
        Quality factor; 0.7 is flat, 10 whistles.
    response
        `LOW`, `BAND` (unit gain at its peak), `HIGH` or `NOTCH`.
    """
    damping = 1.0 / resonance
    first = second = g = a1 = 0.0
    moving = len(cutoff) > 1
    for i in range(len(samples)):
        if i == 0 or moving:
            g = tangent(np.pi * min(max(cutoff[i] if moving else cutoff[0], 5.0), 0.41 * rate) / rate)
            a1 = 1.0 / (1.0 + g * (g + damping))
        x = samples[i] + NO_DENORMAL
        v3 = x - second
        band = a1 * (first + g * v3)
        low = second + g * band
        first = 2.0 * band - first
        second = 2.0 * low - second
        if response == LOW:
            samples[i] = low
        elif response == BAND:
            samples[i] = damping * band
        elif response == HIGH:
            samples[i] = x - damping * band - low
        else:
            samples[i] = x - damping * band


@kernel("void(float32[::1], float64, float64)")
def one_pole(samples: NDArray[np.float32], hertz: float, rate: float) -> None:
    """Low-pass in place, 6 dB an octave."""
    g = tangent(np.pi * min(hertz, 0.41 * rate) / rate)
    state = 0.0
    for i in range(len(samples)):
        change = (samples[i] + NO_DENORMAL - state) * g / (1.0 + g)
        samples[i] = state + change
        state += 2.0 * change


@kernel(inline=True)
def _limit(x: float) -> float:
    # A cubic, level where it reaches the headroom: without a division, for which the next sample would have to wait.
    # Its slope at 0 is 1.
    x = min(max(x / (1.5 * _HEADROOM), -1.0), 1.0)
    return _HEADROOM * x * (1.5 - 0.5 * x * x)


@kernel("void(float32[::1], float64[::1], float64, float64)")
def ladder(samples: NDArray[np.float32], cutoff: NDArray[np.float64], rate: float, feedback: float) -> None:
    """Low-pass in place, 24 dB an octave, with feedback that saturates: the squelch of a bass synthesizer.

    Four one-pole low-passes in a row, with feedback around all of them that is limited to a level of 4.

    Parameters
    ----------
    samples
        Shape (samples,).
    cutoff
        Cutoff of each sample in Hz, shape (samples,); or one for all, shape (1,).
    rate
        Sampling rate in Hz.
    feedback
        0 is flat, 4 whistles by itself. A quarter of the bass that it takes away is given back.
    """
    s1 = s2 = s3 = s4 = g = h = solve = 0.0
    moving = len(cutoff) > 1
    for i in range(len(samples)):
        if i == 0 or moving:
            warped = tangent(np.pi * min(max(cutoff[i] if moving else cutoff[0], 5.0), 0.41 * rate) / rate)
            g = warped / (1.0 + warped)
            h = 1.0 - g
            solve = 1.0 / (1.0 + feedback * g * g * g * g)
        state = h * (g * (g * (g * s1 + s2) + s3) + s4)
        x = samples[i] * (1.0 + 0.25 * feedback) + NO_DENORMAL
        y1 = g * _limit(solve * (x - feedback * state)) + h * s1
        y2 = g * y1 + h * s2
        y3 = g * y2 + h * s3
        y4 = g * y3 + h * s4
        s1 = 2.0 * y1 - s1
        s2 = 2.0 * y2 - s2
        s3 = 2.0 * y3 - s3
        s4 = 2.0 * y4 - s4
        samples[i] = y4
