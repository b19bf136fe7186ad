"""A sound device, captured in a child process so that nothing PortAudio does can hang or kill the listener."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, BinaryIO, Self

from edmlive.errors import DeviceError
from edmlive.realtime.audio import AudioBlock, choose_channels, sanitise
from edmlive.realtime.sources.capture import RING_SECONDS
from edmlive.realtime.sources.devices import Device
from edmlive.realtime.sources.ring import AudioRing, shared_file

OPEN_SECONDS = 10.0
WATCHDOG_SECONDS = 2.0
POLL_SECONDS = 0.02
BLOCK_SECONDS = 0.5


class DeviceSource:
    """Audio from an input device, at its own rate.

    Parameters
    ----------
    device
        Name, part of a name, or index as text; ``None`` for the default input.
    channels
        Channel numbers from 1 to keep, in that order; ``None`` for the first two, or the only one.

    Raises
    ------
    DeviceError
        Unknown, ambiguous or unwilling device; or, while reading, one that has gone silent or vanished.
    SourceError
        A channel that the device does not have.
    """

    def __init__(self, device: str | None = None, channels: tuple[int, ...] | None = None) -> None:
        if os.name != "posix":
            raise DeviceError("Live capture needs Linux or macOS: elsewhere, use --input FILE.")
        self.live = True
        self.fault: str | None = None
        self._ring: AudioRing | None = None
        self._file = shared_file()
        self._child = _CaptureProcess({"device": device, "descriptor": self._file.fileno()}, self._file)
        try:
            opened = self._child.expect("opened", OPEN_SECONDS)
            self.name: str = opened["name"]
            self.rate: int = opened["rate"]
            if channels is None:
                channels = tuple(range(1, 1 + min(2, opened["channels"])))
            self._picked = choose_channels(opened["channels"], channels, f"Input device '{self.name}'")
            self.channels = len(self._picked)
            self._ring = AudioRing(self._file.fileno(), RING_SECONDS * self.rate, opened["channels"])
        except BaseException:
            self._close()
            raise

    @property
    def overflows(self) -> int:
        """How often the sound system said it dropped input."""
        return self._ring.overflows if self._ring else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def __iter__(self) -> Iterator[AudioBlock]:
        """Yield what was captured, as it comes, for as long as the device delivers."""
        assert self._ring is not None
        opened_at = time.monotonic()
        while True:
            running = self._child.running  # asked first, so that the last a dying process wrote is still read
            captured_at = self._ring.captured_at
            samples, backlog, gap = self._ring.read(int(BLOCK_SECONDS * self.rate))
            if len(samples):
                yield AudioBlock(sanitise(samples[:, self._picked]), captured_at - backlog / self.rate, gap)
            elif not running:
                raise DeviceError(f"Input device '{self.name}' has gone{self._child.last_words()}: connect it again.")
            elif time.monotonic() - max(captured_at, opened_at) > WATCHDOG_SECONDS:
                raise DeviceError(
                    f"Input device '{self.name}' has delivered no audio for {WATCHDOG_SECONDS:.0f} s: "
                    "check its cable and its sound server, then start again."
                )
            else:
                time.sleep(POLL_SECONDS)

    def _close(self) -> None:
        self._child.kill()
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
    child = _CaptureProcess({"list": True})
    try:
        return [Device(**entry) for entry in child.expect("devices", OPEN_SECONDS)]
    finally:
        child.kill()


class _CaptureProcess:
    """The capture child: its messages arrive through a thread, and it never outlives its parent."""

    def __init__(self, request: dict[str, Any], shared: BinaryIO | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "edmlive.realtime.sources.capture", json.dumps(request)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,  # ALSA and JACK chatter there; kept for the last words
            pass_fds=(shared.fileno(),) if shared else (),
        )
        self._messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self._errors: list[bytes] = []
        self._threads = [
            threading.Thread(target=self._listen, name="capture-messages", daemon=True),
            threading.Thread(target=self._keep_last_words, name="capture-errors", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def expect(self, kind: str, seconds: float) -> Any:
        """Return the content of the next message, which must be of that kind."""
        try:
            message = self._messages.get(timeout=seconds)
        except queue.Empty:
            raise DeviceError(
                f"The sound system did not answer within {seconds:.0f} s: restart its server or check the cable."
            ) from None
        if kind in message:
            return message[kind]
        raise DeviceError(message.get("error", f"The capture process ended{self.last_words()}."))

    def last_words(self) -> str:
        """Return how the process ended, for a message."""
        code = self._process.poll()
        line = b"".join(self._errors).decode(errors="replace").strip().rpartition("\n")[2]
        return (f" with exit code {code}" if code else "") + (f" ({line})" if line and code else "")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join(timeout=1)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._messages.put(json.loads(line))
        self._messages.put({})

    def _keep_last_words(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._errors = [*self._errors[-9:], line]
