"""Networks on cepstral coefficients as ONNX files: an LSTM exports too, in every precision."""

from typing import Any

import numpy as np
import pytest
import torch

from edmlive.export.network import network_graph, session, verify
from edmlive.export.precision import to_int8
from edmlive.models.checkpoint import Checkpoint, Training
from edmlive.models.inputs import CEPSTRAL, Architecture, inputs_of
from edmlive.models.networks import SubgenreNetwork
from edmlive.spec import ModelSpec


@pytest.mark.parametrize("architecture", CEPSTRAL)
def test_exports_in_every_precision(architecture: Architecture) -> None:
    torch.manual_seed(0)
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
