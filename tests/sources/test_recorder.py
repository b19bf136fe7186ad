"""Recordings hold the input bit for bit, or say why they cannot."""

from pathlib import Path

import numpy as np
import pytest

from edmlive.errors import SinkError
from edmlive.sources.file import FileSource
from edmlive.sources.recorder import Recorder
from tests.conftest import decode
from tests.music import render


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000, 192_000])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6, 8])
def test_recording_is_bit_exact(tmp_path: Path, channels: int, rate: int) -> None:
    samples = render(0.5, rate, channels)
    samples[10] *= 50  # beyond full scale, as a hot mixer delivers
    path = tmp_path / "set.wav"
    recorder = Recorder(path, rate, channels)
    for block in np.array_split(samples, [1, 2, 700, 5000]):
        recorder.write(block)
    recorder.close()
    recorded, recorded_rate = decode(path)
    assert recorded_rate == rate
    np.testing.assert_array_equal(recorded, samples)
    with FileSource(path) as source:
        np.testing.assert_array_equal(np.concatenate([block.samples for block in source]), samples)
    assert source.fault is None


def test_channels_picked_from_a_wider_block_are_written_as_they_are(tmp_path: Path) -> None:
    samples = render(0.1, 48_000, 4)
    recorder = Recorder(tmp_path / "set.wav", 48_000, 2)
    recorder.write(samples[:, [2, 3]])
    recorder.write(samples[::2, :2])
    recorder.close()
    expected = np.concatenate((samples[:, [2, 3]], samples[::2, :2]))
    np.testing.assert_array_equal(decode(tmp_path / "set.wav")[0], expected)


def test_recording_of_nothing_is_an_empty_wav_file(tmp_path: Path) -> None:
    path = tmp_path / "set.wav"
    Recorder(path, 48_000, 2).close()
    assert path.read_bytes().startswith(b"RIFF")


@pytest.mark.parametrize("name", ["2026-12-01T13:00:00+00:00.wav", "http:/a.wav", "tcp:1.wav", "pipe:1.wav", "-.wav"])
def test_name_with_a_colon_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(exist_ok=True)
    recorder = Recorder(Path(name), 48_000, 2)
    recorder.write(np.zeros((100, 2), np.float32))
    recorder.close()
    assert (tmp_path / name).read_bytes().startswith(b"RIFF")


@pytest.mark.parametrize("name", ["n" * 300 + ".wav", "\0.wav"])
def test_impossible_name_is_one_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(SinkError, match="cannot be written"):
        Recorder(tmp_path / name, 48_000, 2)


@pytest.mark.parametrize("name", ["set.flac", "set.mp3", "set"])
def test_name_that_is_not_wav_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SinkError, match=r"ends in \.wav"):
        Recorder(tmp_path / name, 48_000, 2)
    assert not (tmp_path / name).exists()


def test_path_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match=r"missing/set\.wav"):
        Recorder(tmp_path / "missing" / "set.wav", 48_000, 2)


def test_full_disk_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "set.wav"
    path.symlink_to("/dev/full")
    with pytest.raises(SinkError, match="no space left"):
        recorder = Recorder(path, 48_000, 2)
        for _ in range(100):
            recorder.write(np.ones((48_000, 2), np.float32))
        recorder.close()
