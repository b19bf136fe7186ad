"""JSON lines: one object a line, written out at once, or one sentence about why not."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from edmlive.errors import SinkError
from edmlive.realtime.sinks.jsonl import JsonLines
from edmlive.realtime.voter import State
from tests.realtime.readings import LABELS, reading, truth, waiting


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_reading_is_one_object_with_the_promised_names(tmp_path: Path) -> None:
    path = tmp_path / "readings.jsonl"
    sink = JsonLines(str(path))
    sink.write(reading(3.5))
    (line,) = lines(path)  # before the close: each line is out at once
    assert line["time"] == 3.5
    assert line["state"] == "listening"
    assert line["level_dbfs"] == -12.5
    assert line["genre"] == "Techno"
    assert line["confidence"] == pytest.approx(6 / 21)
    assert line["top"] == [{"genre": g, "confidence": pytest.approx((6 - i) / 21)} for i, g in enumerate(LABELS[:5])]
    assert line["bpm"] == 128.0
    assert line["seconds"] == 12.0
    assert line["model"] == "small"
    sink.close()


def test_nothing_to_say_is_null(tmp_path: Path) -> None:
    path = tmp_path / "readings.jsonl"
    sink = JsonLines(str(path))
    sink.write(waiting(state=State.SILENCE))
    sink.close()
    (line,) = lines(path)
    assert line["state"] == "silence"
    assert line["genre"] is line["confidence"] is line["bpm"] is None
    assert line["top"] == []
    assert line["truth"] is None


def test_truth_is_told_where_it_is_known(tmp_path: Path) -> None:
    path = tmp_path / "readings.jsonl"
    sink = JsonLines(str(path))
    sink.write(reading(truth=truth(start=93.25)))
    sink.close()
    (line,) = lines(path)
    assert line["truth"] == {"genre": "hardcore-hard-techno", "bpm": 127.5, "start": 93.25}


def test_an_earlier_night_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "readings.jsonl"
    for time in (1.0, 2.0):
        sink = JsonLines(str(path))
        sink.write(reading(time))
        sink.close()
    assert [line["time"] for line in lines(path)] == [1.0, 2.0]


def test_dash_is_standard_output_which_stays_open(capfd: pytest.CaptureFixture[str]) -> None:
    sink = JsonLines("-")
    sink.write(reading(1))
    sink.close()
    print("after")
    first, second = capfd.readouterr().out.splitlines()
    assert json.loads(first)["time"] == 1
    assert second == "after"


def test_full_disk_is_told() -> None:
    with pytest.raises(SinkError, match=r"/dev/full \(no space left on device\)"):
        JsonLines("/dev/full").write(reading())


def test_place_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="no such file or directory"):
        JsonLines(str(tmp_path / "missing" / "readings.jsonl"))


def test_closed_pipe_is_told(tmp_path: Path) -> None:
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    listener = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    sink = JsonLines(str(fifo))
    os.close(listener)
    with pytest.raises(SinkError, match="broken pipe"):
        sink.write(reading())
