"""The whole chain on real tracks: the shipped model agrees on our descriptors and on the reference ones."""

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edmlive.features.windows import Windows
from edmlive.realtime.classifier import Classifier
from edmlive.spec import LOOK_BACK
from tests.conftest import Row


def test_default_model_agrees_on_live_and_reference_descriptors(
    reference_descriptors: list[Row], load_excerpt: Callable[[Row], NDArray[np.float32]]
) -> None:
    classifier = Classifier()
    (taken,) = classifier.spec.inputs
    # The reference describes two minutes at once, as they are, so the live window has to do the same.
    spec = dataclasses.replace(classifier.spec, inputs=(dataclasses.replace(taken, seconds=120.0, levelled=False),))
    ours, theirs = [], []
    for row in reference_descriptors:
        windows = Windows(spec)
        windows.push(load_excerpt(row))
        tensors = windows.read(whole=False).tensors
        assert tensors is not None
        ours.append(classifier.probabilities(tensors))
        reference = np.array([(row | {LOOK_BACK: 120.0})[name] for name in taken.descriptors], np.float32)
        theirs.append(classifier.probabilities({"descriptors": reference}))
    mine, reference_answers = np.array(ours), np.array(theirs)
    same = np.mean(mine.argmax(axis=1) == reference_answers.argmax(axis=1))
    in_top_3 = np.mean([_first_in_top_3(a, b) and _first_in_top_3(b, a) for a, b in zip(ours, theirs, strict=True)])
    print(f"top-1 agrees on {same:.1%} of {len(ours)} tracks, each in the other's top-3 on {in_top_3:.1%}")
    assert same >= 0.75
    assert in_top_3 >= 0.95


def _first_in_top_3(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return int(one.argmax()) in np.argsort(other)[-3:].tolist()
