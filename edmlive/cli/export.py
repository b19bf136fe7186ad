"""``edmlive export``: a trained network as a model to listen with."""

from pathlib import Path
from typing import Annotated

import typer

from edmlive.cli.common import ModelOutput, plain_console, training_extra


def export(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="From `edmlive train`.")],
    output: ModelOutput,
    calibrate: Annotated[
        Path | None, typer.Option(metavar="STORE", help="Features to verify on, and to calibrate --int8 with.")
    ] = None,
    int8: Annotated[bool, typer.Option("--int8", help="8 bits: a quarter of the size, faster on CPUs.")] = False,
    fp16: Annotated[bool, typer.Option("--fp16", help="16-bit floating point: half the size, for GPUs.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write it whatever accuracy lower precision costs.")] = False,
) -> None:
    """Export a network for `listen --model MODEL.onnx`, verified against the network on the spot.

    Lower precision that costs more than half a point of chunk-level accuracy, on the recordings of STORE that the
    network was not trained on, is refused; of a distilled network, half a point of agreement with its teacher.
    """
    if int8 and fp16:
        raise typer.BadParameter("give --int8 or --fp16, not both")
    if (int8 or fp16) and calibrate is None:
        raise typer.BadParameter("lower precision is measured on real features: give --calibrate STORE")
    with training_extra():
        from edmlive.export import export as export_network
        from edmlive.models.checkpoint import Checkpoint
        from edmlive.training import baselines as baselines  # whose networks checkpoints may hold
        from edmlive.training.calibration import calibration_from
        from edmlive.training.store import FeatureStore

    source = Checkpoint.load(checkpoint)
    exported = export_network(
        source,
        output,
        precision="int8" if int8 else "fp16" if fp16 else "float32",
        calibration=None if calibrate is None else calibration_from(FeatureStore.open(calibrate), source),
        force=force,
    )
    out = plain_console()
    out.print(f"Logits are within {exported.difference:.1g} of the network's, on {exported.source}.")
    if exported.accuracy is not None:
        out.print(
            f"Chunk-level {exported.metric} is {exported.accuracy:.1%}, in single precision "
            f"{exported.float32_accuracy:.1%}."
        )
    out.print(f"{output}: {exported.size / 1e6:.1f} MB.")
