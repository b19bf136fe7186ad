import librosa
import numpy as np
import pytest

from edmlive.kernels import onset
from edmlive.kernels.spectrum import MINIMUM_DB


def start(top_db=None, floor_db=MINIMUM_DB):
    record = np.zeros(1, onset.ONSET)
    onset.prepare(record, top_db, floor_db)
    return record[0]


def follow(record, mel):
    """Onset strength of every frame, as it was when the frame was the latest."""
    strengths = []
    for frame in np.ascontiguousarray(mel.T):
        onset.append(record, frame)
        strengths.append(record["strengths"][-1])
    return np.array(strengths)


def librosa_strengths(mel, top_db):
    return librosa.onset.onset_strength(S=librosa.power_to_db(mel, top_db=top_db), sr=22050)


@pytest.fixture(scope="module")
def mel():
    """Mel spectra over 150 dB that get louder now and then, longer than the memory."""
    rng = np.random.default_rng(5)
    level = rng.uniform(-11, 1, (128, 1200)) + np.repeat([0, 1, 0, 0.5, 1.5, 0, 2, 0, 1, 3, 0, 2], 100)
    return 10.0**level


def test_strengths_are_librosas(mel):
    np.testing.assert_allclose(follow(start(), mel), librosa_strengths(mel, None), rtol=0, atol=1e-11)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5])
def test_first_three_are_zero(mel, frames):
    strengths = follow(start(), mel[:, :frames])
    assert np.all(strengths[:3] == 0)
    np.testing.assert_allclose(strengths, librosa_strengths(mel[:, :frames], None), rtol=0, atol=1e-11)


def test_memory_holds_the_latest_strengths(mel):
    record = start()
    strengths = follow(record, mel)
    np.testing.assert_array_equal(record["strengths"], strengths[-384:])


def test_two_passes_are_librosas_top_db(mel):
    first = start(top_db=80.0)
    follow(first, mel)
    second = follow(start(floor_db=first["floor_db"]), mel)
    np.testing.assert_allclose(second, librosa_strengths(mel, 80.0), rtol=0, atol=1e-11)
    assert not np.allclose(second, librosa_strengths(mel, None))


def test_live_onset_strengths_are_librosas_for_all_audio_so_far(mel):
    """With the running floor, what is kept equals librosa's top_db over everything so far, at any moment."""
    record = start(top_db=80.0)
    rises = 0
    for heard in range(1, mel.shape[1] + 1):
        floor_db = record["floor_db"]
        onset.append(record, np.ascontiguousarray(mel[:, heard - 1]))
        risen = record["floor_db"] > floor_db
        rises += risen and heard > 384
        if risen or heard % 100 == 0:
            expected = np.pad(librosa_strengths(mel[:, :heard], 80.0), (384, 0))[-384:]
            np.testing.assert_allclose(record["strengths"], expected, rtol=0, atol=1e-11)
    assert rises > 5, "the floor must rise while the memory is full, or this shows nothing"


def test_silence_has_no_onsets():
    assert np.all(follow(start(top_db=80.0), np.zeros((128, 50))) == 0)
