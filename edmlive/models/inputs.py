"""Names of the models, and inputs of the networks: chunks of 4.64 s as mel-spectrogram and tempograms."""

from typing import Literal, get_args

from edmlive.errors import UserError
from edmlive.spec import InputSpec, SpecError, require_names

CepstralArchitecture = Literal["mfcc-lstm", "mfcc-mlp"]
"""Systems that the paper compares with, on cepstral coefficients: mel in dB only."""
Architecture = Literal[
    "mel",
    "fourier",
    "autocorrelation",
    "early-fusion",
    "late-fusion",
    "temporal-fusion",
    "metric-fusion",
    CepstralArchitecture,
]
"""The rows of Table I; late fusion with the paper's future work (temporal convolutions, metric learning); related
work."""
ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)
Ensemble = Literal["extra-trees", "gradient-boosting", "adaboost"]
"""Systems that the paper compares with, on descriptors: ensembles of decision trees."""
DescriptorModel = Literal["descriptors", Ensemble]
"""The shipped model's network over descriptors, and the ensembles."""
DESCRIPTOR_MODELS: tuple[DescriptorModel, ...] = get_args(DescriptorModel)
CEPSTRAL: tuple[CepstralArchitecture, ...] = get_args(CepstralArchitecture)

CHUNK_FRAMES = 200
"""Feature frames of a chunk: 4.64 s."""
MEL = InputSpec("mel", (1, 128, CHUNK_FRAMES))
FOURIER = InputSpec("fourier_tempogram", (193, CHUNK_FRAMES // 4), stride=4)
AUTOCORRELATION = InputSpec("autocorrelation_tempogram", (384, CHUNK_FRAMES // 4), stride=4)

IDENTITY_DIGITS = 16
"""Hexadecimal digits that identify a recording by its content. Until version 1 of feature stores, 8 digits identified
it by name, size and date: those networks, the shipped ones among them, cannot tell which recordings they know."""


def inputs_of(architecture: Architecture) -> tuple[InputSpec, ...]:
    """Return the inputs of a network of that architecture."""
    if architecture == "mel" or architecture in CEPSTRAL:
        return (MEL,)
    if architecture == "fourier":
        return (FOURIER,)
    if architecture == "autocorrelation":
        return (AUTOCORRELATION,)
    return (MEL, FOURIER, AUTOCORRELATION)


def require_model_name(name: str) -> None:
    """Raise `UserError` if no model can have this name, such as one with a line break in it."""
    try:
        require_names("name", (name,))
    except SpecError as error:
        raise UserError(f"No model can be called after its file or folder: {error}.") from None
