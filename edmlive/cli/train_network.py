"""``edmlive train`` for networks."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

from rich.table import Table

from edmlive.cli.common import DeviceChoice, plain_console, training_extra
from edmlive.models.inputs import CEPSTRAL, Architecture


def train_network(
    store: Path,
    model: Architecture,
    output: Path,
    *,
    recipe: Literal["paper", "modern"],
    width: int,
    seed: int,
    span: tuple[float, float] | None,
    epochs: int | None,
    distil: bool,
    batch: int | None,
    device: DeviceChoice,
    precision: str,
    workers: int,
    licence: str,
) -> None:
    """Train a network on a feature store and test it; the options are those of `edmlive.cli.train.train`."""
    with training_extra():
        from lightning.pytorch.callbacks import RichProgressBar

        from edmlive.training import experiment as experiments
        from edmlive.training.chunks import WHOLE, Span
        from edmlive.training.recipes import RECIPES
        from edmlive.training.run_folder import CHECKPOINT, first_of_torchrun
        from edmlive.training.store import FeatureStore

    chosen = RECIPES[recipe]
    chosen = replace(chosen, epochs=epochs or chosen.epochs, batch=batch or chosen.batch)
    if model in CEPSTRAL:
        chosen = replace(chosen, mel_scale="db")
    opened = FeatureStore.open(store)
    part = Span(*span) if span else WHOLE
    experiment = experiments.Experiment(opened, model, width, chosen, part, seed, distil, licence)
    notes = plain_console(stderr=True)
    bars = [RichProgressBar()] if notes.is_terminal else []
    checkpoint = experiments.train(
        experiment, output, device=device.value, precision=precision, workers=workers, callbacks=bars
    )
    if not first_of_torchrun():
        return  # that one reports
    console = plain_console()
    table = Table("Figure", "Share", box=None, header_style="bold")
    for name, value in checkpoint.spec.provenance.measured.items():
        table.add_row(name, f"{value:.1%}")
    console.print(table)
    console.print(f"{output / CHECKPOINT}: {model}, width {width}, {checkpoint.spec.provenance.data}.")
