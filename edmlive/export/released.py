"""The authors' released checkpoint as a model to listen with."""

from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from edmlive.errors import ModelError
from edmlive.export.network import traced
from edmlive.export.untrusted import read_state
from edmlive.kernels.tables import HOP_LENGTH, N_TEMPO_BINS, SAMPLE_RATE, TEMPOGRAM_LENGTH, window
from edmlive.models.released import LABELS, ReleasedNetwork
from edmlive.spec import InputSpec, ModelSpec, Provenance, VoteSpec

WINDOW_FRAMES = 1_292
"""The released code standardises tempograms over 30 s of a track, and mel over 120 s. Here all look back on 30 s."""
_MEL_COLUMNS, _TEMPOGRAM_COLUMNS = 200, 50
_CHUNKS = 25
_UNUSED = ("conv1d_1.", "conv1d_2.", "conv1d_3.", "conv1d_4.", "rnn.")
"""Layers that a checkpoint of theirs may hold, and the results of which their code throws away."""
_NORM = "bn_1."

CLASSES = frozenset(
    {
        "model.Joint_ShortChunkCNN_Res",
        "modules.Res_2d",
        "torch.nn.parallel.data_parallel.DataParallel",
        *(f"torch.nn.modules.activation.{name}" for name in ("ReLU", "Softmax")),
        *(f"torch.nn.modules.batchnorm.{name}" for name in ("BatchNorm1d", "BatchNorm2d")),
        *(f"torch.nn.modules.container.{name}" for name in ("Sequential", "ModuleList")),
        *(f"torch.nn.modules.conv.{name}" for name in ("Conv1d", "Conv2d")),
        *(f"torch.nn.modules.dropout.{name}" for name in ("Dropout", "Dropout2d")),
        "torch.nn.modules.linear.Linear",
        *(f"torch.nn.modules.pooling.{name}" for name in ("AvgPool1d", "MaxPool1d", "MaxPool2d")),
        "torch.nn.modules.rnn.GRU",
    }
)
"""What their pickle is known to name."""

SPEC = ModelSpec(
    "released",
    LABELS,
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

    def forward(self, mel: Tensor, autocorrelation: Tensor, onset: Tensor) -> Tensor:
        """Classify the newest chunk.

        Parameters
        ----------
        mel
            Powers, shape (batch, 1, 128, 1292).
        autocorrelation
            Shape (batch, 384, 1292).
        onset
            Onset strengths in dB, shape (batch, 1675): one tempogram window more.

        Returns
        -------
        Tensor
            Logits, shape (batch, 30).
        """
        fourier = functional.conv1d(onset[:, None], self.basis)  # its real part: all that their cast to float keeps
        logits: Tensor = self.network(
            _standard(autocorrelation)[..., -_TEMPOGRAM_COLUMNS:],
            _standard(fourier)[..., -_TEMPOGRAM_COLUMNS:],
            _standard(mel)[..., -_MEL_COLUMNS:],
        )
        return logits


def read_released(path: Path) -> ReleasedNetwork:
    """Read the network out of ``joint-model-all-2500.pkl``, without running anything in it.

    Whether its code used ``bn_1`` can be told from the checkpoint: the bias is zero at first, and only what is used
    learns.

    Raises
    ------
    ModelError
        It is another file, or names what is not admitted.
    """
    state = {name.removeprefix("module."): torch.from_numpy(array) for name, array in read_state(path, CLASSES).items()}
    normalised = bool(state.get(f"{_NORM}bias", torch.zeros(1)).any())
    network = ReleasedNetwork(normalised=normalised)
    unused = _UNUSED if normalised else (*_UNUSED, _NORM)
    known = {name: tensor for name, tensor in state.items() if not name.startswith(unused)}
    try:
        network.load_state_dict(known)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip().rstrip(".")
        raise ModelError(f"{path} is not the released late-fusion network: {first}.") from None
    return network.eval()


def released_graph(network: ReleasedNetwork) -> onnx.ModelProto:
    """Trace the released network with its preparation of features; the graph carries `SPEC`."""
    return traced(ReleasedPipeline(network), SPEC)


def _standard(x: Tensor) -> Tensor:
    """Z-score each batch element with one mean and one deviation."""
    axes = tuple(range(1, x.dim()))
    return (x - x.mean(axes, keepdim=True)) / x.std(axes, correction=0, keepdim=True).clamp_min(1e-12)
