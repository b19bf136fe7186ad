"""Loudness brought to that of released music, sample by sample: K-weighting, a slow gain and a look-ahead limiter."""

from typing import Any, TypeAlias

import numpy as np
from numba import from_dtype, types
from numpy.typing import NDArray

from edmlive.kernels.jit import kernel
from edmlive.kernels.tables import SAMPLE_RATE

TARGET_LUFS = -8.0
"""Loudness that the music is brought to."""
LOOK_AHEAD = 32
"""Samples by which the output lags the input: 1.5 ms."""

_SPAN = LOOK_AHEAD + 1
_CEILING = 0.97
_BLOCK = SAMPLE_RATE // 10
_BLOCKS = 30
"""Blocks of 0.1 s in the short-term loudness, 3 s."""
_RISE = 0.1
"""Share of the distance to a higher short-term loudness that the estimate covers in a block."""
_FALL_DB = 0.02
"""What the estimate falls in a block, in dB: a breakdown of half a minute is raised by 6 dB at most."""
_ABOVE_INTEGRATED_DB = 1.7
"""The estimate keeps near the loudest passages, this much above the integrated loudness of a track."""
_GATE_LUFS = -70.0
_HIGHEST_GAIN_DB = 50.0
# BS.1770 adds the powers of the channels; a mono mix of two equal channels has half of their sum.
_OFFSET_LUFS = -0.691 + 10.0 * np.log10(2.0)
_RELEASE = 1.0 - np.exp(-1.0 / (0.06 * SAMPLE_RATE))


def _shelf(rate: float) -> tuple[float, float, float, float, float]:
    """High shelf of the K-weighting, from the analogue prototype of ITU-R BS.1770 (G. Brunschwiler's parameters)."""
    gain, q, k = 10.0 ** (3.999843853973347 / 20.0), 0.7071752369554196, np.tan(np.pi * 1681.974450955533 / rate)
    middle, norm = gain**0.4996667741545416, 1.0 + k / q + k * k
    b0, b1, b2 = gain + middle * k / q + k * k, 2.0 * (k * k - gain), gain - middle * k / q + k * k
    return b0 / norm, b1 / norm, b2 / norm, 2.0 * (k * k - 1.0) / norm, (1.0 - k / q + k * k) / norm


def _high_pass(rate: float) -> tuple[float, float, float, float, float]:
    """High-pass of the K-weighting, likewise."""
    q, k = 0.5003270373238773, np.tan(np.pi * 38.13547087602444 / rate)
    norm = 1.0 + k / q + k * k
    return 1.0, -2.0, 1.0, 2.0 * (k * k - 1.0) / norm, (1.0 - k / q + k * k) / norm


_SECTIONS = np.array([_shelf(SAMPLE_RATE), _high_pass(SAMPLE_RATE)])

State: TypeAlias = NDArray[Any]
"""Array of shape (1,) and dtype `STATE`; all zeros before the first sample."""

STATE = np.dtype(
    [
        ("filter", np.float64, (2, 2)),
        ("energy", np.float64),
        ("in_block", np.int64),
        ("blocks", np.int64),
        ("powers", np.float64, _BLOCKS),
        ("estimate", np.float64),
        ("gain", np.float64),
        ("step", np.float64),
        ("at", np.int64),
        ("delayed", np.float64, _SPAN),
        ("needed", np.float64, _SPAN),
        ("released", np.float64),
        ("smooth", np.float64, _SPAN),
    ]
)


@kernel(inline=True)
def _weighted(memory: NDArray[np.float64], x: float) -> float:
    for i in range(2):
        y = _SECTIONS[i, 0] * x + memory[i, 0]
        memory[i, 0] = _SECTIONS[i, 1] * x - _SECTIONS[i, 3] * y + memory[i, 1]
        memory[i, 1] = _SECTIONS[i, 2] * x - _SECTIONS[i, 4] * y
        x = y
    return x


@kernel()
def _end_block(s: Any) -> None:
    """Update the loudness estimate at the end of a block, and the step of the gain towards what it asks for."""
    s.powers[s.blocks % _BLOCKS] = s.energy / _BLOCK
    s.energy = 0.0
    s.in_block = 0
    s.blocks += 1
    held = min(s.blocks, _BLOCKS)
    power = np.mean(s.powers[:held])
    short_term = _OFFSET_LUFS + 10.0 * np.log10(max(power, 1e-20))
    if short_term > _GATE_LUFS:
        if s.estimate == 0.0:
            s.estimate = short_term
        elif short_term > s.estimate:
            s.estimate += (short_term - s.estimate) * max(_RISE, 1.0 / s.blocks)
        else:
            s.estimate = max(s.estimate - _FALL_DB, short_term)
    if s.estimate != 0.0:
        wanted_db = min(TARGET_LUFS + _ABOVE_INTEGRATED_DB - s.estimate, _HIGHEST_GAIN_DB)
        wanted = 10.0 ** (wanted_db / 20.0)
        if s.gain == 0.0:
            s.gain = wanted
        s.step = (wanted - s.gain) / _BLOCK


@kernel(types.void(types.float32[::1], from_dtype(STATE)[::1], types.float64[::1]))
def level(samples: NDArray[np.float32], state: State, out: NDArray[np.float64]) -> None:
    """Bring the newest audio to `TARGET_LUFS`, no peak above the ceiling.

    The gain follows the short-term loudness (3 s, ITU-R BS.1770): up with it within a second, down by 0.2 dB a second,
    so that breakdowns stay quieter than drops. The limiter takes the least gain that any of the next `LOOK_AHEAD`
    samples needs, releases it within 60 ms and averages it over as many, so that it is there when the peak is.

    Parameters
    ----------
    samples
        Shape (n,). Mono at 22,050 Hz, finite.
    state
        As the previous call left it, or zeros.
    out
        Output, shape (n,): the levelled samples, `LOOK_AHEAD` samples late.
    """
    s = state[0]
    if s.released == 0.0:
        s.released = 1.0
        s.needed[:] = 1.0
        s.smooth[:] = 1.0
    for i in range(samples.size):
        x = float(samples[i])
        weighted = _weighted(s.filter, x + 1e-18)
        s.energy += weighted * weighted
        s.in_block += 1
        if s.in_block == _BLOCK:
            _end_block(s)
        s.gain += s.step
        x *= s.gain
        place = s.at % _SPAN
        s.delayed[place] = x
        delayed = s.delayed[(place + 1) % _SPAN]
        s.needed[place] = _CEILING / max(abs(x), _CEILING)
        least = np.min(s.needed)
        s.released = min(s.released + (1.0 - s.released) * _RELEASE, least)
        s.smooth[place] = s.released
        s.at += 1
        out[i] = delayed * np.mean(s.smooth)
