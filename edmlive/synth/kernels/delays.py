"""Delay lines: echoes, reverberation, and a delay that moves.

Of exactly rounded operations only, like all that renders sound; see `edmlive.synth.audio`.
"""

import numpy as np
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel
from edmlive.synth.kernels.filters import NO_DENORMAL

LINES = 8
"""Delay lines of `feedback_delay_network`."""
_RING = 4096
"""Samples that a delay line holds: a power of two, so that a mask wraps its index."""
_DIFFUSION = 0.7


@kernel("float32[:, ::1](float32[::1], int64[::1], int64[::1], float64[::1], float64[::1])")
def feedback_delay_network(
    samples: NDArray[np.float32],
    diffusers: NDArray[np.int64],
    lags: NDArray[np.int64],
    gains: NDArray[np.float64],
    poles: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Return the sound of a room: eight delay lines that feed one another, preceded by all-pass diffusers in series.

    J.-M. Jot and A. Chaigne, *Digital delay networks for designing artificial reverberators* (AES 1991): the lines are
    mixed by a matrix that loses nothing (a Householder reflection, each line moved on to the next), and each line's
    low-pass decides how long the room rings at which frequency. The diffusers make many echoes of one, as in
    J. Dattorro, *Effect design 1* (JAES 1997).

    Parameters
    ----------
    samples
        Shape (samples,).
    diffusers
        Lengths of the diffusers in samples, below 4096; shape (diffusers,).
    lags
        Lengths of the lines in samples, below 4096; shape (8,).
    gains, poles
        Gain at 0 Hz and pole of each line's one-pole low-pass; shape (8,).

    Returns
    -------
    ndarray, shape (samples, 2)
        The reverberation without the dry sound; even lines left, odd lines right.
    """
    out = np.empty((len(samples), 2), np.float32)
    rings = np.zeros((len(diffusers), _RING))
    lines = np.zeros((LINES, _RING))
    ends = np.zeros(LINES)
    for i in range(len(samples)):
        now = i & (_RING - 1)
        x = samples[i] + NO_DENORMAL
        for k in range(len(diffusers)):
            late = rings[k, (i - diffusers[k]) & (_RING - 1)]
            x -= _DIFFUSION * late
            rings[k, now] = x
            x = late + _DIFFUSION * x
        for k in range(LINES):
            late = lines[k, (i - lags[k]) & (_RING - 1)]
            ends[k] = gains[k] * (1.0 - poles[k]) * late + poles[k] * ends[k]
        left = ends[0] + ends[2] + ends[4] + ends[6]
        right = ends[1] + ends[3] + ends[5] + ends[7]
        reflection = x - 2.0 / LINES * (left + right)
        for k in range(LINES):
            lines[(k + 1) % LINES, now] = ends[k] + reflection
        out[i, 0] = left
        out[i, 1] = right
    return out


@kernel("float32[:, ::1](float32[::1], int64, float64, float64)")
def ping_pong(samples: NDArray[np.float32], lag: int, feedback: float, smoothing: float) -> NDArray[np.float32]:
    """Return echoes that alternate between the sides, left first, each duller than the last.

    Parameters
    ----------
    samples
        Shape (samples,).
    lag
        Samples from one echo to the next.
    feedback
        Gain from one echo to the next, 0...1.
    smoothing
        Share of the distance to its input that the low-pass covers in one sample, 0...1.

    Returns
    -------
    ndarray, shape (samples, 2)
        The echoes without the dry sound.
    """
    out = np.zeros((len(samples), 2), np.float32)
    left = right = 0.0
    for i in range(lag, len(samples)):
        left += (samples[i - lag] + feedback * out[i - lag, 1] + NO_DENORMAL - left) * smoothing
        right += (feedback * out[i - lag, 0] + NO_DENORMAL - right) * smoothing
        out[i, 0] = left
        out[i, 1] = right
    return out


@kernel("float32[::1](float32[::1], float32[::1])")
def delayed(samples: NDArray[np.float32], lags: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the sound through a varying delay, interpolated by cubics through four neighbours (Catmull-Rom).

    Parameters
    ----------
    samples
        Shape (samples,). It is silent before its start, and holds its last value after its end.
    lags
        Delay of each sample, in samples, 0 or more; shape (samples,).

    Returns
    -------
    ndarray, shape (samples,)
    """
    out = np.zeros(len(samples), np.float32)
    last = len(samples) - 1
    for i in range(len(samples)):
        place = i - lags[i]
        index = int(np.floor(place))
        if index < 0:
            continue
        t = place - index
        before, here = samples[max(index - 1, 0)], samples[index]
        after, beyond = samples[min(index + 1, last)], samples[min(index + 2, last)]
        slope, next_slope = 0.5 * (after - before), 0.5 * (beyond - here)
        rise = after - here
        out[i] = here + t * (
            slope + t * (3.0 * rise - 2.0 * slope - next_slope + t * (slope + next_slope - 2.0 * rise))
        )
    return out
