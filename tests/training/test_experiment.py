"""Training from a store to a checkpoint: it learns, it survives, and it says what is wrong."""

import csv
import dataclasses
import shutil
from pathlib import Path

import lightning
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import LambdaCallback

from edmlive.errors import ModelError, UserError
from edmlive.models.checkpoint import Checkpoint
from edmlive.models.inputs import inputs_of
from edmlive.models.networks import SubgenreNetwork
from edmlive.training.chunks import Chunks, Span
from edmlive.training.corpus import CorpusError
from edmlive.training.experiment import Experiment, run
from edmlive.training.module import LEAST_AUTOCORRELATION, TrainingError, standardise
from edmlive.training.recipes import MODERN, PAPER
from edmlive.training.run_folder import CHECKPOINT
from edmlive.training.store import FeatureStore, answers_file

QUICK = dataclasses.replace(MODERN, epochs=2, batch=12)


@pytest.fixture
def experiment(store: FeatureStore) -> Experiment:
    return Experiment(store, "fourier", width=4, recipe=QUICK)


def epochs(folder: Path) -> list[list[str]]:
    return [
        sorted({row["epoch"] for row in csv.DictReader(path.open())})
        for path in sorted(folder.glob("logs/version_*/metrics.csv"))
    ]


def test_learns_to_distinguish_tempi(store: FeatureStore, tmp_path: Path) -> None:
    recipe = dataclasses.replace(PAPER, epochs=12, batch=6)
    checkpoint = run(Experiment(store, "autocorrelation", 4, recipe), tmp_path / "run")
    tested = Chunks(store, store.tracks, store.labels, inputs_of("autocorrelation"), "power")
    heard = [tested[i] for i in range(len(tested))]
    features = torch.from_numpy(np.stack([f["autocorrelation_tempogram"] for f, _, _ in heard]))
    answers = checkpoint.network({"autocorrelation_tempogram": features}).argmax(dim=1)
    assert (answers == torch.tensor([label for _, label, _ in heard])).double().mean() > 0.8


def test_checkpoint_holds_the_network_and_what_it_means(experiment: Experiment, tmp_path: Path) -> None:
    trained = run(experiment, tmp_path / "run")
    loaded = Checkpoint.load(tmp_path / "run" / CHECKPOINT)
    assert loaded.spec == trained.spec and loaded.training == trained.training
    assert loaded.spec.name == "run"
    assert loaded.spec.labels == experiment.store.labels
    assert loaded.spec.inputs == inputs_of("fourier")
    assert loaded.spec.window == experiment.store.window == "hamming"
    assert loaded.spec.mel_scale == "db"
    assert loaded.training.store == experiment.store.digest
    heard = {"fourier_tempogram": torch.rand(2, 193, 50)}
    torch.testing.assert_close(loaded.network(heard), trained.network(heard), rtol=0, atol=0)
    assert epochs(tmp_path / "run") == [["0", "1"]]


class InterruptAfter(lightning.Callback):
    """Ends the training from outside when an epoch has been trained, before it is validated and kept."""

    def __init__(self, epoch: int) -> None:
        self._epoch = epoch

    def on_validation_start(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        if trainer.current_epoch == self._epoch:
            raise SystemExit


def test_resumes_after_the_last_whole_epoch_as_if_never_interrupted(experiment: Experiment, tmp_path: Path) -> None:
    experiment = dataclasses.replace(experiment, recipe=dataclasses.replace(QUICK, epochs=4))
    with pytest.raises(SystemExit):
        run(experiment, tmp_path / "run", callbacks=[InterruptAfter(2)])
    assert not (tmp_path / "run" / CHECKPOINT).exists()
    run(experiment, tmp_path / "run")
    first, second = epochs(tmp_path / "run")
    assert first[:2] == ["0", "1"]
    assert second == ["2", "3"]
    with pytest.raises(TrainingError, match="finished training"):
        run(experiment, tmp_path / "run")
    run(experiment, tmp_path / "whole")
    resumed, whole = (torch.load(tmp_path / name / "last.ckpt", weights_only=True) for name in ("run", "whole"))
    torch.testing.assert_close(resumed["state_dict"], whole["state_dict"], rtol=0, atol=0)


@pytest.mark.parametrize("patience", [None, 1], ids=["all epochs", "stopped early"])
def test_resumes_if_only_its_test_was_interrupted(
    patience: int | None, experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if patience is not None:  # a rate at which nothing gets better for long
        hasty = dataclasses.replace(QUICK, epochs=20, patience=patience, learning_rate=5.0)
        experiment = dataclasses.replace(experiment, recipe=hasty)

    def interrupted(*_: object) -> Checkpoint:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("edmlive.training.experiment.evaluated", interrupted)
        run(experiment, tmp_path / "run")
    assert not (tmp_path / "run" / CHECKPOINT).exists()
    (trained,) = epochs(tmp_path / "run")
    state = torch.load(tmp_path / "run/last.ckpt", weights_only=True)["state_dict"]
    assert len(trained) == 2 if patience is None else 2 <= len(trained) < 20
    assert run(experiment, tmp_path / "run").spec.provenance.measured
    assert epochs(tmp_path / "run") == [trained]
    again = torch.load(tmp_path / "run/last.ckpt", weights_only=True)["state_dict"]
    torch.testing.assert_close(again, state, rtol=0, atol=0)


def test_log_has_losses_accuracies_and_learning_rate(experiment: Experiment, tmp_path: Path) -> None:
    run(experiment, tmp_path / "run")
    logged: dict[str, dict[str, float]] = {"0": {}, "1": {}}
    for row in csv.DictReader((tmp_path / "run/logs/version_0/metrics.csv").open()):
        logged[row["epoch"]] |= {name: float(value) for name, value in row.items() if value}
    of_both = ("training_loss", "training_chunk_accuracy", "validation_loss", "validation_chunk_accuracy")
    for figures in logged.values():
        assert {*of_both, "validation_song_accuracy", "learning_rate"} <= set(figures)
    assert 0 < logged["1"]["learning_rate"] < MODERN.learning_rate


def test_another_training_in_the_folder_is_refused(experiment: Experiment, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        run(experiment, tmp_path / "run", callbacks=[InterruptAfter(0)])
    for change, word in (({"width": 5}, "width"), ({"seed": 1}, "seed"), ({"recipe": PAPER}, "recipe")):
        with pytest.raises(TrainingError, match=f"another.* {word}"):
            run(dataclasses.replace(experiment, **change), tmp_path / "run")


@pytest.mark.parametrize("when", ["on_train_epoch_start", "on_validation_start"])
def test_loss_that_is_no_number_ends_training_and_keeps_what_was(
    experiment: Experiment, tmp_path: Path, when: str
) -> None:
    experiment = dataclasses.replace(experiment, recipe=dataclasses.replace(QUICK, epochs=3))

    def poison(trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        if trainer.current_epoch == 1:
            next(module.parameters()).data.fill_(torch.nan)

    with pytest.raises(TrainingError, match="became nan in epoch 2"):
        run(experiment, tmp_path / "run", callbacks=[LambdaCallback(**{when: poison})])
    for name in ("last.ckpt", "best.ckpt"):
        state = torch.load(tmp_path / "run" / name, weights_only=True)["state_dict"]
        assert all(weights.isfinite().all() for weights in state.values())


def test_full_disk_is_one_sentence_and_earlier_epochs_stay(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit):
        run(experiment, tmp_path / "run", callbacks=[InterruptAfter(1)])
    before = (tmp_path / "run" / "last.ckpt").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edmlive.training.run_folder.TorchCheckpointIO.save_checkpoint", full)
    with pytest.raises(TrainingError, match="no space left on device"):
        run(experiment, tmp_path / "run")
    assert (tmp_path / "run" / "last.ckpt").read_bytes() == before


def test_what_cannot_be_trained_is_refused_and_leaves_no_folder(experiment: Experiment, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No model can be called"):
        run(experiment, tmp_path / "a\nb")
    with pytest.raises(TrainingError, match="between 15 and 45 s"):
        run(dataclasses.replace(experiment, span=Span(15, 45)), tmp_path / "run")
    if not torch.cuda.is_available():
        with pytest.raises(TrainingError, match="no CUDA GPU"):
            run(experiment, tmp_path / "run", device="cuda")
    assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    for spoilt in ("{", "[]", "5"):
        (tmp_path / "run" / "settings.json").write_text(spoilt)
        with pytest.raises(TrainingError, match="name another folder"):
            run(experiment, tmp_path / "run")


@pytest.mark.parametrize("span", [(10, 5), (-5, 5), (5, 5), (float("nan"), 5)])
def test_empty_span_is_refused(span: tuple[float, float]) -> None:
    with pytest.raises(CorpusError, match=r"span from .* is empty"):
        Span(*span)


def test_standardisation_is_of_each_feature_dimension_over_the_training_split(store: FeatureStore) -> None:
    network = SubgenreNetwork("late-fusion", labels=3, width=2)
    chunks = Experiment(store, "late-fusion", 2, PAPER).chunks("train")
    standardise(network, chunks, seed=0)
    for i in network.inputs:
        columns = np.concatenate([chunks[k][0][i.name].reshape(-1, i.shape[-1]) for k in range(len(chunks))], axis=1)
        level = network.standardise[i.name](torch.from_numpy(columns)).double()
        least = LEAST_AUTOCORRELATION if i.name == "autocorrelation_tempogram" else 0.0
        expected = columns.std(axis=1, dtype=np.float64)
        expected /= np.maximum(expected, least)
        assert level.mean(dim=1).abs().max() < 1e-2
        np.testing.assert_allclose(level.std(dim=1, correction=0), expected, atol=2e-2)


@pytest.mark.parametrize("spoil", ["text", "no spec", "other labels", "other inputs", "other architecture"])
def test_wrong_checkpoint_is_one_sentence(experiment: Experiment, tmp_path: Path, spoil: str) -> None:
    path, spec, training = tmp_path / "c.safetensors", experiment.spec("c"), experiment.training()
    checkpoint = Checkpoint(SubgenreNetwork("fourier", 3, 4), spec, training)
    if spoil == "text":
        path.write_text("This is no checkpoint.")
    elif spoil == "no spec":
        from safetensors.torch import save_file

        save_file(checkpoint.network.state_dict(), path)
    elif spoil == "other labels":
        dataclasses.replace(checkpoint, spec=dataclasses.replace(spec, labels=("a", "b"))).save(path)
    elif spoil == "other inputs":
        dataclasses.replace(checkpoint, spec=dataclasses.replace(spec, inputs=inputs_of("mel"))).save(path)
    else:
        dataclasses.replace(checkpoint, training=dataclasses.replace(training, width=6)).save(path)
    with pytest.raises(ModelError) as caught:
        Checkpoint.load(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def with_tempo_for_an_answer(teacher_store: FeatureStore, folder: Path) -> FeatureStore:
    """A copy whose teacher knows its genres, a little, and of recordings without one nothing."""
    shutil.copytree(teacher_store.folder, folder)
    store = FeatureStore.open(folder)
    assert store.teacher is not None
    for track in store.tracks:
        answer = np.full(4, 0.25) if track.genre is None else np.full(4, 0.1)
        if track.genre is not None:
            answer[store.labels.index(track.genre)] = 0.7
        np.save(answers_file(folder / track.file, store.teacher), np.tile(answer.astype(np.float32), (3, 1)))
    return store


def test_distils_a_teacher_on_all_recordings(teacher_store: FeatureStore, tmp_path: Path) -> None:
    recipe = dataclasses.replace(PAPER, epochs=12, batch=6)
    store = with_tempo_for_an_answer(teacher_store, tmp_path / "with-teacher")
    experiment = Experiment(store, "autocorrelation", 4, recipe, distil=True)
    assert sum(t.genre is None for t in experiment.parts.train) == 3
    checkpoint = run(experiment, tmp_path / "run")
    assert teacher_store.teacher is not None
    assert checkpoint.spec.labels == teacher_store.teacher.labels
    assert checkpoint.training.teacher == teacher_store.teacher.digest
    assert "17 recordings" in checkpoint.spec.provenance.data and "small" in checkpoint.spec.provenance.data
    assert checkpoint.spec.provenance.measured_on == "4 test tracks of with-teacher, against small"
    assert "song-level agreement" in checkpoint.spec.provenance.measured
    assert Checkpoint.load(tmp_path / "run" / CHECKPOINT).training == checkpoint.training
    chunks = experiment.chunks("train")
    heard = torch.from_numpy(np.stack([chunks[i][0]["autocorrelation_tempogram"] for i in range(len(chunks))]))
    answers = torch.from_numpy(chunks.answers())
    with torch.inference_mode():
        predicted = checkpoint.network({"autocorrelation_tempogram": heard}).log_softmax(dim=1)
    from_student, from_constant = (
        (answers * (answers.log() - said)).sum(dim=1).mean() for said in (predicted, answers.mean(dim=0).log())
    )
    assert from_student < 0.5 * from_constant, "better than any constant"
    with pytest.raises(TrainingError, match="another teacher"):
        (tmp_path / "run" / CHECKPOINT).unlink()
        run(dataclasses.replace(experiment, distil=False), tmp_path / "run")


def test_genres_are_trained_on_labelled_recordings_only(teacher_store: FeatureStore, tmp_path: Path) -> None:
    experiment = Experiment(teacher_store, "fourier", 2, dataclasses.replace(PAPER, epochs=1, batch=6))
    assert all(track.genre for part in experiment.parts for track in part)
    checkpoint = run(experiment, tmp_path / "run")
    assert checkpoint.spec.labels == ("breaks", "house", "jungle") and not checkpoint.training.teacher
    assert "12 recordings" in checkpoint.spec.provenance.data


def test_no_teacher_and_no_genres_are_one_sentence(
    store: FeatureStore, teacher_store: FeatureStore, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"no teacher's answers to train on.*--teacher"):
        run(Experiment(store, "fourier", 2, QUICK, distil=True), tmp_path / "run")
    unlabelled = dataclasses.replace(teacher_store, tracks=tuple(t for t in teacher_store.tracks if t.genre is None))
    with pytest.raises(CorpusError, match="distillation only"):
        run(Experiment(unlabelled, "fourier", 2, QUICK), tmp_path / "run")
    trained = run(Experiment(unlabelled, "fourier", 2, QUICK, distil=True), tmp_path / "other")
    assert teacher_store.teacher is not None and trained.spec.labels == teacher_store.teacher.labels
