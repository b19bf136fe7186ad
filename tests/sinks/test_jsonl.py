"""JSON lines: one object a line, written out at once, or one sentence about why not."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edmlive.errors import SinkError, SinkInterruptedError
from edmlive.realtime.reading import State
from edmlive.sinks.jsonl import JsonLines
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
    assert line["confidence"] == round(6 / 21, 4)
    assert line["top"] == [{"genre": g, "confidence": round((6 - i) / 21, 4)} for i, g in enumerate(LABELS[:5])]
    assert line["bpm"] == 128.0
    assert line["seconds"] == 12.0
    assert line["model"] == "small"
    sink.close()


def test_missing_values_are_null(tmp_path: Path) -> None:
    path = tmp_path / "readings.jsonl"
    sink = JsonLines(str(path))
    sink.write(waiting(state=State.SILENCE))
    sink.close()
    (line,) = lines(path)
    assert line["state"] == "silence"
    assert line["genre"] is line["confidence"] is line["bpm"] is None
    assert line["top"] == []
    assert line["truth"] is None


def test_truth_is_written_if_known(tmp_path: Path) -> None:
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


def test_full_disk_is_an_error() -> None:
    with pytest.raises(SinkError, match=r"/dev/full \(no space left on device\)"):
        JsonLines("/dev/full").write(reading())


def test_path_that_cannot_be_written_fails_at_once(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="no such file or directory"):
        JsonLines(str(tmp_path / "missing" / "readings.jsonl"))


def test_closed_pipe_is_an_error(tmp_path: Path) -> None:
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    listener = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    sink = JsonLines(str(fifo))
    os.close(listener)
    with pytest.raises(SinkError, match="broken pipe"):
        sink.write(reading())


def night(tmp_path: Path, pattern: str, clocks: list[str]) -> dict[str, list[str]]:
    """The clocks written to each file, but for the one that was opened now and stayed empty."""
    sink = JsonLines(str(tmp_path / pattern))
    for clock in clocks:
        sink.write(reading(clock=clock))
    sink.close()
    written = {str(path.relative_to(tmp_path)): lines(path) for path in sorted(tmp_path.rglob("*.jsonl"))}
    return {name: [line["clock"] for line in there] for name, there in written.items() if there}


def test_name_with_codes_is_a_new_file_whenever_it_changes(tmp_path: Path) -> None:
    clocks = [f"2026-11-{moment}+01:00" for moment in ("21T23:59:59.999", "22T00:00:00.000", "22T00:59:59.999")]
    assert night(tmp_path, "night-%Y%m%d.jsonl", clocks) == {
        "night-20261121.jsonl": clocks[:1],
        "night-20261122.jsonl": clocks[1:],
    }


def test_repeated_hour_is_appended_to_its_file(tmp_path: Path) -> None:
    summer, winter = "2026-10-25T02:30:00.000+02:00", "2026-10-25T02:30:00.000+01:00"
    clocks = ["2026-10-25T01:59:59.000+02:00", summer, winter, "2026-10-25T03:00:00.000+01:00"]
    assert night(tmp_path, "%H.jsonl", clocks) == {
        "01.jsonl": clocks[:1],
        "02.jsonl": clocks[1:3],
        "03.jsonl": clocks[3:],
    }


def test_missing_folders_are_created(tmp_path: Path) -> None:
    clock = "2026-12-31T23:00:00.000+00:00"
    assert night(tmp_path, "%Y/%m/%d 100%%.jsonl", [clock]) == {"2026/12/31 100%.jsonl": [clock]}


def test_new_file_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    sink = JsonLines(str(tmp_path / "%Y" / "night.jsonl"))
    (tmp_path / "2025").write_text("in the way")
    with pytest.raises(SinkError, match="2025"):
        sink.write(reading(clock="2025-01-01T00:00:00.000+00:00"))


@pytest.mark.parametrize("pattern", ["readings.jsonl", "readings-%Y.jsonl"])
def test_every_line_is_whole_and_out_at_once(tmp_path: Path, pattern: str) -> None:
    sink = JsonLines(str(tmp_path / pattern))
    for count in range(1, 20):
        sink.write(reading(count, clock="2026-11-22T00:00:00.000+00:00", model="ß" * count))
        text = (tmp_path / pattern.replace("%Y", "2026")).read_bytes()
        assert text.endswith(b"\n")
        assert len(text.splitlines()) == count
    sink.close()


def test_file_that_another_writes_to_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "readings.jsonl"
    first = JsonLines(str(path))
    with pytest.raises(SinkError, match="Another edmlive is writing to"):
        JsonLines(str(path))
    first.close()
    JsonLines(str(path)).close()


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="mounting a small disk needs root")
def test_file_on_a_full_disk_goes_on_when_there_is_room(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=False).returncode:
        pytest.skip("nothing may be mounted here")
    try:
        path, filler = disk / "readings.jsonl", disk / "filler"
        filler.write_bytes(bytes(56 * 1024))
        sink = JsonLines(str(path))
        with pytest.raises(SinkInterruptedError, match="no space left"):
            for count in range(100):
                sink.write(reading(count))
        with pytest.raises(SinkInterruptedError):
            sink.write(reading(300))
        filler.unlink()
        sink.write(reading(200))
        sink.close()
        *before, last = (line["time"] for line in lines(path))
        assert last == 200
        assert before == [float(i) for i in range(len(before))]
    finally:
        subprocess.run(["umount", disk], check=True)
