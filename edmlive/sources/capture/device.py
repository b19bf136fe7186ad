"""A sound device, captured in a child process so that nothing PortAudio does can hang or kill the listener."""

import contextlib
import io
import math
import os
import select
import time
from typing import Any

from edmlive.errors import DeviceError
from edmlive.sources.audio import AudioBlock
from edmlive.sources.capture.child import RING_SECONDS
from edmlive.sources.capture.devices import Device
from edmlive.sources.capture.process import CaptureProcess
from edmlive.sources.capture.ring import AudioRing, shared_file
from edmlive.sources.health import BACK_SECONDS
from edmlive.sources.supervisor import WAIT_SECONDS, Link, OnLoss, Opened, SupervisedSource

LIST_SECONDS = 10.0
BLOCK_SECONDS = 0.5


class DeviceSource(SupervisedSource):
    """Audio from an input device, at its own rate; a lost device is opened again as soon as it is back.

    It is recognised by its name or, if an index was asked for, by that. No other device ever replaces it silently.

    Parameters
    ----------
    device
        Name, part of a name, or index as text; ``None`` for the default input.
    channels
        Channel numbers from 1 to keep, in that order; ``None`` for the first two, or the only one.
    on_loss
        ``wait`` for a lost device, or ``exit`` with a `DeviceError`.

    Raises
    ------
    DeviceError
        The device is unknown, ambiguous or cannot be opened; or, while reading, is lost and not waited for.
    SourceError
        The device has no such channel.
    """

    kind = "Input device"

    def __init__(
        self, device: str | None = None, channels: tuple[int, ...] | None = None, on_loss: OnLoss = "wait"
    ) -> None:
        if os.name != "posix":
            raise DeviceError("Live capture needs Linux or macOS: elsewhere, use --input FILE.")
        self._device = device
        self._first: _CaptureLink | None = None
        super().__init__(channels, 2, on_loss)

    def _connect(self) -> Link:
        if self._first is not None:
            return _CaptureLink(self._device, self._first.device)
        self._first = _CaptureLink(self._device, None)
        return self._first


class _CaptureLink:
    """One capture process, the ring that it fills, and the pipe through which it wakes the reader."""

    patient = False

    def __init__(self, wanted: str | None, known: Device | None) -> None:
        self.device: Device | None = None
        self._ring: AudioRing | None = None
        self._finished = False
        self._moved = ""
        self._moved_at = -math.inf
        with contextlib.ExitStack() as resources:
            file = resources.enter_context(shared_file())
            reader, writer = os.pipe()
            self._wake_up = resources.enter_context(io.FileIO(reader))
            shared = {"descriptor": file.fileno(), "wake_up": writer}
            request = {"device": wanted, "known": known and vars(known), **shared}
            try:
                self._process = CaptureProcess(request, shared.values())
            finally:
                os.close(writer)
            resources.callback(self._process.kill)
            self._descriptor = file.fileno()
            self._resources = resources.pop_all()

    @property
    def overflows(self) -> int:
        return self._ring.overflows if self._ring else 0

    @property
    def notice(self) -> str | None:
        if time.monotonic() - self._moved_at < BACK_SECONDS:
            return self._moved
        if self._ring is None or not (true_rate := self._ring.true_rate):
            return None
        return (
            f"Input device '{self._opened.name}' claims {self._opened.rate} Hz but delivers {true_rate:.0f} frames "
            "a second: set its sampling rate right, or tempo and genre will be wrong."
        )

    def opened(self) -> Opened | None:
        answer = self._process.answer("opened")
        if answer is None:
            return None
        device = self.device = Device(**answer)
        self._ring = AudioRing(self._descriptor, RING_SECONDS * device.rate, device.channels)
        self._opened = Opened(device.name, device.rate, device.channels)
        return self._opened

    def read(self) -> AudioBlock | None:
        running = self._process.running  # asked first, so that the last a dying process wrote is still read
        self._heed(self._process.message())
        block = self._next_block()
        if block is not None:
            return block
        if not running:
            raise DeviceError(
                f"Input device '{self._opened.name}' has gone{self._process.last_words()}: connect it again."
            )
        if self._finished:
            raise DeviceError(f"Input device '{self._opened.name}' has stopped: check its cable and its server.")
        return None

    def _heed(self, message: dict[str, Any]) -> None:
        self._finished |= "finished" in message
        if other := message.get("moved"):
            assert self.device is not None
            self._moved_at = time.monotonic()
            self._moved = (
                f"The sound server moved input device '{self._opened.name}' from the source '{self.device.source}' to "
                f"'{other}', and it was moved back: to listen to that one, start again with PULSE_SOURCE={other}."
            )

    def _next_block(self) -> AudioBlock | None:
        assert self._ring is not None
        captured_at = self._ring.captured_at
        samples, backlog, gap = self._ring.read(int(BLOCK_SECONDS * self._opened.rate))
        return AudioBlock(samples, captured_at - backlog / self._opened.rate, gap) if len(samples) else None

    def wait(self, wanted: float) -> None:
        assert self._ring is not None
        if self._ring.await_frames(max(1, math.ceil(wanted * self._opened.rate))):
            return
        ready, _, _ = select.select([self._wake_up], [], [], WAIT_SECONDS)
        if ready and not self._wake_up.read(1 << 16):
            time.sleep(WAIT_SECONDS)  # end of file: the process is dying and will not write again

    def close(self) -> None:
        self._resources.close()
        if self._ring is not None:
            self._ring.close()
            self._ring = None


def list_devices() -> list[Device]:
    """Return the input devices as a new process sees them: PortAudio lists them only once in a process.

    Raises
    ------
    DeviceError
        PortAudio is missing or does not answer.

    Examples
    --------
    >>> import edmlive
    >>> rates = {device.name: device.rate for device in edmlive.list_devices()}
    >>> all(rate > 0 for rate in rates.values())
    True
    """
    process = CaptureProcess({"list": True})
    try:
        found = process.answer("devices", LIST_SECONDS)
    finally:
        process.kill()
    if found is None:
        raise DeviceError(
            f"The sound system did not answer within {LIST_SECONDS:.0f} s: restart its server or check the cable."
        )
    return [Device(**entry) for entry in found]
