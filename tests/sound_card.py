"""A scripted sound card: it stands in for PortAudio's binding in the capture process."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

RATE = 8_000
BLOCK = 160

# Put on PYTHONPATH as `sounddevice`, it is what the capture process imports.
_BINDING = """
import json, os, subprocess, sys, threading, time
import numpy as np

PLANS = json.loads(os.environ["SOUND_CARD"])
with open(os.environ["SOUND_CARD_LOG"], "a+") as log:
    log.seek(0)
    before = len(log.readlines())
    print(os.getpid(), file=log)
PLAN = PLANS[min(before, len(PLANS) - 1)]

class PortAudioError(Exception):
    pass

class default:
    device = (0, 0)

class Status:
    input_overflow = False

class Clock:
    # A thousand seconds ahead of the monotonic clock, as another host's might be.

    def __init__(self, captured, frame):
        ahead = 1000 + (PLAN["set_by"] if frame >= PLAN["set_at"] else 0)
        self.inputBufferAdcTime = captured + ahead
        self.currentTime = time.monotonic() + ahead

def query_hostapis():
    return [{"name": "Stage"}]

def query_devices():
    if PLAN["end"] == "never answers":
        time.sleep(60)
    return [
        {"name": name, "hostapi": 0, "max_input_channels": PLAN["channels"], "default_samplerate": float(PLAN["rate"])}
        for name in PLAN["names"]
    ]

class InputStream:
    def __init__(self, samplerate, device, channels, dtype, blocksize, latency, callback, finished_callback):
        assert (samplerate, channels, dtype) == (PLAN["rate"], PLAN["channels"], "float32")
        self.channels, self.callback, self.finished_callback = channels, callback, finished_callback

    def start(self):
        if PLAN["end"] == "refuses":
            raise PortAudioError("Device unavailable", -9985)
        if PLAN["daemon"]:
            print("a daemon was started", flush=True)
            subprocess.Popen(["sleep", "60"], start_new_session=True)
        threading.Thread(target=self.play, daemon=True).start()

    def play(self):
        status = Status()
        captured = time.monotonic()
        pace = PLAN["block"] / (PLAN["true_rate"] or PLAN["rate"])
        for start in range(0, PLAN["frames"], PLAN["block"]):
            numbers = np.arange(start * self.channels, (start + PLAN["block"]) * self.channels, dtype=np.float32)
            status.input_overflow = start == 0
            if start == PLAN["hole_at"]:
                captured += PLAN["hole_seconds"]
            captured += pace
            time.sleep(max(0, captured - time.monotonic()))
            self.callback(
                (1 + numbers.reshape(-1, self.channels)) / 2**20, PLAN["block"], Clock(captured - pace, start), status
            )
        if PLAN["end"] == "aborts":
            print("server died", file=sys.stderr, flush=True)
            os.abort()
        if PLAN["end"] == "finishes":
            self.finished_callback()
"""


def samples(frames: int, channels: int) -> NDArray[np.float32]:
    """What the card plays: no two samples alike, shape (frames, channels)."""
    return ((1 + np.arange(frames * channels, dtype=np.float32)) / np.float32(2**20)).reshape(-1, channels)


def plug_in(folder: Path, monkeypatch: pytest.MonkeyPatch, *then: dict[str, Any], **plan: Any) -> None:
    """Let capture processes find this card; by default one stereo device that goes silent after half a second.

    Parameters
    ----------
    plan
        ``names`` of the devices, ``channels``, ``rate``, ``frames`` to play, the ``true_rate`` at which they come,
        a hole of ``hole_seconds`` before frame ``hole_at``, a clock that is set by ``set_by`` seconds at frame
        ``set_at``, a ``daemon`` that holds its pipes, and how it ends: ``stalls``, ``finishes``, ``aborts``,
        ``refuses`` to open or ``never answers``.
    then
        What is otherwise for the second process that looks at it, the third and so on; the last for all further.
    """
    (folder / "sounddevice.py").write_text(_BINDING)
    first: dict[str, Any] = {
        **{"names": ["mixer"], "channels": 2, "rate": RATE, "frames": RATE // 2, "block": BLOCK, "end": "stalls"},
        **{"true_rate": 0, "hole_at": -1, "hole_seconds": 0.0, "set_at": 0, "set_by": 0.0, "daemon": False},
        **plan,
    }
    monkeypatch.setenv("SOUND_CARD", json.dumps([first, *({**first, **other} for other in then)]))
    monkeypatch.setenv("SOUND_CARD_LOG", str(folder / "sound_card.log"))
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
