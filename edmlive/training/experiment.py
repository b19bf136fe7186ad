"""``edmlive train`` as a function, for networks: from a feature store to a checkpoint, resumable when interrupted."""

import datetime
import logging
import os
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger

from edmlive.models.checkpoint import Checkpoint, Training
from edmlive.models.inputs import CEPSTRAL, Architecture, inputs_of, require_model_name
from edmlive.models.networks import SubgenreNetwork
from edmlive.spec import ModelSpec, Provenance, VoteSpec
from edmlive.training import baselines as baselines  # whose networks can be trained
from edmlive.training.agreement import agreement, teacher_predictions
from edmlive.training.chunks import WHOLE, Chunks, Span
from edmlive.training.module import TrainingError, TrainingModule, loader, standardise
from edmlive.training.predictions import predict
from edmlive.training.recipes import RECIPES, Recipe
from edmlive.training.run_folder import CHECKPOINT, AtomicCheckpoints, claimed
from edmlive.training.split import Split, split
from edmlive.training.store import FeatureStore, Teacher

_LAST, _BEST = "last", "best"


@dataclass(frozen=True)
class Experiment:
    """Everything that determines the result of a training.

    Parameters
    ----------
    store
        The features.
    architecture, width
        Of the network.
    recipe
        How to train.
    span
        Part of each track to use.
    seed
        Of the split, the initial weights and the order of the chunks.
    distil
        Train on the answers of the store's teacher, chunk by chunk, on all recordings, instead of on the genres of
        those that have one (G. Hinton, O. Vinyals and J. Dean, *Distilling the knowledge in a neural network*, 2015; at
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
                f"{self.store.folder} holds no teacher's answers to train on: run 'edmlive features' with --teacher."
            )
        return self.store.teacher

    @property
    def labels(self) -> tuple[str, ...]:
        """The network's labels: the teacher's, or the store's genres."""
        return self.teacher.labels if self.distil else self.store.labels

    @cached_property
    def parts(self) -> Split:
        """The tracks to train on, to validate on, and to test on."""
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
            store, tracks, self.labels, inputs, self.recipe.mel_scale, self.span, shift=shift, soft_targets=self.distil
        )
        if not len(chunks):
            answered = f" that {self.teacher.name} has answered" if self.distil else ""
            raise TrainingError(
                f"There is no chunk of 4.64 s{answered} in any {part} track between {self.span.start:g} and "
                f"{self.span.end:g} s."
            )
        return chunks

    def training(self) -> Training:
        """Return how the network is trained, as its checkpoint says."""
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
        """Return what must not change when a training is resumed."""
        training = asdict(self.training())
        fixed = {name: value for name, value in training.items() if name not in ("epochs", "train", "validation")}
        return fixed | {"recipe": asdict(self.recipe)}

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
    store: Path,
    model: Architecture,
    output: Path,
    *,
    recipe: Literal["paper", "modern"] = "modern",
    width: int = 128,
    seed: int = 0,
    span: Span = WHOLE,
    epochs: int | None = None,
    batch: int | None = None,
    distil: bool = False,
    licence: str = "",
    device: str = "auto",
    precision: Any = "32-true",
    workers: int = 0,
    callbacks: Sequence[Callback] = (),
) -> Checkpoint:
    """Train a network on a feature store and test it, or resume its training if it was interrupted.

    Parameters
    ----------
    store
        Folder of a feature store.
    model
        Architecture of the network.
    output
        Folder for the checkpoint, ``model.safetensors``, and the logs; created if it does not exist.
    recipe
        ``paper`` or ``modern``.
    width
        Channels of the first block; 128 is the paper's.
    seed
        Of the split, the initial weights and the order of the chunks.
    span
        Part of each track to use.
    epochs, batch
        Instead of the recipe's, if given.
    distil
        Train on the answers of the store's teacher, on all recordings.
    licence
        SPDX identifier of the network's licence.
    device, precision, workers, callbacks
        As for `run`.

    Returns
    -------
    Checkpoint
        The network of the epoch of least validation loss; its spec says how it did on the test split.

    Raises
    ------
    UserError
        The store cannot be opened or divided; otherwise as for `run`.

    Examples
    --------
    >>> from pathlib import Path
    >>> import edmlive.training
    >>> trained = edmlive.training.train(Path("store"), "fourier", Path("run"), width=2, epochs=1)
    >>> trained.spec.labels
    ('breaks', 'house', 'jungle')
    """
    chosen = RECIPES[recipe]
    mel_scale = "db" if model in CEPSTRAL else chosen.mel_scale
    chosen = replace(chosen, epochs=epochs or chosen.epochs, batch=batch or chosen.batch, mel_scale=mel_scale)
    experiment = Experiment(FeatureStore.open(store), model, width, chosen, span, seed, distil, licence)
    return run(experiment, output, device=device, precision=precision, workers=workers, callbacks=callbacks)


def run(
    experiment: Experiment,
    folder: Path,
    *,
    device: str = "auto",
    precision: Any = "32-true",
    workers: int = 0,
    callbacks: Sequence[Callback] = (),
) -> Checkpoint:
    """Train and test the network of an experiment, resuming an earlier run that was interrupted.

    If `torchrun` started several processes, each of them calls this; a batch is divided among them.

    Parameters
    ----------
    experiment
        What to train, on what, and how.
    folder
        Folder for checkpoints and logs.
    device
        ``auto``, ``cpu`` or ``cuda``.
    precision
        As Lightning names it, such as ``bf16-mixed``.
    workers
        Number of processes that prepare batches.
    callbacks
        Lightning callbacks, such as a progress bar.

    Returns
    -------
    Checkpoint
        The network of the epoch of least validation loss, tested by the first process; also in
        ``folder / "model.safetensors"``.

    Raises
    ------
    UserError
        The folder holds another training or a finished one, or another process is training in it; there is no such
        device; the loss is not finite; the disk is full. Earlier results stay as they are.
    """
    accelerator = _accelerator(device)
    name = folder.resolve().name
    require_model_name(name)
    train_chunks = experiment.chunks("train", shift=experiment.recipe.augment)
    validation_chunks = experiment.chunks("validation")
    experiment.chunks("test")  # raises now, not after training, if there are none
    with claimed(folder, experiment.settings()):
        lightning.seed_everything(experiment.seed, workers=True, verbose=False)
        module = _module(experiment, train_chunks, validation_chunks)
        trainer = _trainer(experiment.recipe, folder, accelerator, precision, callbacks)
        batch = max(2, experiment.recipe.batch // trainer.world_size)
        last = folder / f"{_LAST}.ckpt"
        try:
            trainer.fit(
                module,
                loader(train_chunks, batch, shuffle=True, workers=workers),
                loader(validation_chunks, batch, workers=workers),
                ckpt_path=str(last) if last.is_file() else None,
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise TrainingError(
                f"Training cannot write to {folder} ({reason}): make room and run again; it resumes after the last "
                "epoch."
            ) from None
        best = torch.load(folder / f"{_BEST}.ckpt", map_location="cpu", weights_only=True)
        module.load_state_dict(best["state_dict"])
        network = module.network.cpu().eval()
        checkpoint = Checkpoint(network, experiment.spec(name), experiment.training())
        if trainer.is_global_zero:
            checkpoint = evaluated(checkpoint, experiment)
            checkpoint.save(folder / CHECKPOINT)
        return checkpoint


def evaluated(checkpoint: Checkpoint, experiment: Experiment) -> Checkpoint:
    """Return the checkpoint with its accuracy, or agreement with the teacher, on the test split in its provenance."""
    chunks = experiment.chunks("test")
    predictions = predict(checkpoint.probabilities, checkpoint.spec.labels, chunks)
    measured_on = f"{len(predictions.songs)} test tracks of {experiment.store.folder.resolve().name}"
    if experiment.distil:
        compared = agreement(predictions, teacher_predictions(chunks, experiment.labels))
        assert compared is not None  # all chunks have the teacher's answer, and the labels are the teacher's
        figures, measured_on = compared.figures(), f"{measured_on}, against {experiment.teacher.name}"
    else:
        figures = predictions.figures()
    provenance = replace(checkpoint.spec.provenance, measured=figures, measured_on=measured_on)
    return replace(checkpoint, spec=replace(checkpoint.spec, provenance=provenance))


def _module(experiment: Experiment, train: Chunks, validation: Chunks) -> TrainingModule:
    """Return an untrained network, standardised by the training split, with how to train and validate it."""
    labels, distil = experiment.labels, experiment.distil
    network = SubgenreNetwork(experiment.architecture, len(labels), experiment.width)
    standardise(network, train, experiment.seed)
    truth = teacher_predictions(validation, labels).majority if distil else validation.truth
    return TrainingModule(network, experiment.recipe, torch.from_numpy(truth), len(labels), soft_targets=distil)


def _trainer(
    recipe: Recipe, folder: Path, accelerator: str, precision: Any, callbacks: Sequence[Callback]
) -> lightning.Trainer:
    _quiet_lightning()
    best = ModelCheckpoint(folder, _BEST, monitor="validation_loss", enable_version_counter=False)
    last = ModelCheckpoint(folder, _LAST, enable_version_counter=False)
    own: list[Callback] = [best, last]
    if recipe.patience is not None:
        own.append(_Patience("validation_loss", patience=recipe.patience))
    return lightning.Trainer(
        accelerator=accelerator,
        devices=int(os.environ.get("LOCAL_WORLD_SIZE", "1")),  # processes of torchrun on this machine
        num_nodes=int(os.environ.get("GROUP_WORLD_SIZE", "1")),
        precision=precision,
        max_epochs=recipe.epochs,
        callbacks=[*own, *callbacks],
        logger=CSVLogger(folder, "logs"),
        plugins=[AtomicCheckpoints()],
        default_root_dir=folder,
        enable_progress_bar=any(hasattr(callback, "refresh_rate") for callback in callbacks),
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
    )


def _accelerator(device: str) -> str:
    """Return Lightning's accelerator for ``auto``, ``cpu`` or ``cuda``."""
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise TrainingError("PyTorch finds no CUDA GPU here: train on the CPU, or install PyTorch for CUDA.")
    return "cuda" if available and device != "cpu" else "cpu"


class _Patience(EarlyStopping):
    """Early stopping that still holds when the training is run again."""

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        trainer.should_stop = self.stopped_epoch > 0


def _quiet_lightning() -> None:
    """Silence Lightning's advice about workers and its list of devices."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
