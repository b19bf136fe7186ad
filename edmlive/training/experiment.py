"""A whole training: from a feature store to a checkpoint, surviving whatever ends it on the way."""

import datetime
import logging
import os
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger

from edmlive.models.checkpoint import Checkpoint, Training
from edmlive.models.inputs import Architecture, inputs_of
from edmlive.models.networks import SubgenreNetwork
from edmlive.spec import ModelSpec, Provenance, VoteSpec
from edmlive.training import baselines as baselines  # whose networks can be trained
from edmlive.training.agreement import agreement, taught
from edmlive.training.chunks import WHOLE, Chunks, Span
from edmlive.training.module import TrainingError, TrainingModule, loader, standardise
from edmlive.training.predictions import predict
from edmlive.training.recipes import Recipe
from edmlive.training.run_folder import CHECKPOINT, AtomicCheckpoints, claimed
from edmlive.training.split import Split, split
from edmlive.training.store import FeatureStore, Teacher

_STATE, _BEST = "last", "best"


@dataclass(frozen=True)
class Experiment:
    """Everything that decides what a training makes.

    Parameters
    ----------
    store
        The features.
    architecture, width
        Of the network.
    recipe
        How to train.
    span
        Part of each track to look at.
    seed
        Of the split, the first weights and the order of the chunks.
    distil
        Learn the answers of the store's teacher, chunk by chunk, on all recordings, instead of genres on those that
        have one (G. Hinton, O. Vinyals and J. Dean, *Distilling the knowledge in a neural network*, 2015; at
        temperature 1, because the answers are soft already).
    licence
        SPDX identifier of the network's licence.
    """

    store: FeatureStore
    architecture: Architecture
    width: int
    recipe: Recipe
    span: Span = WHOLE
    seed: int = 0
    distil: bool = False
    licence: str = ""

    @property
    def teacher(self) -> Teacher:
        """The store's teacher.

        Raises
        ------
        TrainingError
            It has none.
        """
        if self.store.teacher is None:
            raise TrainingError(
                f"{self.store.folder} holds no teacher's answers to learn: run 'edmlive features' with --teacher."
            )
        return self.store.teacher

    @property
    def labels(self) -> tuple[str, ...]:
        """What the network answers with: the teacher's labels, or the store's genres."""
        return self.teacher.labels if self.distil else self.store.labels

    @cached_property
    def parts(self) -> Split:
        """The tracks to train on, to watch, and to test."""
        return split(self.store.tracks, self.seed, labelled=not self.distil)

    def chunks(self, part: str, *, shift: bool = False) -> Chunks:
        """Return the chunks of one part of the split.

        Raises
        ------
        TrainingError
            No track of the part reaches into the span, or the teacher has answered none.
        """
        store, inputs = self.store, inputs_of(self.architecture)
        tracks = getattr(self.parts, part)
        chunks = Chunks(
            store, tracks, self.labels, inputs, self.recipe.mel_scale, self.span, shift=shift, taught=self.distil
        )
        if not len(chunks):
            answered = f" that {self.teacher.name} has answered" if self.distil else ""
            raise TrainingError(
                f"There is no chunk of 4.64 s{answered} in any {part} track between {self.span.start:g} and "
                f"{self.span.end:g} s."
            )
        return chunks

    def training(self) -> Training:
        """Return what the checkpoint says of how it was made."""
        return Training(
            self.architecture,
            self.width,
            self.recipe.name,
            self.recipe.epochs,
            self.store.digest,
            self.seed,
            self.span.start,
            self.span.end,
            tuple(track.identity for track in self.parts.train),
            tuple(track.identity for track in self.parts.validation),
            self.teacher.digest if self.distil else "",
        )

    def settings(self) -> dict[str, Any]:
        """Return what must not change when a training goes on."""
        training = asdict(self.training())
        decided = {name: value for name, value in training.items() if name not in ("epochs", "learnt", "watched")}
        return decided | {"recipe": asdict(self.recipe)}

    def _data(self) -> str:
        tracks = [track for track in self.store.tracks if self.distil or track.genre is not None]
        by = f", labelled by {self.teacher.name} (sha256 {self.teacher.digest})" if self.distil else ""
        return f"{len(tracks)} recordings, feature store {self.store.digest}{by}"

    def spec(self, name: str) -> ModelSpec:
        """Return the spec of the network."""
        return ModelSpec(
            name,
            self.labels,
            inputs_of(self.architecture),
            window=self.store.window,
            mel_scale=self.recipe.mel_scale,
            vote=VoteSpec(votes=20, hop_seconds=1.0),
            provenance=Provenance(
                data=self._data(),
                date=datetime.date.today().isoformat(),
                licence=self.licence,
            ),
        )


def train(
    experiment: Experiment,
    folder: Path,
    *,
    device: str = "auto",
    precision: Any = "32-true",
    workers: int = 0,
    callbacks: Sequence[Callback] = (),
) -> Checkpoint:
    """Train a network and test it, going on from where an earlier call on the same folder was ended.

    Where `torchrun` has started several processes, each of them calls this; a batch is divided among them.

    Parameters
    ----------
    experiment
        What to train, on what, and how.
    folder
        Where checkpoints and logs go.
    device
        ``auto``, ``cpu`` or ``cuda``.
    precision
        Lightning's name of it, such as ``bf16-mixed``.
    workers
        Processes that prepare batches; 0 for none.
    callbacks
        Lightning callbacks, such as a progress bar.

    Returns
    -------
    Checkpoint
        The epoch of least validation loss; also in ``folder / "model.safetensors"``. The first process has tested it.

    Raises
    ------
    UserError
        The folder holds another training or a finished one, or another process trains in it; there is no such device,
        the loss is not finite, the disk is full. Earlier results stay as they are.
    """
    accelerator = _accelerator(device)
    learnt = experiment.chunks("train", shift=experiment.recipe.augment)
    watched, _ = experiment.chunks("validation"), experiment.chunks("test")  # what lacks is said now, not in the end
    with claimed(folder, experiment.settings()):
        lightning.seed_everything(experiment.seed, workers=True, verbose=False)
        truth = taught(watched, experiment.labels).majority if experiment.distil else watched.truth
        network = SubgenreNetwork(experiment.architecture, len(experiment.labels), experiment.width)
        standardise(network, learnt, experiment.seed)
        module = TrainingModule(
            network, experiment.recipe, torch.from_numpy(truth), len(experiment.labels), taught=experiment.distil
        )
        trainer = _trainer(experiment.recipe, folder, accelerator, precision, callbacks)
        state = folder / f"{_STATE}.ckpt"
        batch = max(2, experiment.recipe.batch // trainer.world_size)
        try:
            trainer.fit(
                module,
                loader(learnt, batch, shuffle=True, workers=workers),
                loader(watched, batch, workers=workers),
                ckpt_path=str(state) if state.is_file() else None,
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise TrainingError(
                f"Training cannot write to {folder} ({reason}): make room and run again; it goes on from the last "
                "epoch."
            ) from None
        kept_best = torch.load(folder / f"{_BEST}.ckpt", map_location="cpu", weights_only=True)
        module.load_state_dict(kept_best["state_dict"])
        checkpoint = Checkpoint(network.cpu().eval(), experiment.spec(folder.resolve().name), experiment.training())
        if trainer.is_global_zero:
            checkpoint = examined(checkpoint, experiment)
            checkpoint.save(folder / CHECKPOINT)
        return checkpoint


def examined(checkpoint: Checkpoint, experiment: Experiment) -> Checkpoint:
    """Return the checkpoint with what it does on the test split in its provenance: accuracy, or agreement."""
    chunks = experiment.chunks("test")
    predictions = predict(checkpoint.probabilities, checkpoint.spec.labels, chunks)
    measured_on = f"{len(predictions.heard)} test tracks of {experiment.store.folder.resolve().name}"
    if experiment.distil:
        found = agreement(predictions, taught(chunks, experiment.labels))
        assert found is not None  # the chunks are those that were answered, the labels are the teacher's
        figures, measured_on = found.figures(), f"{measured_on}, against {experiment.teacher.name}"
    else:
        figures = predictions.figures()
    provenance = replace(checkpoint.spec.provenance, measured=figures, measured_on=measured_on)
    return replace(checkpoint, spec=replace(checkpoint.spec, provenance=provenance))


def _trainer(
    recipe: Recipe, folder: Path, accelerator: str, precision: Any, callbacks: Sequence[Callback]
) -> lightning.Trainer:
    _hush()
    best = ModelCheckpoint(folder, _BEST, monitor="validation_loss", enable_version_counter=False)
    last = ModelCheckpoint(folder, _STATE, enable_version_counter=False)
    kept: list[Callback] = [best, last]
    if recipe.patience is not None:
        kept.append(_Patience("validation_loss", patience=recipe.patience))
    return lightning.Trainer(
        accelerator=accelerator,
        devices=int(os.environ.get("LOCAL_WORLD_SIZE", "1")),  # torchrun's processes on this machine
        num_nodes=int(os.environ.get("GROUP_WORLD_SIZE", "1")),
        precision=precision,
        max_epochs=recipe.epochs,
        callbacks=[*kept, *callbacks],
        logger=CSVLogger(folder, "logs"),
        plugins=[AtomicCheckpoints()],
        default_root_dir=folder,
        enable_progress_bar=any(hasattr(callback, "refresh_rate") for callback in callbacks),
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
    )


def _accelerator(device: str) -> str:
    """Return Lightning's name of ``auto``, ``cpu`` or ``cuda``."""
    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise TrainingError("PyTorch finds no CUDA GPU here: train on the CPU, or install PyTorch for CUDA.")
    return "cuda" if there and device != "cpu" else "cpu"


class _Patience(EarlyStopping):
    """Ends a training when nothing gets better, and lets it rest there when it is run again."""

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        trainer.should_stop = self.stopped_epoch > 0


def _hush() -> None:
    """Keep Lightning's advice about workers and its banner of devices off the terminal."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
