"""The capture process: PortAudio on one side, a shared ring on the other, nothing else.

PortAudio may hang, or abort the whole process when a sound server dies; here it takes only this process
with it. Run by `DeviceSource` and `list_devices` as ``python -m edmlive.realtime.sources.capture``; it speaks
one JSON object per line on standard output and ends when its standard input closes.
"""

import json
import os
import signal
import sys
import time
from typing import Any

from edmlive.errors import DeviceError
from edmlive.realtime.sources.devices import Device, find_device, pulse_source
from edmlive.realtime.sources.ring import AudioRing

RING_SECONDS = 60


def query_devices() -> list[Device]:
    """Ask PortAudio for its input devices."""
    import sounddevice

    hosts = sounddevice.query_hostapis()
    default = sounddevice.default.device[0]
    return [
        Device(
            index=index,
            name=entry["name"],
            host=hosts[entry["hostapi"]]["name"],
            channels=entry["max_input_channels"],
            rate=round(entry["default_samplerate"]),
            default=index == default,
        )
        for index, entry in enumerate(sounddevice.query_devices())
        if entry["max_input_channels"] > 0
    ]


def capture(wanted: str | None, descriptor: int) -> None:
    """Open a device with all its channels and fill the ring until standard input closes.

    Parameters
    ----------
    wanted
        Name, part of a name, or index; ``None`` for the default input.
    descriptor
        The shared file to lay the ring in.
    """
    import sounddevice

    device = pulse_source(find_device(query_devices(), wanted))
    ring: AudioRing | None = None

    def on_audio(samples: Any, frames: int, clock: Any, status: Any) -> None:
        assert ring is not None
        if status.input_overflow:
            ring.count_overflow()
        ring.write(samples, time.monotonic())

    ring = AudioRing(descriptor, RING_SECONDS * device.rate, device.channels, create=True)
    try:
        stream = sounddevice.InputStream(
            samplerate=device.rate,
            device=device.index,
            channels=device.channels,
            dtype="float32",
            latency="high",
            callback=on_audio,
            finished_callback=lambda: _say({"finished": True}),
        )
        stream.start()
    except sounddevice.PortAudioError as error:
        reason = str(error.args[0]).strip().rstrip(".")
        raise DeviceError(
            f"Input device '{device.name}' cannot be opened ({reason}): close other programs that use it, "
            "or choose another with --device."
        ) from None
    _say({"opened": {"name": device.name, "rate": device.rate, "channels": device.channels}})
    sys.stdin.buffer.read()
    # No stop or close: they can hang for 30 s on a dead server, and the end of the process does the same.


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def main() -> None:
    """Serve one request, given as JSON on the command line: ``{"list": true}`` or ``{"device", "descriptor"}``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    request = json.loads(sys.argv[1])
    try:
        if request.get("list"):
            _say({"devices": [vars(device) for device in query_devices()]})
        else:
            capture(request["device"], request["descriptor"])
    except DeviceError as error:
        _say({"error": str(error)})
    except OSError as error:
        _say(
            {"error": f"PortAudio cannot be loaded ({error}): install it, on Debian with 'apt install libportaudio2'."}
        )
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
