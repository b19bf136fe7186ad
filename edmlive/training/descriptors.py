"""Training of the network over descriptors."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from edmlive.features.rhythm import RHYTHM_NAMES
from edmlive.features.timbre import TIMBRE_NAMES
from edmlive.models.descriptors import DescriptorFeatures, DescriptorNetwork, Perceptrons
from edmlive.spec import LOOK_BACK, InputSpec, ModelSpec, Provenance, VoteSpec
from edmlive.training.datasets import Tracks
from edmlive.training.real_music import RealMusic
from edmlive.training.transplants import Transplants

TEMPO = "71-BPMessentia"
DESCRIPTORS = (*TIMBRE_NAMES, "70-BPMconf", TEMPO, *RHYTHM_NAMES[6:16])
"""The network's inputs: 1-68, 70, 71 and 77-86. The other published ones added nothing in cross-validation."""

WINDOW_SECONDS = 90.0
"""The data sets describe two minutes of each track. With the errors that shorter windows of real tracks showed, top-1
accuracy fell from 56.8 % to 56.0 % at 90 s, 54.0 % at 60 s and 49.6 % at 30 s."""
WARM_UP_SECONDS = 7.0
"""One second more than the beat tracker needs."""
MINIMUM_CONFIDENCE = 0.25
"""One answer in fourteen is less sure than this; of those, one in five is right."""

MEMBERS = 8
UNITS = 512
DETECTOR_UNITS = 64
DETECTOR_SHARES = (0.3, 0.3, 0.15, 0.25)
"""Weights of the tables, of real electronic music, of other music and of sounds that are no music."""
WEIGHT_DECAY = 0.4
"""L2 penalty, divided by the tracks in a batch."""
LEARNING_RATE = 2e-3
BATCH = 256
EPOCHS = 30
HANDLED_EPOCHS = 80
DETECTOR_EPOCHS = 12
"""With transplanted handlings, no two of which are the same."""
HANDLED_SHARE = 0.8
"""Share of the tracks of a batch that a handling is transplanted to."""
REAL_SHARE = 0.5
"""Real recordings in an epoch, as a share of the tracks: each is to get the answer of its untouched two minutes."""
TEACHERS = 4
NOISE = 0.15
"""Standard deviation of the noise on handled descriptors, in theirs."""

POOL_WEIGHT = 0.25
"""Weight of a pooled track: one name means somewhat different music five years apart."""


@dataclass(frozen=True)
class Lesson:
    """What a network is trained on.

    Parameters
    ----------
    levels
        Levels of the descriptors, shape (tracks, descriptors).
    targets
        Probabilities of the genres, or of the unknown alone, shape (tracks, outputs).
    weights
        Weight of each track, shape (tracks,).
    clean
        Whether a track is as it was released, so that handlings may be transplanted to it, bool, shape (tracks,).
    differences
        Differences of levels that handlings make, shape (handlings, descriptors); ``None`` for none.
    noise
        Standard deviation of noise on the levels of handled tracks, shape (descriptors,).
    drawn
        The last tracks, of which each epoch takes `REAL_SHARE` of the number of all others; 0 to take all.
    """

    levels: Tensor
    targets: Tensor
    weights: Tensor
    clean: Tensor
    differences: Tensor | None
    noise: Tensor
    drawn: int = 0

    def order(self, generator: torch.Generator) -> Tensor:
        """Return the tracks of an epoch in random order."""
        always = len(self.levels) - self.drawn
        if not self.drawn:
            return torch.randperm(always, generator=generator)
        extra = torch.randint(always, len(self.levels), (int(REAL_SHARE * always),), generator=generator)
        order = torch.cat([torch.arange(always), extra])
        return order[torch.randperm(len(order), generator=generator)]

    def batch(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """Return the levels of some tracks, most of them handled at random; the shape of `rows`, and descriptors."""
        levels = self.levels[rows]
        if self.differences is None:
            return levels
        drawn = torch.randint(len(self.differences), rows.shape, generator=generator)
        handled = (torch.rand(rows.shape, generator=generator) < HANDLED_SHARE) & self.clean[rows]
        noise = torch.randn(levels.shape, generator=generator) * self.noise
        return torch.where(handled[..., None], levels + self.differences[drawn] + noise, levels)


def fit(
    tracks: Tracks, pool: Tracks | None = None, real: RealMusic | None = None, *, seed: int = 0, members: int = MEMBERS
) -> DescriptorNetwork:
    """Train the network; its labels are the sorted genres of `tracks`, and it is not calibrated yet.

    Parameters
    ----------
    tracks
        Tracks with their descriptors; `LOOK_BACK` among them for a network that takes any.
    pool
        More tracks of the same genres, each counting for `POOL_WEIGHT`; descriptors may be missing.
    real
        Descriptors of real music under handlings, to be transplanted, and of what is no electronic music.
    seed
        Of the initial weights and of the order of the tracks.
    members
        Perceptrons to average.
    """
    features = features_of(tracks)
    labels, targets = np.unique(tracks.genres, return_inverse=True)
    values, weights = tracks.values, np.ones(len(tracks))
    if pool is not None:
        values = np.concatenate([values, pool.values])
        targets = np.concatenate([targets, np.searchsorted(labels, pool.genres)])
        weights = np.concatenate([weights, np.full(len(pool), POOL_WEIGHT)])
    differences = None if real is None else Transplants(real, features).differences
    noise = NOISE * features.scale
    noise[[tracks.names.index(name) for name in (TEMPO, LOOK_BACK) if name in tracks.names]] = 0.0
    levels = features.levels(torch.from_numpy(values))
    clean = torch.ones(len(levels), dtype=torch.bool)
    genre = functional.one_hot(torch.from_numpy(targets), len(labels)).double()
    table = Lesson(levels, genre, torch.from_numpy(weights), clean, differences, noise)
    lesson = (
        table if real is None else _with_real(table, real, features, fit(tracks, pool, seed=seed, members=TEACHERS))
    )
    genres = Perceptrons.random(members, features.size, UNITS, len(labels), seed)
    _train(genres, features, lesson, EPOCHS if real is None else HANDLED_EPOCHS, seed)
    look_back = tracks.names.index(LOOK_BACK) if LOOK_BACK in tracks.names else None
    return DescriptorNetwork(features, genres, _detector(features, table, real, seed), look_back)


def features_of(tracks: Tracks) -> DescriptorFeatures:
    """Return the features of descriptors, standardised by some tracks."""
    return DescriptorFeatures(len(tracks.names), tracks.names.index(TEMPO)).fit(tracks.values)


def _with_real(table: Lesson, real: RealMusic, features: DescriptorFeatures, teacher: DescriptorNetwork) -> Lesson:
    """Add real recordings under handlings, which are to get what a teacher answers to their untouched two minutes."""
    handled, whole = real.pairs()
    answers = torch.from_numpy(teacher.probabilities(real.values[whole]))
    return replace(
        table,
        levels=torch.cat([table.levels, features.levels(torch.from_numpy(real.values[handled]))]),
        targets=torch.cat([table.targets, answers]),
        weights=torch.cat([table.weights, torch.ones(len(handled), dtype=torch.float64)]),
        clean=torch.cat([table.clean, torch.zeros(len(handled), dtype=torch.bool)]),
        drawn=len(handled),
    )


def _detector(features: DescriptorFeatures, lesson: Lesson, real: RealMusic | None, seed: int) -> Perceptrons | None:
    """Train the perceptrons that tell what is no electronic music, if any is at hand."""
    if real is None or real.electronic.all():
        return None
    levels = torch.cat([lesson.levels, features.levels(torch.from_numpy(real.values))])
    targets = np.concatenate([np.zeros(len(lesson.levels)), ~real.electronic])
    groups = np.concatenate(
        [np.zeros(len(lesson.levels), int), np.where(real.electronic, 1, np.where(real.music, 2, 3))]
    )
    weights = np.array(DETECTOR_SHARES)[groups] / np.bincount(groups, minlength=len(DETECTOR_SHARES))[groups]
    weights *= len(weights)
    detector = Perceptrons.random(MEMBERS // 2, features.size, DETECTOR_UNITS, 1, seed)
    both = replace(
        lesson,
        levels=levels,
        targets=torch.from_numpy(targets)[:, None],
        weights=torch.from_numpy(weights),
        clean=torch.cat([lesson.clean, torch.zeros(len(real), dtype=torch.bool)]),
    )
    _train(detector, features, both, DETECTOR_EPOCHS, seed)
    return detector


def _train(perceptrons: Perceptrons, features: DescriptorFeatures, lesson: Lesson, epochs: int, seed: int) -> None:
    """Train each perceptron on batches of its own, with Adam, in single precision."""
    generator = torch.Generator().manual_seed(seed)
    members, tracks = len(perceptrons.hidden_weights), len(lesson.order(generator))
    batch = min(BATCH, tracks)
    optimizer = torch.optim.Adam(perceptrons.tensors, LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * (tracks // batch))
    for _ in range(epochs):
        orders = torch.stack([lesson.order(generator) for _ in range(members)])
        inputs = features.of_levels(lesson.batch(orders, generator)).float()
        targets, weights = lesson.targets[orders].float(), lesson.weights[orders].float()
        for first in range(0, tracks - batch + 1, batch):
            part = slice(first, first + batch)
            loss = (_losses(perceptrons(inputs[:, part]), targets[:, part]) * weights[:, part]).mean(dim=1).sum()
            for layer in (perceptrons.hidden_weights, perceptrons.output_weights):
                loss = loss + 0.5 * WEIGHT_DECAY / batch * layer.square().sum()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()


def _losses(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropies of (members, tracks, outputs) logits, shape (members, tracks)."""
    if logits.shape[2] == 1:
        return functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")[..., 0]
    return -(logits.log_softmax(dim=-1) * targets).sum(dim=-1)


def describe(
    name: str, labels: tuple[str, ...], provenance: Provenance, descriptors: tuple[str, ...] = DESCRIPTORS
) -> ModelSpec:
    """Return the spec of a calibrated model over descriptors."""
    taken = InputSpec(
        "descriptors",
        (len(descriptors),),
        descriptors=descriptors,
        seconds=WINDOW_SECONDS,
        warm_up_seconds=WARM_UP_SECONDS,
        levelled=LOOK_BACK in descriptors,
    )
    return ModelSpec(
        name, labels, (taken,), vote=VoteSpec(minimum_confidence=MINIMUM_CONFIDENCE), provenance=provenance
    )
