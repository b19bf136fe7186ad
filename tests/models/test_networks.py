"""The paper's networks: their shapes, their size, and what each part can and cannot see."""

from typing import Any, get_args

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from edmlive.models.inputs import ARCHITECTURES, AUTOCORRELATION, CEPSTRAL, FOURIER, MEL, Architecture, inputs_of
from edmlive.models.networks import MetricHead, SubgenreNetwork
from edmlive.models.short_chunk import ShortChunkCnn
from edmlive.models.tempo import FusedConvolutions, ParallelConvolutions, TemporalConvolutions

WIDTH = 4


def chunks(network: SubgenreNetwork, batch: int = 3) -> dict[str, torch.Tensor]:
    return {i.name: torch.rand(batch, *i.shape) for i in network.inputs}


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if name not in CEPSTRAL])
def test_every_network_maps_raw_chunks_to_logits(architecture: Architecture) -> None:
    network = SubgenreNetwork(architecture, labels=7, width=WIDTH).eval()
    assert network.inputs == inputs_of(architecture)
    logits = network(chunks(network))
    assert logits.shape == (3, 7)
    assert logits.min() < 0, "logits, not probabilities"
    assert network.embed(chunks(network)).shape == (3, 512)


def test_the_rows_of_table_1_take_what_the_paper_says() -> None:
    assert get_args(Architecture) == ARCHITECTURES
    assert inputs_of("mel") == inputs_of("mfcc-lstm") == inputs_of("mfcc-mlp") == (MEL,)
    assert inputs_of("fourier") == (FOURIER,)
    assert inputs_of("autocorrelation") == (AUTOCORRELATION,)
    assert inputs_of("early-fusion") == inputs_of("late-fusion") == (MEL, FOURIER, AUTOCORRELATION)
    assert {i.frames for i in inputs_of("late-fusion")} == {200}, "all inputs cover the same 4.64 s"


def test_late_fusion_at_the_papers_width_has_12_million_parameters_and_2_4_billion_multiplications() -> None:
    network = SubgenreNetwork("late-fusion", labels=30).eval()
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 1) == 12.3
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(chunks(network, batch=1))
    assert counter.get_total_flops() / 2e9 == pytest.approx(2.405, abs=1e-3)


def test_short_chunk_cnn_halves_seven_times_through_the_papers_channels() -> None:
    network = ShortChunkCnn()
    blocks: Any = network.blocks
    assert [block.residual[0].out_channels for block in blocks] == [128, 128, 256, 256, 256, 256, 512]
    maps, shapes = torch.rand(2, 1, 128, 200), []
    for block in ShortChunkCnn(WIDTH).blocks:
        maps = block(maps)
        shapes.append(tuple(maps.shape[2:]))
    assert shapes == [(64, 100), (32, 50), (16, 25), (8, 13), (4, 7), (2, 4), (1, 2)]


def test_standardisation_is_per_feature_dimension_and_inside_the_network() -> None:
    network = SubgenreNetwork("mel", labels=3, width=WIDTH).eval()
    raw = chunks(network)
    expected = network(raw)
    mean, deviation = torch.randn(128, 1), torch.rand(128, 1) + 0.5
    network.standardise["mel"].load_state_dict({"mean": mean, "deviation": deviation})
    torch.testing.assert_close(network({"mel": raw["mel"] * deviation + mean}), expected, rtol=1e-4, atol=1e-4)


def test_parallel_convolutions_treat_every_column_alike() -> None:
    branch = ParallelConvolutions(bins=193, filters=WIDTH).eval()
    tempogram, order = torch.rand(2, 193, 50), torch.randperm(50)
    assert branch(tempogram).shape == (2, WIDTH, branch.size, 1)
    torch.testing.assert_close(branch(tempogram[..., order]), branch(tempogram))
    apart = torch.cat(
        [branch(tempogram[..., :20]).expand(-1, -1, -1, 2), branch(tempogram[..., 20:]).expand(-1, -1, -1, 3)], 3
    )
    torch.testing.assert_close(apart.mean(dim=3, keepdim=True), branch(tempogram))


def test_early_fusion_joins_before_and_late_fusion_after_the_parallel_convolutions() -> None:
    early, late = (FusedConvolutions((193, 384), WIDTH, early=flag) for flag in (True, False))
    assert len(early.parallel) == 1
    assert len(late.parallel) == 2
    tempograms = [torch.rand(3, 193, 50), torch.rand(3, 384, 50)]
    assert early(tempograms).shape == (3, early.size)
    assert late(tempograms).shape == (3, late.size)
    assert late.size == 390


def test_tempo_keeps_its_place_in_the_vector() -> None:
    """The maximum is over neighbours, so two tempi do not look alike."""
    branch = FusedConvolutions((384,), WIDTH, early=False).eval()
    slow, fast = torch.zeros(1, 384, 50), torch.zeros(1, 384, 50)
    slow[:, 44], fast[:, 30] = 1.0, 1.0
    assert (branch([slow]) - branch([fast])).abs().max() > 1e-4


def test_temporal_convolutions_are_causal_and_look_back_on_the_whole_chunk() -> None:
    branch = TemporalConvolutions((193, 384), WIDTH).eval()
    sequence = torch.rand(1, branch.size, 50)
    changed = sequence.clone()
    changed[..., 30:] = 0
    answer, other = branch.blocks(sequence), branch.blocks(changed)
    torch.testing.assert_close(answer[..., :30], other[..., :30])
    sequence.requires_grad_()
    branch.blocks(sequence)[..., -1].sum().backward()
    assert sequence.grad is not None
    assert (sequence.grad.abs().sum(dim=(0, 1)) > 0).all()


def test_metric_head_compares_directions_only() -> None:
    head = MetricHead(16, labels=5)
    embedding = torch.rand(2, 16)
    torch.testing.assert_close(head(embedding), head(7 * embedding))
    torch.testing.assert_close(head(head.prototypes).argmax(dim=1), torch.arange(5))
    assert isinstance(SubgenreNetwork("metric-fusion", 5, WIDTH).classify, MetricHead)


def test_dropout_works_in_training_only() -> None:
    network = SubgenreNetwork("late-fusion", labels=3, width=WIDTH)
    assert [m.p for m in network.modules() if isinstance(m, nn.Dropout)] == [0.5]
    heard = chunks(network)
    assert not torch.equal(network(heard), network(heard))
    network.eval()
    torch.testing.assert_close(network(heard), network(heard))
