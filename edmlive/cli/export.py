"""``edmlive export``: a trained network as a model to listen with."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from edmlive.cli.common import plain_console, training_extra

CALIBRATION_CHUNKS = 512
_BATCH = 16


def export(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="From `edmlive train`.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL.onnx", help="The model to write.")],
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
    if output.suffix != ".onnx" or not output.parent.is_dir():
        raise typer.BadParameter(f"{output} is not the name of a .onnx file in a folder", param_hint="--output")
    with training_extra():
        from edmlive.export.file import write_model
        from edmlive.export.network import classify_with, network_graph, session, verify
        from edmlive.export.precision import gate, to_int8
        from edmlive.models.checkpoint import Checkpoint
        from edmlive.training.agreement import chunk_figure, teacher_predictions
        from edmlive.training.candidates import batches, chunks_for
        from edmlive.training.chunks import Chunks
        from edmlive.training.predictions import predict
        from edmlive.training.store import FeatureStore

    source = Checkpoint.load(checkpoint)
    if calibrate is None:
        from edmlive.training.rendered import rendered_features

        with TemporaryDirectory() as folder:
            store = rendered_features(Path(folder), source.spec.window)
            known = Chunks(store, store.tracks, source.spec.labels, source.spec.inputs, source.spec.mel_scale)
            features, which = next(batches(known, _BATCH, _BATCH)), "rendered music"
    else:
        store = FeatureStore.open(calibrate)
        learnt = chunks_for(store, source.spec, source.training, "train")
        features, which = next(batches(learnt, _BATCH, _BATCH)), f"recordings of {store.folder}"
    model = network_graph(source)
    notes = plain_console()
    notes.print(f"Logits are within {verify(model, source, features):.1g} of the network's, on {which}.")
    if int8 or fp16:
        if int8:
            lower = to_int8(model, batches(learnt, _BATCH, CALIBRATION_CHUNKS))
        else:
            lower = network_graph(source, half=True)
        watched = chunks_for(store, source.spec, source.training, "validation")
        teacher = store.teacher if source.training.teacher else None
        against = None if teacher is None else teacher_predictions(watched, teacher.labels)
        before, after = (
            chunk_figure(predict(classify_with(session(graph)), source.spec.labels, watched), against)
            for graph in (model, lower)
        )
        gate(before, after, force=force)
        what = "accuracy" if against is None else "agreement with the teacher"
        notes.print(f"Chunk-level {what} is {after:.1%}, in single precision {before:.1%}.")
        model = lower
    data = model.SerializeToString()
    write_model(output, data)
    notes.print(f"{output}: {len(data) / 1e6:.1f} MB.")
