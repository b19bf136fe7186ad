"""What the paper's networks take: chunks of 4.64 s as mel-spectrogram and tempograms."""

from typing import Literal, get_args

from edmlive.spec import InputSpec

Architecture = Literal[
    "mel", "fourier", "autocorrelation", "early-fusion", "late-fusion", "temporal-fusion", "metric-fusion"
]
"""The rows of Table I, and late fusion with the paper's future work: temporal convolutions, metric learning."""
ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)

CHUNK_FRAMES = 200
"""Feature frames of a chunk: 4.64 s."""
MEL = InputSpec("mel", (1, 128, CHUNK_FRAMES))
FOURIER = InputSpec("fourier_tempogram", (193, CHUNK_FRAMES // 4), stride=4)
AUTOCORRELATION = InputSpec("autocorrelation_tempogram", (384, CHUNK_FRAMES // 4), stride=4)


def inputs_of(architecture: Architecture) -> tuple[InputSpec, ...]:
    """Return what a network of that name takes."""
    if architecture == "mel":
        return (MEL,)
    if architecture == "fourier":
        return (FOURIER,)
    if architecture == "autocorrelation":
        return (AUTOCORRELATION,)
    return (MEL, FOURIER, AUTOCORRELATION)
