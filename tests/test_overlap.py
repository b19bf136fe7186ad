"""Running graphs that remember: the plain network's answers whatever comes, and less work where chunks follow."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edmlive.export.network import remembering_graph, session
from edmlive.models.checkpoint import Checkpoint
from edmlive.overlap import SHIFT_FRAMES, Features, Remembering, classify_with
from edmlive.realtime.windows import Windows
from tests.export.test_network import untrained
from tests.music import render


class Counted:
    """An ONNX Runtime session that counts its runs."""

    def __init__(self, opened: Any) -> None:
        self._opened, self.runs = opened, 0
        self.get_inputs, self.get_outputs = opened.get_inputs, opened.get_outputs

    def run(self, names: list[str], feeds: dict[str, NDArray[np.float32]]) -> Any:
        self.runs += 1
        return self._opened.run(names, feeds)


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return untrained("late-fusion")


@pytest.fixture
def counted(checkpoint: Checkpoint, opened: Any) -> Counted:
    return Counted(opened)


@pytest.fixture(scope="module")
def opened(checkpoint: Checkpoint) -> Any:
    return session(remembering_graph(checkpoint))


def chunk(checkpoint: Checkpoint, number: int, seed: int = 0) -> Features:
    """One of the overlapping chunks of a stream of noise."""
    random = np.random.default_rng(seed)
    made: dict[str, NDArray[np.float32]] = {}
    for i in checkpoint.spec.inputs:
        rows = random.standard_normal((*i.shape[:-1], 800 // i.stride), np.float32)
        start = number * SHIFT_FRAMES // i.stride
        made[i.name] = rows[np.newaxis, ..., start : start + i.shape[-1]]
    return made


def test_a_stream_with_breaks_gets_the_networks_answers(checkpoint: Checkpoint, counted: Counted) -> None:
    run = classify_with(counted)
    runs = []
    for number, seed in ((0, 0), (1, 0), (2, 0), (4, 0), (5, 0), (5, 0), (0, 1), (6, 0), (7, 0)):
        heard = chunk(checkpoint, number, seed)
        before = counted.runs
        np.testing.assert_allclose(run(heard), checkpoint.probabilities(heard), atol=1e-5)
        runs.append(counted.runs - before)
    assert runs == [5, 1, 1, 5, 1, 5, 5, 5, 1], "one where a chunk follows the one before"


def test_a_batch_is_taken_in_order(checkpoint: Checkpoint, counted: Counted) -> None:
    chunks = [chunk(checkpoint, number) for number in (0, 1, 2, 7, 8)]
    batch = {name: np.concatenate([c[name] for c in chunks]) for name in chunks[0]}
    answers = classify_with(counted)(batch)
    np.testing.assert_allclose(answers, checkpoint.probabilities(batch), atol=1e-5)
    assert counted.runs == 5 + 1 + 1 + 5 + 1


def test_two_streams_share_a_session(checkpoint: Checkpoint, counted: Counted) -> None:
    runs = [Remembering(counted), Remembering(counted)]
    for number in range(3):
        for seed, run in enumerate(runs):
            heard = chunk(checkpoint, number, seed)
            np.testing.assert_allclose(run(heard), checkpoint.probabilities(heard), atol=1e-5)
    assert counted.runs == 2 * (5 + 1 + 1)


def test_live_windows_follow_each_other(checkpoint: Checkpoint, counted: Counted) -> None:
    """Features that are heard in two chunks are the same to the last bit."""
    spec = checkpoint.spec
    windows, run = Windows(spec), classify_with(counted)
    hop = SHIFT_FRAMES * spec.hop_length
    samples = render(10 * hop / spec.sample_rate, spec.sample_rate)[:, 0].copy()
    decided = 0
    for segment in samples.reshape(-1, hop):
        windows.push(segment)
        tensors = windows.read().tensors
        if tensors is not None:
            heard = {name: array[np.newaxis] for name, array in tensors.items()}
            np.testing.assert_allclose(run(heard), checkpoint.probabilities(heard), atol=1e-5)
            decided += 1
    assert decided >= 4
    assert counted.runs == 5 + (decided - 1)
