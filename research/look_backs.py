"""Descriptors of a recording at several look-backs, by the same windows as live."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edmlive.features.resampler import Resampler
from edmlive.features.windows import Windows
from edmlive.kernels.tables import SAMPLE_RATE
from edmlive.spec import ModelSpec
from research.handlings import RATE, Samples

WHOLE_SECONDS = 120.0
MOMENTS: dict[float, tuple[float, ...]] = {
    5: (12, 45, 78, 110),
    7: (7, 30, 60, 100),
    10: (10, 40, 70, 115),
    15: (15, 50, 90, 118),
    20: (20, 60, 100, 119),
    30: (30, 70, 116),
    45: (45, 80, 117),
    60: (60, 90, 118),
    90: (90, 118),
}
"""Seconds from the beginning of a recording at which each look-back is read; both in seconds."""


def heard(samples: Samples) -> Samples:
    """Return what edmlive makes of mono samples at `RATE`: at most two minutes of them at 22,050 Hz."""
    peak = float(np.abs(samples).max(initial=0.0))
    within = np.ascontiguousarray(samples[:, None] / np.float32(max(1.0, peak)), np.float32)
    resampler = Resampler(RATE)
    parts = (resampler.push(within), resampler.push(np.zeros((0, 1), np.float32), last=True))
    return np.concatenate(parts)[: int(WHOLE_SECONDS * SAMPLE_RATE)]


def described(
    samples: Samples, spec: ModelSpec, moments: dict[float, tuple[float, ...]] = MOMENTS
) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """Yield look-backs and the descriptors that a model would get, then those of the whole.

    Parameters
    ----------
    samples
        Shape (n,), at 22,050 Hz; those of `heard`.
    spec
        A model that takes descriptors.
    moments
        When to read each look-back; moments after the end are left out.

    Yields
    ------
    seconds, descriptors
        The look-back, `WHOLE_SECONDS` for the whole, and float32 descriptors in the model's order.
    """
    taken = spec.input("descriptors")
    assert taken is not None
    windows = Windows(replace(spec, inputs=(replace(taken, seconds=WHOLE_SECONDS, warm_up_seconds=1.0),)))
    due = sorted((int(at * SAMPLE_RATE), seconds) for seconds, ats in moments.items() for at in ats)
    done = 0
    for end, seconds in due:
        if end <= len(samples):
            windows.push(samples[done:end])
            done = end
            yield seconds, _descriptors(windows, seconds)
    windows.push(samples[done:])
    yield WHOLE_SECONDS, _descriptors(windows, WHOLE_SECONDS)


def _descriptors(windows: Windows, seconds: float) -> NDArray[np.float32]:
    tensors = windows.read(look_back=seconds).tensors
    assert tensors is not None
    return tensors["descriptors"]
