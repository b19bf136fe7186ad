"""The capture process: PortAudio on one side, a shared ring on the other, nothing else.

PortAudio may hang, or abort the whole process when a sound server dies; here it takes down only this process.
`CaptureProcess` runs it as ``python -m edmlive.sources.capture.child``. It writes one JSON object per line to standard
output, and ends when its standard input closes, whatever PortAudio is doing.
"""

import contextlib
import json
import os
import signal
import sys
import threading
import time
from typing import Any

from edmlive.errors import DeviceError
from edmlive.sources.capture.device_clock import DeviceClock
from edmlive.sources.capture.devices import Device, find_again, find_device
from edmlive.sources.capture.frame_clock import FrameClock
from edmlive.sources.capture.ring import AudioRing
from edmlive.sources.capture.sound_server import find_source, hold_source

RING_SECONDS = 60
BLOCK_SECONDS = 0.01
"""Of a buffer: shorter ones cost more, longer ones delay decisions, and PortAudio's own choice varies."""


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


def capture(wanted: str | None, known: Device | None, descriptor: int, wake_up: int) -> None:
    """Open a device with all its channels and fill the ring for as long as this process lives.

    Parameters
    ----------
    wanted
        Name, part of a name, or index; ``None`` for the default input.
    known
        The device that was open before, if this is not the first time.
    descriptor
        The shared file that holds the ring.
    wake_up
        A pipe that is written to when the ring holds what the reader waits for.

    Raises
    ------
    DeviceError
        The device is unknown, ambiguous or cannot be opened.
    """
    import sounddevice

    found = query_devices()
    if known:
        device = find_source(find_again(found, known, wanted), known.source)
    else:
        device = find_source(find_device(found, wanted))
    if device.source:
        os.environ["PULSE_SOURCE"] = device.source  # the default may be another one by the time the stream is opened
    ring = AudioRing(descriptor, RING_SECONDS * device.rate, device.channels, create=True)
    try:
        stream = sounddevice.InputStream(
            samplerate=device.rate,
            device=device.index,
            channels=device.channels,
            dtype="float32",
            blocksize=round(BLOCK_SECONDS * device.rate),
            latency="high",
            callback=_RingWriter(ring, device.rate, wake_up).write,
            finished_callback=lambda: _say({"finished": True}),
        )
        stream.start()
    except sounddevice.PortAudioError as error:
        reason = str(error.args[0]).strip().rstrip(".")
        raise DeviceError(
            f"Input device '{device.name}' cannot be opened ({reason}): close other programs that use it, "
            "or choose another with --device."
        ) from None
    _say({"opened": vars(device)})
    if device.source:
        hold_source(device.source, lambda other: _say({"moved": other}), lambda: _say({"finished": True}))
    threading.Event().wait()
    # Never stop or close the stream: that can hang for 30 s on a dead server, and the end of the process does the same.


class _RingWriter:
    """PortAudio's callback: copies a buffer to the ring with the time of its capture and the frames lost before it.

    PortAudio's clock differs by host, and some hosts do not say when a buffer was captured: there it counts as captured
    when it arrives. Zero means that; less than zero, that a counter of frames has just started or wrapped around.
    """

    def __init__(self, ring: AudioRing, rate: int, wake_up: int) -> None:
        self._ring = ring
        self._rate = rate
        self._wake_up = wake_up
        self._frame_clock = FrameClock(rate)
        self._device_clock = DeviceClock()
        os.set_blocking(wake_up, False)

    def write(self, samples: Any, frames: int, clock: Any, status: Any) -> None:
        now = time.monotonic()
        end, lost = now, 0
        if begin := clock.inputBufferAdcTime:
            end = self._device_clock.convert(now, clock.currentTime, begin, frames / self._rate)
            lost = self._frame_clock.push(frames, end)
        if status.input_overflow:
            self._ring.count_overflow()
        self._ring.true_rate = self._frame_clock.true_rate
        if self._ring.write(samples, end, lost):
            with contextlib.suppress(OSError):  # full, because nobody reads at the moment
                os.write(self._wake_up, b"\0")


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)  # the whole group: pactl hangs, too, when it asks a hanging server


def main() -> None:
    """Serve one request, given as JSON on the command line: ``{"list"}`` or else the arguments of `capture`."""
    if os.getpgrp() == os.getpid():
        threading.Thread(target=_end_with_parent, daemon=True).start()
    request = json.loads(sys.argv[1])
    try:
        if request.get("list"):
            _say({"devices": [vars(device) for device in query_devices()]})
        else:
            known = Device(**request["known"]) if request["known"] else None
            capture(request["device"], known, request["descriptor"], request["wake_up"])
    except DeviceError as error:
        _say({"error": str(error)})
    except OSError as error:
        _say(
            {"error": f"PortAudio cannot be loaded ({error}): install it, on Debian with 'apt install libportaudio2'."}
        )
    os._exit(0)


if __name__ == "__main__":
    main()
