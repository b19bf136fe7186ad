"""Rolling windows: a model's inputs against the front end run at once."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from edmlive.errors import ModelError
from edmlive.features.front_end import FrontEnd
from edmlive.features.rhythm import RHYTHM_NAMES, RhythmTracker
from edmlive.features.timbre import TIMBRE_NAMES, TimbreStatistics
from edmlive.features.windows import LIVE_DESCRIPTORS, Windows
from edmlive.kernels.short_term_tables import FRAME_LENGTH
from edmlive.kernels.tables import SAMPLE_RATE
from edmlive.spec import InputSpec, ModelSpec
from tests import small_models
from tests.music import render

MUSIC = render(14, SAMPLE_RATE, 1)[:, 0]


def strided(frames: NDArray[np.float32], spec: InputSpec) -> NDArray[np.float32]:
    """The columns a model looks at, the newest frame last."""
    columns = [frames[-1 - spec.stride * k] for k in reversed(range(spec.shape[-1]))]
    return np.stack(columns, axis=-1).reshape(spec.shape)


@pytest.mark.parametrize(
    "spec",
    [
        small_models.spec((*small_models.CHUNK, InputSpec("onset_strength", (300,)))),
        small_models.spec(small_models.CHUNK, window="hamming", mel_scale="db", onset_floor_db=80.0),
    ],
    ids=["hann, power", "hamming, dB, floor"],
)
def test_chunks_are_the_front_ends_newest_frames(spec: ModelSpec) -> None:
    windows = Windows(spec)
    for block in (MUSIC[:1], *np.array_split(MUSIC[1:], 37)):  # the first completes no frame
        windows.push(block)
    read = windows.read()
    frames = FrontEnd(spec.window, spec.onset_floor_db).push(MUSIC)
    mel = np.float32(10) * np.log10(np.maximum(frames.mel, np.float32(1e-10))) if spec.mel_scale == "db" else frames.mel
    expected = {**vars(frames), "mel": mel}
    assert read.tensors is not None
    assert set(read.tensors) == {i.name for i in spec.inputs}
    for i in spec.inputs:
        tensor = read.tensors[i.name]
        np.testing.assert_array_equal(tensor, strided(expected[i.name], i))
        assert tensor.dtype == np.float32 and tensor.flags.c_contiguous
    assert read.seconds == pytest.approx(spec.inputs[-1].frames * 512 / SAMPLE_RATE)


@pytest.mark.parametrize(
    "inputs",
    [small_models.CHUNK, (small_models.DESCRIPTORS,), (*small_models.CHUNK, small_models.DESCRIPTORS)],
    ids=len,
)
def test_tensors_wait_until_every_window_has_warmed_up(inputs: tuple[InputSpec, ...]) -> None:
    windows = Windows(small_models.spec(inputs))
    # A mel frame needs 1,024 samples beyond its centre; descriptors come in whole frames of 50 milliseconds.
    needed = max(
        *(int(i.warm_up_seconds * SAMPLE_RATE) // FRAME_LENGTH * FRAME_LENGTH for i in inputs),
        *((i.frames - 1) * 512 + 1024 for i in inputs),
    )
    windows.push(MUSIC[: needed - 1])
    assert windows.read().tensors is None
    windows.push(MUSIC[needed - 1 : needed])
    assert windows.read().tensors is not None


def test_short_file_may_be_classified_by_one_second() -> None:
    windows = Windows(small_models.spec())
    windows.push(MUSIC[: int(0.9 * SAMPLE_RATE)])
    assert windows.read(whole=False).tensors is None
    windows.push(MUSIC[int(0.9 * SAMPLE_RATE) : int(1.1 * SAMPLE_RATE)])
    assert windows.read().tensors is None
    assert windows.read(whole=False).tensors is not None


def test_descriptors_come_in_the_order_the_model_names_them() -> None:
    names = (*reversed(TIMBRE_NAMES), *RHYTHM_NAMES, "69-BPM", "70-BPMconf")
    wanted = dataclasses.replace(small_models.DESCRIPTORS, shape=(len(names),), descriptors=names)
    windows = Windows(small_models.spec((wanted,)))
    timbre, rhythm = TimbreStatistics(wanted.seconds), RhythmTracker(wanted.seconds)
    for part in (windows, timbre, rhythm):
        part.push(MUSIC)
    read = windows.read()
    sound, coarse_beat = np.split(timbre.read_with_beat(read.seconds), [len(TIMBRE_NAMES)])
    np.testing.assert_array_equal(sound, timbre.read(read.seconds))
    expected = (*reversed(sound), *rhythm.read(wanted.seconds).descriptors, *coarse_beat)
    assert read.tensors is not None
    np.testing.assert_array_equal(read.tensors["descriptors"], np.array(expected, np.float32))
    assert read.seconds == wanted.seconds


def test_every_live_descriptor_has_one_name() -> None:
    assert len(set(LIVE_DESCRIPTORS)) == len(LIVE_DESCRIPTORS) >= 68 + 1


def test_descriptor_that_cannot_be_computed_live_is_refused_by_name() -> None:
    wanted = dataclasses.replace(small_models.DESCRIPTORS, shape=(2,), descriptors=("1-ZCRm", "93-Charisma"))
    with pytest.raises(ModelError, match="93-Charisma"):
        Windows(small_models.spec((wanted,)))


def test_reset_leaves_nothing_behind() -> None:
    used, fresh = (Windows(small_models.spec((*small_models.CHUNK, small_models.DESCRIPTORS))) for _ in range(2))
    used.push(MUSIC[::-1].copy())
    used.reset()
    assert used.read(whole=False).tensors is None
    used.push(MUSIC)
    fresh.push(MUSIC)
    ours, theirs = used.read(), fresh.read()
    assert ours.tensors is not None and theirs.tensors is not None
    for name, tensor in theirs.tensors.items():
        np.testing.assert_array_equal(ours.tensors[name], tensor)
    np.testing.assert_equal(ours.rhythm.bpm, theirs.rhythm.bpm)
    assert ours.seconds == theirs.seconds
