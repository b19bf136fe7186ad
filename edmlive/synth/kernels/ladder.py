"""A four-pole ladder filter whose feedback saturates: the squelch of a bass synthesizer.

Four one-pole low-passes in a row with feedback around all of them, solved without a delay in the loop (Zavalishin, *The
art of VA filter design*, 2012), of exactly rounded operations only.
"""

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel
from edmlive.synth.kernels.filters import NO_DENORMAL, tangent

_HEADROOM = 4.0
"""Level at which the feedback is limited."""


@kernel(inline=True)
def _limit(x: float) -> float:
    # A cubic, level where it reaches the headroom: without a division, for which the next sample would have to wait.
    # Its slope at 0 is 1.
    x = min(max(x / (1.5 * _HEADROOM), -1.0), 1.0)
    return _HEADROOM * x * (1.5 - 0.5 * x * x)


@kernel("void(float32[::1], float64[::1], float64, float64)")
def ladder(samples: NDArray[np.float32], cutoff: NDArray[np.float64], rate: float, feedback: float) -> None:
    """Low-pass in place, 24 dB an octave, with feedback that is limited to a level of 4.

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
