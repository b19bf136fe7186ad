"""Networks on cepstral coefficients: what they compute, and their export in every precision."""

from typing import Any

import librosa
import numpy as np
import pytest
import torch
from torch import nn

from edmlive.export.network import network_graph, session, verify
from edmlive.export.precision import to_int8
from edmlive.models.checkpoint import Checkpoint, Training
from edmlive.models.inputs import CEPSTRAL, Architecture, inputs_of
from edmlive.models.networks import SubgenreNetwork
from edmlive.spec import ModelSpec
from edmlive.training.baselines.mfcc import COEFFICIENTS, Mfcc, MfccLstm, MfccMlp


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("architecture", CEPSTRAL)
def test_maps_raw_chunks_to_logits(architecture: Architecture) -> None:
    network = SubgenreNetwork(architecture, labels=7, width=4).eval()
    assert network.inputs == inputs_of(architecture)
    mel = {"mel": torch.rand(3, 1, 128, 200)}
    assert network(mel).shape == (3, 7)
    assert network(mel).min() < 0, "logits, not probabilities"
    assert network.embed(mel).shape == (3, 512)


def test_cepstral_coefficients_are_librosas() -> None:
    mel = torch.rand(2, 1, 128, 200) * 100 - 80
    expected = [librosa.feature.mfcc(S=chunk[0].numpy(), n_mfcc=COEFFICIENTS) for chunk in mel]
    np.testing.assert_allclose(Mfcc().raw(mel).numpy(), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("architecture", CEPSTRAL)
def test_cepstral_networks_see_level_and_band_whatever_their_standardisation(architecture: Architecture) -> None:
    """Mel goes in raw: z-scores of bands have another cosine transform."""
    network = SubgenreNetwork(architecture, labels=3, width=4)
    raw = {"mel": torch.rand(8, 1, 128, 200) * 60 - 60}
    network(raw)  # the coefficients' statistics
    expected = network.eval()(raw)
    assert expected.std(dim=0).max() > 1e-4
    network.standardise["mel"].load_state_dict({"mean": torch.randn(128, 1), "deviation": torch.rand(128, 1) + 0.5})
    torch.testing.assert_close(network(raw), expected)
    mel: Any = network.mel
    coefficients = mel.mfcc(raw["mel"])
    torch.testing.assert_close(coefficients.mean(dim=(0, 2)), torch.zeros(COEFFICIENTS), atol=1e-3, rtol=0)
    torch.testing.assert_close(coefficients.std(dim=(0, 2)), torch.ones(COEFFICIENTS), atol=1e-2, rtol=0)


def test_the_published_lstm_has_three_layers_of_32_units_and_ends_after_the_last_frame() -> None:
    branch = MfccLstm(128).eval()
    assert (branch.lstm.num_layers, branch.lstm.hidden_size, branch.size) == (3, 32, 32)
    mel = torch.rand(1, 1, 128, 200)
    changed = mel.clone()
    changed[..., -1] += 5
    assert (branch(mel) - branch(changed)).abs().max() > 1e-4
    assert [m.out_features for m in MfccMlp(64).modules() if isinstance(m, nn.Linear)] == [64, 64, 64]


@pytest.mark.parametrize("architecture", CEPSTRAL)
def test_exports_in_every_precision(architecture: Architecture) -> None:
    network = SubgenreNetwork(architecture, labels=3, width=16)
    level = 20 * torch.randn(12, 1, 128, 1) + 10 * torch.randn(12, 1, 128, 200) - 30
    with torch.no_grad():
        network({"mel": level})  # the coefficients' statistics
        classify: Any = network.classify
        classify.weight *= 10  # answers that differ
    spec = ModelSpec(architecture, ("a", "b", "c"), inputs_of(architecture), mel_scale="db")
    source = Checkpoint(network.eval(), spec, Training(architecture, 16, "modern", 1, "0", 0, 0.0, 1e9, (), ()))
    features = {"mel": level.numpy()}
    expected = source.probabilities(features)
    assert np.ptp(expected, axis=0).max() > 0.05

    model = network_graph(source)
    assert verify(model, source, features) <= 1e-5
    np.testing.assert_allclose(session(model).run(None, {"mel": features["mel"][:1]})[0], expected[:1], atol=1e-5)
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("LSTM") == (3 if architecture == "mfcc-lstm" else 0)
    assert "BatchNormalization" not in kinds
    for lower in (to_int8(model, [features]), network_graph(source, half=True)):
        np.testing.assert_allclose(session(lower).run(None, features)[0], expected, atol=0.05)
