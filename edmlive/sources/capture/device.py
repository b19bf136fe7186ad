"""A sound device, captured in a child process so that nothing PortAudio does can hang or kill the listener."""

import math
import os
import select
import time

from edmlive.errors import DeviceError
from edmlive.sources.capture.child import RING_SECONDS
from edmlive.sources.capture.devices import Device
from edmlive.sources.capture.process import CaptureProcess
from edmlive.sources.capture.ring import AudioRing, shared_file
from edmlive.sources.supervisor import WAIT_SECONDS, Link, OnLoss, Opened, Piece, SupervisedSource

LIST_SECONDS = 10.0
BLOCK_SECONDS = 0.5


class DeviceSource(SupervisedSource):
    """Audio from an input device, at its own rate; when it is lost, it is opened again as soon as it is back.

    It is known again by its name, else, where an index was asked for, by that; never is another one taken silently.

    Parameters
    ----------
    device
        Name, part of a name, or index as text; ``None`` for the default input.
    channels
        Channel numbers from 1 to keep, in that order; ``None`` for the first two, or the only one.
    on_loss
        ``wait`` for a lost device, or ``exit``: end with a `DeviceError`.

    Raises
    ------
    DeviceError
        Unknown, ambiguous or unwilling device; or, while reading, a lost one that is not waited for.
    SourceError
        A channel that the device does not have.
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
    """One capture process, the ring that it fills, and the pipe on which it rings when enough has come."""

    patient = False

    def __init__(self, wanted: str | None, known: Device | None) -> None:
        self.device: Device | None = None
        self._ring: AudioRing | None = None
        self._file = shared_file()
        self._bell, ringer = os.pipe()
        shared = {"descriptor": self._file.fileno(), "bell": ringer}
        try:
            self._child = CaptureProcess({"device": wanted, "known": known and vars(known), **shared}, shared.values())
        except DeviceError:
            os.close(self._bell)
            self._file.close()
            raise
        finally:
            os.close(ringer)

    @property
    def overflows(self) -> int:
        return self._ring.overflows if self._ring else 0

    @property
    def notice(self) -> str | None:
        if self._ring is None or not (true_rate := self._ring.true_rate):
            return None
        return (
            f"Input device '{self._opened.name}' claims {self._opened.rate} Hz but delivers {true_rate:.0f} frames "
            "a second: set its sampling rate right, or tempo and genre will be wrong."
        )

    def opened(self) -> Opened | None:
        answer = self._child.answer("opened")
        if answer is None:
            return None
        device = self.device = Device(**answer)
        self._ring = AudioRing(self._file.fileno(), RING_SECONDS * device.rate, device.channels)
        self._opened = Opened(device.name, device.rate, device.channels)
        return self._opened

    def read(self) -> Piece | None:
        piece = self._take()
        if piece is not None:
            return piece
        if not self._child.running:
            piece = self._take()  # the last that a dying process wrote
            if piece is not None:
                return piece
            raise DeviceError(
                f"Input device '{self._opened.name}' has gone{self._child.last_words()}: connect it again."
            )
        if self._child.has_said("finished"):
            raise DeviceError(f"Input device '{self._opened.name}' has stopped: check its cable and its server.")
        return None

    def _take(self) -> Piece | None:
        assert self._ring is not None
        captured_at = self._ring.captured_at
        samples, backlog, gap = self._ring.read(int(BLOCK_SECONDS * self._opened.rate))
        return Piece(samples, captured_at - backlog / self._opened.rate, gap) if len(samples) else None

    def wait(self, wanted: float) -> None:
        assert self._ring is not None
        if self._ring.await_frames(max(1, math.ceil(wanted * self._opened.rate))):
            return
        ringing, _, _ = select.select([self._bell], [], [], WAIT_SECONDS)
        if ringing and not os.read(self._bell, 1 << 16):
            time.sleep(WAIT_SECONDS)  # the process is ending and will not ring again

    def close(self) -> None:
        self._child.kill()
        os.close(self._bell)
        if self._ring is not None:
            self._ring.close()
            self._ring = None
        self._file.close()


def list_devices() -> list[Device]:
    """Return the input devices as a fresh process sees them; PortAudio itself never looks twice.

    Raises
    ------
    DeviceError
        PortAudio is missing or does not answer.
    """
    child = CaptureProcess({"list": True})
    try:
        found = child.answer("devices", LIST_SECONDS)
    finally:
        child.kill()
    if found is None:
        raise DeviceError(
            f"The sound system did not answer within {LIST_SECONDS:.0f} s: restart its server or check the cable."
        )
    return [Device(**entry) for entry in found]
