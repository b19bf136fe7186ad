"""Computing once what overlapping chunks share changes no answer and saves most of the work."""

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from edmlive.errors import ModelError
from edmlive.models.column_reuse import ColumnReuse
from edmlive.models.inputs import CHUNK_FRAMES, Architecture
from edmlive.models.networks import SubgenreNetwork
from edmlive.overlap import SHIFT_FRAMES
from tests.export.test_network import untrained

CHUNKS = 12


def stream(source: SubgenreNetwork) -> list[dict[str, Tensor]]:
    """Features of chunks that overlap."""
    chunks = []
    frames = CHUNK_FRAMES + (CHUNKS - 1) * SHIFT_FRAMES
    whole = {i.name: torch.randn(1, *i.shape[:-1], frames // i.stride) for i in source.inputs}
    for k in range(CHUNKS):
        starts = {i.name: k * SHIFT_FRAMES // i.stride for i in source.inputs}
        chunks.append({i.name: whole[i.name][..., starts[i.name] :][..., : i.shape[-1]] for i in source.inputs})
    return chunks


@pytest.mark.parametrize("architecture", ["mel", "early-fusion", "late-fusion", "metric-fusion"])
@torch.inference_mode()
def test_every_chunk_after_four_has_the_networks_logits_whatever_was_remembered_first(
    architecture: Architecture,
) -> None:
    source = untrained(architecture).network
    reuse = ColumnReuse(source)
    heard: list[dict[str, Tensor]] = []
    for k, chunk in enumerate(stream(source)):
        rubbish = {p.past: 100 * torch.randn(1, *p.shape) for p in reuse.pieces}
        past = {p.past: heard[-p.age][p.present] if p.age <= k else rubbish[p.past] for p in reuse.pieces}
        logits, present = reuse(chunk, past)
        heard.append(present)
        if k >= 4:
            torch.testing.assert_close(logits, source(chunk), rtol=1e-5, atol=1e-5)


def test_it_takes_three_eighths_of_the_multiplications() -> None:
    source = untrained("late-fusion", 128).network
    reuse = ColumnReuse(source)
    chunk, past = stream(source)[0], {p.past: torch.zeros(1, *p.shape) for p in reuse.pieces}
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        reuse(chunk, past)
    assert counter.get_total_flops() / 2e9 == pytest.approx(0.90, abs=5e-3)


def test_what_is_remembered_of_a_chunk_at_the_papers_width_is_small() -> None:
    pieces = {p.present: p.shape for p in ColumnReuse(untrained("late-fusion", 128).network).pieces}
    assert sum(torch.Size(shape).numel() for shape in pieces.values()) * 4 < 600_000, "bytes"


def test_the_network_itself_stays_as_it_is() -> None:
    source = untrained("late-fusion").network.train()
    before = {name: tensor.clone() for name, tensor in source.state_dict().items()}
    ColumnReuse(source)
    assert source.training
    torch.testing.assert_close(dict(source.state_dict()), before)


@pytest.mark.parametrize("architecture", ["temporal-fusion", "fourier", "mfcc-lstm"])
def test_networks_that_share_no_columns_are_refused(architecture: Architecture) -> None:
    with pytest.raises(ModelError, match="short-chunk CNN"):
        ColumnReuse(untrained(architecture).network)
