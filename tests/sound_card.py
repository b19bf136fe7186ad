"""A sound card that does as it is told: it stands in for PortAudio's binding in the capture process."""

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
import json, os, sys, threading, time
import numpy as np

PLAN = json.loads(os.environ["SOUND_CARD"])

class PortAudioError(Exception):
    pass

class default:
    device = (0, 0)

class Status:
    input_overflow = False

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
    def __init__(self, samplerate, device, channels, dtype, latency, callback, finished_callback):
        assert (samplerate, channels, dtype) == (PLAN["rate"], PLAN["channels"], "float32")
        self.channels, self.callback = channels, callback

    def start(self):
        if PLAN["end"] == "refuses":
            raise PortAudioError("Device unavailable", -9985)
        threading.Thread(target=self.play, daemon=True).start()

    def play(self):
        status = Status()
        for start in range(0, PLAN["frames"], PLAN["block"]):
            numbers = np.arange(start * self.channels, (start + PLAN["block"]) * self.channels, dtype=np.float32)
            status.input_overflow = start == 0
            self.callback((1 + numbers.reshape(-1, self.channels)) / 2**20, PLAN["block"], None, status)
            time.sleep(PLAN["block"] / PLAN["rate"])
        if PLAN["end"] == "aborts":
            print("server died", file=sys.stderr, flush=True)
            os.abort()
"""


def samples(frames: int, channels: int) -> NDArray[np.float32]:
    """What the card plays: no two samples alike, shape (frames, channels)."""
    return ((1 + np.arange(frames * channels, dtype=np.float32)) / 2**20).reshape(-1, channels)


def plug_in(folder: Path, monkeypatch: pytest.MonkeyPatch, **plan: Any) -> None:
    """Let capture processes find this card; by default one stereo device that goes silent after half a second.

    Parameters
    ----------
    plan
        ``names`` of the devices, ``channels``, ``rate``, ``frames`` to play, and how it ends: ``stalls``, ``aborts``,
        ``refuses`` to open or ``never answers``.
    """
    (folder / "sounddevice.py").write_text(_BINDING)
    defaults = {"names": ["mixer"], "channels": 2, "rate": RATE, "frames": RATE // 2, "block": BLOCK, "end": "stalls"}
    monkeypatch.setenv("SOUND_CARD", json.dumps(defaults | plan))
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
