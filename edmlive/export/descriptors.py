"""Models over descriptors as ONNX files."""

from copy import deepcopy
from pathlib import Path
from typing import Protocol

import numpy as np
import onnx
from numpy.typing import NDArray

from edmlive.errors import ModelError
from edmlive.export.network import classify_with, session, traced, write_model
from edmlive.models.descriptors import DescriptorNetwork
from edmlive.spec import ModelSpec

TOLERANCE = 1e-4
"""Largest difference from the model in double precision that an exported graph may show."""


class DescriptorModel(Protocol):
    """Any model over descriptors."""

    def probabilities(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Classify (tracks, descriptors) values; shape (tracks, labels), rows sum to 1."""
        ...


def descriptor_graph(network: DescriptorNetwork, spec: ModelSpec) -> onnx.ModelProto:
    """Trace the network in single precision: raw descriptors in, NaN where missing, calibrated probabilities out."""
    taken = spec.input("descriptors")
    if taken is None or taken.shape != tuple(network.features.mean.shape):
        raise ModelError(f"Spec '{spec.name}' does not describe this network's {len(network.features.mean)} inputs.")
    return traced(deepcopy(network).float(), spec)


def write_verified(
    path: Path, graph: onnx.ModelProto, model: DescriptorModel, values: NDArray[np.floating]
) -> tuple[float, int]:
    """Write the graph of a model over descriptors, once ONNX Runtime has given the model's own answers with it.

    Parameters
    ----------
    path
        The file to write; an earlier one is replaced only by a complete one.
    graph
        The graph, with its spec.
    model
        What it was made of.
    values
        Real descriptors to compare on, shape (tracks, descriptors), finite.

    Returns
    -------
    difference : float
        Largest absolute difference between the graph's probabilities and the model's.
    disagreements : int
        Tracks for which the two name different genres.

    Raises
    ------
    ModelError
        The difference exceeds `TOLERANCE`, or the file cannot be written.
    """
    answer = classify_with(session(graph))({"descriptors": values.astype(np.float32)})
    expected = model.probabilities(values)
    difference = float(np.abs(answer - expected).max())
    if not difference <= TOLERANCE:
        raise ModelError(f"The exported graph differs from the model by {difference:.2g}, so nothing was written.")
    write_model(path, graph)
    return difference, int((answer.argmax(axis=1) != expected.argmax(axis=1)).sum())
