"""``edmlive train``: models trained on one's own data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer
from rich.table import Table

from edmlive.cli.common import DeviceChoice, plain_console, training_extra
from edmlive.cli.train_descriptors import train_descriptors
from edmlive.errors import UserError
from edmlive.models.inputs import ARCHITECTURES, DESCRIPTOR_MODELS, Architecture, DescriptorModel

if TYPE_CHECKING:
    from edmlive.models.checkpoint import Checkpoint

_NETWORKS, _DESCRIPTORS = "Options of networks", "Options of models over descriptors"


def train(
    context: typer.Context,
    data: Annotated[Path, typer.Argument(help="What `edmlive features` wrote, or DATASET.csv.")],
    model: Annotated[
        Literal[Architecture, DescriptorModel],
        typer.Option(metavar="NAME", help=f"A network ({', '.join(ARCHITECTURES)}) or {', '.join(DESCRIPTOR_MODELS)}."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="RUN|MODEL.onnx", help="Folder for a network, or file to write.")
    ],
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Of everything random: the split, the weights, the order.")
    ] = 0,
    recipe: Annotated[
        Literal["paper", "modern"],
        typer.Option(help="The paper's settings, or modern ones.", rich_help_panel=_NETWORKS),
    ] = "modern",
    width: Annotated[
        int,
        typer.Option(
            min=1, max=1024, help="Channels of the first block; 128 is the paper's.", rich_help_panel=_NETWORKS
        ),
    ] = 128,
    span: Annotated[
        tuple[float, float] | None,
        typer.Option(
            metavar="START END",
            help="Use only these seconds of each track, such as 15 45.",
            rich_help_panel=_NETWORKS,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Passes over the training split, instead of the recipe's.", rich_help_panel=_NETWORKS),
    ] = None,
    distil: Annotated[
        bool,
        typer.Option(
            "--distil",
            help="Train on the answers of the store's teacher, on all recordings.",
            rich_help_panel=_NETWORKS,
        ),
    ] = False,
    batch: Annotated[
        int | None,
        typer.Option(min=2, help="Chunks in a step, instead of the recipe's.", rich_help_panel=_NETWORKS),
    ] = None,
    device: Annotated[
        DeviceChoice, typer.Option(help="Where to train.", rich_help_panel=_NETWORKS)
    ] = DeviceChoice.auto,
    precision: Annotated[
        Literal["32-true", "16-mixed", "bf16-mixed"],
        typer.Option(help="Arithmetic; mixed is faster on GPUs and some CPUs.", rich_help_panel=_NETWORKS),
    ] = "32-true",
    workers: Annotated[
        int,
        typer.Option(
            min=0, help="Processes that prepare batches, such as one for each core.", rich_help_panel=_NETWORKS
        ),
    ] = 0,
    pool: Annotated[
        Path | None,
        typer.Option(
            metavar="OTHER.csv",
            help="More tracks to train on, of the genres it shares; for --model descriptors.",
            rich_help_panel=_DESCRIPTORS,
        ),
    ] = None,
    real: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz",
            help="Descriptors of real music as a DJ plays it, made by research/booth_descriptors.py: the model then "
            "takes handled music and any length of it, and tells what it does not know; for --model descriptors.",
            rich_help_panel=_DESCRIPTORS,
        ),
    ] = None,
    folds: Annotated[
        int, typer.Option(min=2, help="Folds of the cross-validation.", rich_help_panel=_DESCRIPTORS)
    ] = 10,
    licence: Annotated[
        str,
        typer.Option(metavar="SPDX", help="Licence of the model, kept in it."),
    ] = "",
) -> None:
    """Train a model on your own data.

    A **network** is trained on what `edmlive features` wrote. Tracks are split 8 : 1 : 1 in every genre, artists kept
    together. RUN/model.safetensors is the epoch of least validation loss, measured on the test split; RUN/logs has the
    learning curves. Run it again to resume after an interruption. For several GPUs:
    `torchrun --nproc-per-node 4 -m edmlive train ...`; a batch is divided among them.

    A **model over descriptors** is trained on DATASET.csv, with a column for each descriptor, a column `genre`, and a
    column `artist` if known. It is cross-validated, calibrated and exported, with a report beside it: MODEL.html and
    MODEL.json. `descriptors` is the shipped model's recipe; that one was trained on
    `bandcamp_librarian/dataset-model-predictor/beatport_2021jan.csv` (sha256 2140e25c...), which is in the wheel of the
    PyPI package bandcamp-librarian 0.2.2. OTHER.csv may lack descriptors, and have `class` for `genre`, as has
    `Examples/beatsdataset.csv` in the GitHub repository Caparrini/pyGenreClf.
    """
    if model in ARCHITECTURES:
        _refuse_options(context, _DESCRIPTORS, f"{model} is a network")
        with training_extra():
            from lightning.pytorch.callbacks import RichProgressBar

            from edmlive.training import train as train_network
            from edmlive.training.chunks import WHOLE, Span
            from edmlive.training.run_folder import first_of_torchrun

        checkpoint = train_network(
            data,
            model,
            output,
            recipe=recipe,
            width=width,
            seed=seed,
            span=Span(*span) if span else WHOLE,
            epochs=epochs,
            batch=batch,
            distil=distil,
            licence=licence,
            device=device.value,
            precision=precision,
            workers=workers,
            callbacks=[RichProgressBar()] if plain_console(stderr=True).is_terminal else [],
        )
        if first_of_torchrun():
            _report(checkpoint, output)
    else:
        _refuse_options(context, _NETWORKS, f"{model} is a model over descriptors")
        if (pool or real) and model != "descriptors":
            option = "--pool" if pool else "--real"
            raise UserError(f"{option} is an option of --model descriptors, and {model} needs every descriptor.")
        train_descriptors(
            data, cast(DescriptorModel, model), output, pool=pool, real=real, folds=folds, seed=seed, licence=licence
        )


def _report(checkpoint: "Checkpoint", folder: Path) -> None:
    from edmlive.training.run_folder import CHECKPOINT

    spec, training = checkpoint.spec, checkpoint.training
    table = Table("Figure", "Share", box=None, header_style="bold")
    for name, value in spec.provenance.measured.items():
        table.add_row(name, f"{value:.1%}")
    console = plain_console()
    console.print(table)
    console.print(f"{folder / CHECKPOINT}: {training.architecture}, width {training.width}, {spec.provenance.data}.")


def _refuse_options(context: typer.Context, panel: str, because: str) -> None:
    """Raise `UserError` if an option of that panel was given on the command line; a profile serves all models."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE" and getattr(parameter, "rich_help_panel", None) == panel:
            raise UserError(f"{parameter.opts[0]} is among the {panel.lower()}, and {because}.")
