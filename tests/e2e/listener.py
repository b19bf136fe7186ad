"""The installed command at work, heard line by line."""

import json
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Listener:
    """A running ``edmlive listen --json -`` and its lines as they came."""

    process: subprocess.Popen[str]
    lines: list[dict[str, Any]] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.arrivals.append(time.monotonic())
            self.lines.append(json.loads(line))

    def wait_for_line(self, seconds: float = 60) -> None:
        """Wait until one more line has come; the first run may still be compiling."""
        count, deadline = len(self.lines), time.monotonic() + seconds
        while len(self.lines) == count and self.process.poll() is None:
            assert time.monotonic() < deadline, "no reading came"
            time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGINT) -> str:
        """End it as a user would and return what it said on standard error."""
        self.process.send_signal(number)
        return self.finish()

    def finish(self, seconds: float = 15) -> str:
        """Wait for its end and return what it said on standard error."""
        assert self.process.stderr is not None
        self.process.wait(timeout=seconds)
        self._thread.join()
        return self.process.stderr.read()

    def kill(self) -> None:
        """End it however it stands, that nothing outlives a test that failed."""
        self.process.kill()
        self.finish()
