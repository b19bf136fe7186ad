import librosa
import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edmlive.kernels import stream, tempogram

RATE = 22_050
FEATURES = {
    "mel": stream.MEL,
    "onset": stream.ONSET,
    "autocorrelation": stream.AUTOCORRELATION,
    "fourier": stream.FOURIER,
}


def push_all(state, blocks):
    """Rows that the blocks complete."""
    most = max(stream.most_frames(block.size) for block in blocks)
    frames = np.empty((most, stream.FRAME_SIZE), np.float32)
    rows = [frames[:written].copy() for block in blocks if (written := stream.push(block, state, frames))]
    return np.concatenate(rows) if rows else frames[:0]


def whole_file(samples, **options):
    state = stream.allocate(**options)
    frames = np.empty((stream.most_frames(samples.size) + stream.FLUSH_FRAMES, stream.FRAME_SIZE), np.float32)
    written = stream.push(samples, state, frames)
    written += stream.flush(state, frames[written:])
    return frames[:written]


def split(samples, sizes):
    """The samples in blocks of the given sizes, over and over."""
    blocks, start, turn = [], 0, 0
    while start < samples.size:
        blocks.append(samples[start : start + sizes[turn % len(sizes)]])
        start += blocks[-1].size
        turn += 1
    return blocks


def synthetic():
    rng = np.random.default_rng(2)
    length = 15 * RATE + 123
    time = np.arange(length) / RATE
    noise = rng.normal(0.0, 0.1, length)
    kick = np.sin(2 * np.pi * 55 * time) * np.exp(-30 * (time % 0.46875))
    return {
        "noise": noise,
        "silence": np.zeros(length),
        "full-scale clipping": np.clip(100 * noise, -1, 1),
        "square wave": np.sign(np.sin(2 * np.pi * 55 * time)),
        "kick drum": kick + 0.01 * noise,
        "starts late": np.where(time < 7, 0.0, noise),
        "stops early": np.where(time < 7, noise, 0.0),
        "below amin": 1e-6 * noise,
        "shorter than a window": noise[:700],
        "one sample": np.ones(1),
        "one short of a hop": noise[: 512 * 40 - 1],
        "whole hops": noise[: 512 * 40],
    }


SYNTHETIC = synthetic()


def assert_parity(samples, window):
    mel = librosa.feature.melspectrogram(y=samples, sr=RATE, window=window)
    levels = librosa.power_to_db(mel, top_db=None)
    strengths = librosa.onset.onset_strength(S=levels, sr=RATE)
    frames = whole_file(samples, window=window)
    assert frames.shape == (mel.shape[1], stream.FRAME_SIZE)
    ours = {name: frames[:, columns].T.astype(np.float64) for name, columns in FEATURES.items()}

    assert np.abs(ours["mel"] - mel).max() <= 1e-6 * mel.max()
    assert np.abs(librosa.power_to_db(ours["mel"], top_db=None) - levels).max() <= 5e-5
    assert np.abs(ours["onset"] - strengths).max() <= 1e-5

    # Trailing: left-aligned windows over the strengths with zeros before them.
    before = np.pad(strengths, (383, 0))
    autocorrelation = librosa.feature.tempogram(onset_envelope=before, center=False)
    fourier = np.abs(librosa.feature.fourier_tempogram(onset_envelope=before, center=False))
    assert np.abs(ours["autocorrelation"] - autocorrelation).max() <= 5e-7
    assert np.abs(ours["fourier"] - fourier).max() <= 5e-7 * fourier.max()

    # Centred, from the strengths that the stream itself gave.
    autocorrelation = librosa.feature.tempogram(onset_envelope=strengths)
    fourier = np.abs(librosa.feature.fourier_tempogram(onset_envelope=strengths))
    centred = tempogram.centred(ours["onset"])
    assert np.abs(centred[0].T - autocorrelation).max() <= 5e-7
    assert np.abs(centred[1].T - fourier).max() <= 5e-7 * fourier.max()


# librosa warns that a short file is shorter than its window, and continues.
@pytest.mark.filterwarnings("ignore:n_fft=.* is too large")
@pytest.mark.parametrize("window", ["hann", "hamming"])
@pytest.mark.parametrize("name", SYNTHETIC)
def test_parity_with_librosa(name, window):
    assert_parity(SYNTHETIC[name], window)


def test_parity_with_librosa_on_real_tracks(reference_tracks, load_mono):
    tracks = reference_tracks[:: max(1, len(reference_tracks) // 6)]
    assert len(tracks) >= 5
    for path in tracks:
        assert_parity(load_mono(path)[: 90 * RATE], "hann")


def test_onset_floor_over_a_file_takes_two_passes():
    samples = SYNTHETIC["kick drum"]
    mel = librosa.feature.melspectrogram(y=samples, sr=RATE)
    expected = librosa.onset.onset_strength(S=librosa.power_to_db(mel, top_db=20.0), sr=RATE)
    first = stream.allocate(top_db=20.0)
    push_all(first, [np.pad(samples, (0, 1024))])
    second = whole_file(samples, floor_db=first["onset"]["floor_db"][0])
    assert np.abs(second[:, stream.ONSET] - expected).max() <= 1e-5
    assert np.abs(whole_file(samples)[:, stream.ONSET] - expected).max() > 0.1


BLOCK_SIZES = st.one_of(st.integers(1, 16), st.sampled_from([511, 512, 513, 1024, 2048]), st.integers(1, 30_000))
SPLIT_SAMPLES = SYNTHETIC["kick drum"][:60_000].astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(BLOCK_SIZES, min_size=1, max_size=12), top_db=st.sampled_from([None, 30.0]))
def test_any_split_gives_the_same_bits(sizes, top_db):
    expected = push_all(stream.allocate(top_db=top_db), [SPLIT_SAMPLES])
    actual = push_all(stream.allocate(top_db=top_db), split(SPLIT_SAMPLES, sizes))
    assert actual.tobytes() == expected.tobytes()


@pytest.mark.parametrize("size", [1, 441, 60 * RATE])
def test_a_minute_in_equal_blocks_gives_the_same_bits(size):
    samples = np.random.default_rng(3).normal(0.0, 0.2, 60 * RATE).astype(np.float32)
    expected = push_all(stream.allocate(), split(samples, [512]))
    assert len(expected) == 60 * RATE // 512 - 1
    assert push_all(stream.allocate(), split(samples, [size])).tobytes() == expected.tobytes()


def test_most_frames_is_reached_and_enough():
    for size in (1, 512, 513, 5000):
        written = []
        for filled in range(512):
            state = stream.allocate()
            push_all(state, [np.zeros(1024 + filled, np.float32)])
            frames = np.empty((stream.most_frames(size), stream.FRAME_SIZE), np.float32)
            written.append(stream.push(np.zeros(size, np.float32), state, frames))
        assert max(written) == stream.most_frames(size)


def test_an_empty_block_changes_nothing():
    state = stream.allocate()
    before = state.tobytes()
    assert stream.push(np.zeros(0, np.float32), state, np.empty((0, stream.FRAME_SIZE), np.float32)) == 0
    assert state.tobytes() == before


def test_memory_does_not_grow_over_an_hour():
    state = stream.allocate(top_db=80.0)
    frames = np.empty((1, stream.FRAME_SIZE), np.float32)
    blocks = np.random.default_rng(4).normal(0.0, 0.2, (100, 512)).astype(np.float32)
    process = psutil.Process()
    for hop in range(3600 * RATE // 512):
        stream.push(blocks[hop % 100], state, frames)
        if hop == 1000:
            before = process.memory_info().rss
    assert process.memory_info().rss - before < 1_000_000
    assert state.nbytes < 1_000_000


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(512, np.int16),
        np.zeros(512, np.float16),
        np.zeros((512, 2), np.float32),
        np.zeros(1024, np.float32)[::2],
        [0.0] * 512,
    ],
    ids=["int16", "float16", "stereo", "strided", "list"],
)
def test_strange_samples_are_a_type_error(samples):
    frames = np.empty((1, stream.FRAME_SIZE), np.float32)
    with pytest.raises(TypeError, match="No matching definition"):
        stream.push(samples, stream.allocate(), frames)


def test_strange_state_or_frames_are_a_type_error():
    samples, frames = np.zeros(512, np.float32), np.empty((1, stream.FRAME_SIZE), np.float32)
    with pytest.raises(TypeError, match="No matching definition"):
        stream.push(samples, np.zeros(1), frames)
    with pytest.raises(TypeError, match="No matching definition"):
        stream.push(samples, stream.allocate(), frames.astype(np.float64))


@pytest.mark.parametrize("shape", [(1, 706), (2, 705), (2, 707)])
def test_frames_of_the_wrong_shape_are_refused_before_anything_is_taken_in(shape):
    state = stream.allocate()
    before = state.tobytes()
    with pytest.raises(ValueError, match="706 columns"):
        stream.push(np.ones(1024 + 512, np.float32), state, np.empty(shape, np.float32))
    assert state.tobytes() == before


def test_a_nan_is_forgotten():
    samples = SYNTHETIC["kick drum"][: 14 * RATE]
    spoilt = samples.copy()
    spoilt[RATE] = np.nan
    clean, after = whole_file(samples), whole_file(spoilt)
    first = (RATE - 1024) // 512
    last = (RATE + 1024) // 512 + 2 + 384
    assert last < len(clean)
    np.testing.assert_array_equal(clean[:first], after[:first])
    np.testing.assert_array_equal(clean[last + 1 :], after[last + 1 :])


def test_denormal_samples_are_silence():
    frames = whole_file(np.full(5 * RATE, 1e-42, np.float32))
    assert np.all(frames[:, stream.ONSET] == 0)
    assert np.all(frames[:, stream.AUTOCORRELATION] == 0)


def test_float32_and_float64_samples_agree():
    samples = SYNTHETIC["noise"].astype(np.float32)
    np.testing.assert_allclose(whole_file(samples.astype(np.float64)), whole_file(samples), rtol=1e-5, atol=1e-5)
