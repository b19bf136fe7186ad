"""Ensembles of decision trees as an ONNX file."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import AdaBoostClassifier, GradientBoostingClassifier

from edmlive.export.descriptors import IR_VERSION, OPSET
from edmlive.models.trees import LEAST_PROBABILITY, TreeEnsemble
from edmlive.spec import METADATA_KEY, OUTPUT_NAME, ModelSpec

_TREES_DOMAIN, _TREES_OPSET = "ai.onnx.ml", 3


def ensemble_graph(ensemble: TreeEnsemble, spec: ModelSpec) -> onnx.ModelProto:
    """Build the graph: raw descriptors in, calibrated probabilities out.

    Converters write the weights of all labels for every leaf: 32 times what leaves of one genre need.
    """
    labels = len(spec.labels)
    boosted = isinstance(ensemble.estimator, AdaBoostClassifier | GradientBoostingClassifier)
    nodes = [
        helper.make_node(
            "TreeEnsembleRegressor",
            ["descriptors"],
            ["scores"],
            domain=_TREES_DOMAIN,
            n_targets=labels,
            **_attributes(ensemble.estimator),
        ),
        helper.make_node("Softmax" if boosted else "Identity", ["scores"], ["raw"]),
        helper.make_node("Max", ["raw", "least"], ["possible"]),
        helper.make_node("Log", ["possible"], ["log_probabilities"]),
        helper.make_node("Div", ["log_probabilities", "temperature"], ["tempered"]),
        helper.make_node("Softmax", ["tempered"], [OUTPUT_NAME]),
    ]
    constants = {"least": LEAST_PROBABILITY, "temperature": ensemble.temperature}
    graph = helper.make_graph(
        nodes,
        spec.name,
        [helper.make_tensor_value_info("descriptors", TensorProto.FLOAT, ("batch", *spec.inputs[0].shape))],
        [helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, ("batch", labels))],
        [numpy_helper.from_array(np.array(value, np.float32), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(_TREES_DOMAIN, _TREES_OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    helper.set_model_props(model, {METADATA_KEY: spec.to_json()})
    onnx.checker.check_model(model, full_check=True)
    return model


def _attributes(estimator: Any) -> dict[str, list[Any]]:
    """Return the trees as the attributes of ``TreeEnsembleRegressor``, which adds up what their leaves say."""
    parts: dict[str, list[NDArray[Any]]] = defaultdict(list)
    for number, (tree, scores) in enumerate(_trees(estimator)):
        leaf = tree.children_left < 0
        parts["nodes_treeids"].append(np.full(tree.node_count, number))
        parts["nodes_nodeids"].append(np.arange(tree.node_count))
        parts["nodes_featureids"].append(np.where(leaf, 0, tree.feature))
        parts["nodes_modes"].append(np.where(leaf, "LEAF", "BRANCH_LEQ"))
        parts["nodes_values"].append(np.where(leaf, 0, _at_most(tree.threshold)))
        parts["nodes_truenodeids"].append(np.where(leaf, 0, tree.children_left))
        parts["nodes_falsenodeids"].append(np.where(leaf, 0, tree.children_right))
        rows, targets = np.nonzero(scores * leaf[:, np.newaxis])
        parts["target_treeids"].append(np.full(len(rows), number))
        parts["target_nodeids"].append(rows)
        parts["target_ids"].append(targets)
        parts["target_weights"].append(scores[rows, targets])
    return {name: np.concatenate(arrays).tolist() for name, arrays in parts.items()}


def _trees(estimator: Any) -> Iterator[tuple[Any, NDArray[np.float64]]]:
    """Yield each tree with what its nodes, being leaves, add to the labels' scores, shape (nodes, labels)."""
    labels = len(estimator.classes_)
    if isinstance(estimator, GradientBoostingClassifier):
        for one_each in estimator.estimators_:
            for k, regressor in enumerate(one_each):
                scores = np.zeros((regressor.tree_.node_count, labels))
                scores[:, k if len(one_each) > 1 else 1] = estimator.learning_rate * regressor.tree_.value[:, 0, 0]
                yield regressor.tree_, scores
        return
    members = estimator.estimators_
    if isinstance(estimator, AdaBoostClassifier):
        # J. Zhu et al., *Multi-class AdaBoost*, 2009: a softmax of votes, up to a term that all labels share.
        weights = estimator.estimator_weights_ / estimator.estimator_weights_.sum() * labels / (labels - 1) ** 2
        for member, weight in zip(members, weights, strict=False):
            yield member.tree_, weight * np.eye(labels)[member.tree_.value[:, 0].argmax(axis=1)]
        return
    for member in members:
        yield member.tree_, member.tree_.value[:, 0] / len(members)


def _at_most(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round down to single precision: then no descriptor in single precision changes sides."""
    nearest = thresholds.astype(np.float32)
    return np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)
