"""A two-minute MP3 from decoding to the label: `edmlive.realtime.engine.classify` against librosa and PyTorch.

Run from the repository root, in the environment of ``make test``: ``python -m benchmarks.whole_file``.

Both decide once a second with the same late-fusion network of random weights, ours through our own exporter, theirs as
PyTorch runs it, both on one thread. Their way is what a researcher would write: librosa decodes, resamples, and
computes mel-spectrogram, onset strength and both tempograms of the whole file; windows are cut out of these and
classified in batches. The network is the same work on both sides, and its share grows with its width: 16 is what
ships, 128 the paper's. Ours also follows the tempo, watches level and clipping, and votes as it goes. Our second way is
the same network in 8 bits, as ``edmlive export --int8`` makes it.
"""

import tempfile
from functools import partial
from pathlib import Path

import librosa
import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from benchmarks.decision import chunks_of_music
from benchmarks.table import Row, options, show
from benchmarks.untrained import late_fusion
from edmlive.diagnostics.stopwatch import cpu_seconds
from edmlive.export.network import network_graph
from edmlive.export.precision import to_int8
from edmlive.kernels.tables import HOP_LENGTH, N_FFT, SAMPLE_RATE, TEMPOGRAM_LENGTH
from edmlive.models.checkpoint import Checkpoint
from edmlive.models.inputs import CHUNK_FRAMES
from edmlive.realtime.classifier import Classifier
from edmlive.realtime.engine import classify, listen
from edmlive.sources.file import FileSource
from edmlive.synth.files import new_audio_file
from tests.music import render

PEER = "librosa + PyTorch"
RATE = 44_100
BATCH = 16


def with_librosa_and_torch(path: Path, checkpoint: Checkpoint) -> NDArray[np.float32]:
    """Return the probabilities of each window, one a second, shape (windows, labels)."""
    samples, _ = librosa.load(path, sr=SAMPLE_RATE)
    mel = librosa.feature.melspectrogram(y=samples, sr=SAMPLE_RATE, window="hamming")
    levels = librosa.power_to_db(mel, top_db=None)
    strengths = librosa.onset.onset_strength(S=levels, sr=SAMPLE_RATE)
    trailing = np.pad(strengths, (TEMPOGRAM_LENGTH - 1, 0))  # each column labelled with the end of its window
    autocorrelation = librosa.feature.tempogram(onset_envelope=trailing, sr=SAMPLE_RATE, center=False)
    fourier = np.abs(librosa.feature.fourier_tempogram(onset_envelope=trailing, sr=SAMPLE_RATE, center=False))
    whole = [1 + (end - N_FFT // 2) // HOP_LENGTH for end in range(SAMPLE_RATE, len(samples) + 1, SAMPLE_RATE)]
    windows = [np.arange(end - CHUNK_FRAMES, end) for end in whole if end >= CHUNK_FRAMES]
    answers = []
    for start in range(0, len(windows), BATCH):
        batch = windows[start : start + BATCH]
        features = {
            "mel": np.stack([levels[np.newaxis, :, w] for w in batch]),
            "fourier_tempogram": np.stack([fourier[:, w[3::4]] for w in batch]),
            "autocorrelation_tempogram": np.stack([autocorrelation[:, w[3::4]] for w in batch]),
        }
        answers.append(checkpoint.probabilities({n: a.astype(np.float32) for n, a in features.items()}))
    return np.concatenate(answers)


def ours(path: Path, classifier: Classifier) -> NDArray[np.float32]:
    """Return the same as `with_librosa_and_torch`, computed by the engine."""
    seen: list[NDArray[np.float32]] = []
    with FileSource(path) as source:
        for reading in listen(source, classifier, votes=1):
            if reading.genre is not None:
                by_name = {candidate.genre: candidate.confidence for candidate in reading.top}
                seen.append(np.array([by_name[label] for label in classifier.spec.labels], np.float32))
    return np.stack(seen)


def main() -> None:
    chosen = options(__doc__)
    seconds, rounds = (20.0, 1) if chosen.quick else (120.0, 3)
    torch.set_num_threads(1)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        music = folder / "music.mp3"
        with new_audio_file(music) as write:
            write(render(seconds, RATE))
        for width in (16,) if chosen.quick else (16, 128):
            checkpoint = late_fusion(width)
            plain = network_graph(checkpoint)
            graphs = {"float32": plain, "int8": to_int8(plain, chunks_of_music(checkpoint.spec, 8))}
            classifiers = {}
            for kind, graph in graphs.items():
                onnx.save(graph, folder / "model.onnx")
                classifiers[kind] = Classifier(folder / "model.onnx", "cpu")
            np.testing.assert_allclose(
                ours(music, classifiers["float32"]), with_librosa_and_torch(music, checkpoint), atol=1e-3, rtol=0
            )
            cost = cpu_seconds(
                {kind: partial(classify, music, classifier) for kind, classifier in classifiers.items()}
                | {PEER: partial(with_librosa_and_torch, music, checkpoint)},
                rounds,
            )
            rows += [
                Row(f"{seconds:.0f} s of MP3, width {width}, {kind}", PEER, cost[kind], cost[PEER], "s CPU")
                for kind in graphs
            ]
    show(rows, chosen)


if __name__ == "__main__":
    main()
