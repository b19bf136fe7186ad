"""PulseAudio or PipeWire behind an ALSA device: which of its sources is captured, and that it remains the one."""

import contextlib
import dataclasses
import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from typing import Any

from edmlive.errors import DeviceError
from edmlive.sources.capture.devices import Device

_SERVER_DEVICES = re.compile(r"^(pulse|pipewire|default|sysdefault)$", re.IGNORECASE)
_ANSWER_SECONDS = 3.0
_PAUSE_SECONDS = 0.1
"""After a stream was moved back, so that a quarrel with another program does not take the whole processor."""


def find_source(device: Device, known: str | None = None) -> Device:
    """Return the device with the sound server's source behind it, and that one's true rate and channels.

    ALSA's bridge to PulseAudio or PipeWire claims 32 channels at 44,100 Hz whatever lies behind it, and silently
    resamples and downmixes to whatever is asked for. The server's own tool knows the truth; without it, stereo is
    assumed.

    Parameters
    ----------
    device
        The device; one that is no server's is returned as it is.
    known
        The source that was captured before; ``None`` for the one that ``PULSE_SOURCE`` names, or the server's default.

    Raises
    ------
    DeviceError
        The server is there but does not answer, or no longer has the known source.
    """
    if device.host != "ALSA" or not _SERVER_DEVICES.match(device.name):
        return device
    sources = _pactl("list", "sources") or []
    info = _pactl("info") or {}
    name = known or os.environ.get("PULSE_SOURCE") or info.get("default_source_name")
    source = next((s for s in sources if s["name"] == name), None)
    if source is None and known and sources:
        raise DeviceError(f"The sound server has no source '{known}' any more: connect it again.")
    spec = re.match(r"\S+ (\d+)ch (\d+)Hz", source["sample_specification"]) if source else None
    channels, rate = (int(spec[1]), int(spec[2])) if spec else (min(2, device.channels), device.rate)
    return dataclasses.replace(device, channels=channels, rate=rate, source=name if source else None)


def hold_source(wanted: str, moved: Callable[[str], None], lost: Callable[[], None]) -> None:
    """Keep the streams of this process on a source for as long as the server runs.

    A server moves streams by itself, as when its default source is changed, even if they asked for a source by name.

    Parameters
    ----------
    wanted
        Name of the source.
    moved
        Called with the name of another source from which a stream had to be moved back.
    lost
        Called when it cannot be moved back.
    """
    environment = {**os.environ, "LC_ALL": "C"}
    with (
        contextlib.suppress(OSError),  # there is no pactl
        subprocess.Popen(["pactl", "subscribe"], stdout=subprocess.PIPE, text=True, env=environment) as server,
    ):
        assert server.stdout is not None
        _move_back(wanted, moved, lost)
        for event in server.stdout:
            if "source-output" in event and "'remove'" not in event:
                _move_back(wanted, moved, lost)


def _move_back(wanted: str, moved: Callable[[str], None], lost: Callable[[], None]) -> None:
    with contextlib.suppress(DeviceError):  # no answer: no audio either, which is noticed
        sources = {source["index"]: source["name"] for source in _pactl("list", "sources") or []}
        for stream in _pactl("list", "source-outputs") or []:
            source = sources.get(stream["source"], wanted)
            if source == wanted or stream["properties"].get("application.process.id") != str(os.getpid()):
                continue
            if _run_pactl("move-source-output", str(stream["index"]), wanted) is None:
                lost()
            moved(source)
            time.sleep(_PAUSE_SECONDS)


def _pactl(*command: str) -> Any:
    try:
        return json.loads(_run_pactl("--format=json", *command) or "null")
    except ValueError:
        return None


def _run_pactl(*command: str) -> str | None:
    """Return what pactl prints; ``None`` where there is none, or no server, or it refuses."""
    try:
        return subprocess.run(
            ["pactl", *command], capture_output=True, timeout=_ANSWER_SECONDS, check=True, text=True
        ).stdout
    except subprocess.TimeoutExpired:
        raise DeviceError("The sound server does not answer: restart it.") from None
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
