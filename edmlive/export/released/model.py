"""The authors' released checkpoint as a model for live use."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from edmlive.errors import ModelError
from edmlive.export.network import traced, write_model
from edmlive.export.released.network import ReleasedNetwork
from edmlive.export.released.untrusted import read_state
from edmlive.kernels.tables import HOP_LENGTH, N_TEMPO_BINS, SAMPLE_RATE, TEMPOGRAM_LENGTH, window
from edmlive.spec import InputSpec, ModelSpec, Provenance, VoteSpec
from edmlive.taxonomy import SUBGENRES

WINDOW_FRAMES = 1_292
"""30 s. The released code standardises tempograms over 30 s of a track, and mel over 120 s; here, all over 30 s."""
_MEL_COLUMNS, _TEMPOGRAM_COLUMNS = 200, 50
_CHUNKS = 25
_UNUSED = ("conv1d_1.", "conv1d_2.", "conv1d_3.", "conv1d_4.", "rnn.")
"""Layers that their checkpoints may hold, but whose results their code discards."""
_NORM = "bn_1."

CLASSES = frozenset(
    {
        "model.Joint_ShortChunkCNN_Res",
        "modules.Res_2d",
        "torch.nn.parallel.data_parallel.DataParallel",
        "torch.nn.modules.activation.ReLU",
        "torch.nn.modules.activation.Softmax",
        "torch.nn.modules.batchnorm.BatchNorm1d",
        "torch.nn.modules.batchnorm.BatchNorm2d",
        "torch.nn.modules.container.ModuleList",
        "torch.nn.modules.container.Sequential",
        "torch.nn.modules.conv.Conv1d",
        "torch.nn.modules.conv.Conv2d",
        "torch.nn.modules.dropout.Dropout",
        "torch.nn.modules.dropout.Dropout2d",
        "torch.nn.modules.linear.Linear",
        "torch.nn.modules.pooling.AvgPool1d",
        "torch.nn.modules.pooling.MaxPool1d",
        "torch.nn.modules.pooling.MaxPool2d",
        "torch.nn.modules.rnn.GRU",
    }
)
"""The classes that their pickle is known to name."""

SPEC = ModelSpec(
    "released",
    SUBGENRES,
    (
        InputSpec("mel", (1, 128, WINDOW_FRAMES)),
        InputSpec("autocorrelation_tempogram", (TEMPOGRAM_LENGTH, WINDOW_FRAMES)),
        InputSpec("onset_strength", (WINDOW_FRAMES + TEMPOGRAM_LENGTH - 1,)),
    ),
    window="hann",
    mel_scale="power",
    onset_floor_db=80.0,
    vote=VoteSpec(votes=_CHUNKS, hop_seconds=_MEL_COLUMNS * HOP_LENGTH / SAMPLE_RATE),
    provenance=Provenance(
        data="75,000 Beatport previews; the checkpoint that W.-H. Hsu, B.-Y. Chen and Y.-H. Yang released",
        licence="MIT",
    ),
)


class ReleasedPipeline(nn.Module):
    """From raw features of the last 30 s to logits, as the released code prepares them.

    Parameters
    ----------
    network
        The released network.
    """

    basis: Tensor

    def __init__(self, network: ReleasedNetwork) -> None:
        super().__init__()
        self.network = network
        angles = 2 * np.pi * np.outer(np.arange(N_TEMPO_BINS), np.arange(TEMPOGRAM_LENGTH)) / TEMPOGRAM_LENGTH
        basis = np.cos(angles) * window("hann", TEMPOGRAM_LENGTH)
        self.register_buffer("basis", torch.tensor(basis, dtype=torch.float32)[:, None])

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Classify the newest chunk.

        Parameters
        ----------
        features
            ``mel``: powers, shape (batch, 1, 128, 1292). ``autocorrelation_tempogram``: shape (batch, 384, 1292).
            ``onset_strength``: in dB, shape (batch, 1675), one tempogram window more.

        Returns
        -------
        Tensor
            Logits, shape (batch, 30).
        """
        # The real part of the Fourier tempogram: all that their cast to float keeps.
        fourier = functional.conv1d(features["onset_strength"][:, None], self.basis)
        logits: Tensor = self.network(
            _standardised(features["autocorrelation_tempogram"])[..., -_TEMPOGRAM_COLUMNS:],
            _standardised(fourier)[..., -_TEMPOGRAM_COLUMNS:],
            _standardised(features["mel"])[..., -_MEL_COLUMNS:],
        )
        return logits


def import_released(checkpoint: Path, output: Path) -> int:
    """Write the authors' released checkpoint as an ONNX file for live use.

    Parameters
    ----------
    checkpoint
        ``joint-model-all-2500.pkl``; nothing in it is run.
    output
        The file to write; an earlier one is replaced only by a complete one.

    Returns
    -------
    int
        Size of the file in bytes.

    Raises
    ------
    ModelError
        The checkpoint is another file or names what is not admitted, or the output cannot be written.
    """
    return write_model(output, traced(ReleasedPipeline(read_released(checkpoint)), SPEC))


def read_released(path: Path) -> ReleasedNetwork:
    """Read the network out of ``joint-model-all-2500.pkl``, without running anything in it.

    The checkpoint shows whether its code used ``bn_1``: the bias starts at zero, and only a layer that is used learns.

    Raises
    ------
    ModelError
        It is another file, or names what is not admitted.
    """
    state = {name.removeprefix("module."): torch.from_numpy(array) for name, array in read_state(path, CLASSES).items()}
    normalised = bool(state.get(f"{_NORM}bias", torch.zeros(1)).any())
    for name, tensor in state.items():
        if not tensor.isfinite().all():
            raise ModelError(f"{path} has values in {ascii(name)[:200]} that are not finite.")
    network = ReleasedNetwork(normalised=normalised)
    unused = _UNUSED if normalised else (*_UNUSED, _NORM)
    known = {name: tensor for name, tensor in state.items() if not name.startswith(unused)}
    expected = network.state_dict()
    for name in [*sorted(expected.keys() - known.keys()), *sorted(known.keys() - expected.keys())]:
        what = "no" if name in expected else "an unknown"
        raise ModelError(f"{path} is not the released late-fusion network: it has {what} tensor {ascii(name)[:200]}.")
    for name, tensor in expected.items():
        if known[name].shape != tensor.shape:
            raise ModelError(f"{path} is not the released late-fusion network: its {name} has another shape.")
    network.load_state_dict(known)
    return network.eval()


def _standardised(x: Tensor) -> Tensor:
    """Return the z-scores of each batch element, by one mean and one deviation."""
    axes = tuple(range(1, x.dim()))
    return (x - x.mean(axes, keepdim=True)) / x.std(axes, correction=0, keepdim=True).clamp_min(1e-12)
