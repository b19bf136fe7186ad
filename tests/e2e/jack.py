"""A private JACK server with a dummy sound card: two inputs of digital silence, in real time."""

import os
import subprocess
import time
from dataclasses import dataclass

NEEDED = ("jackd", "jack_lsp")


@dataclass(frozen=True)
class JackServer:
    """A running server; its inputs are the capture device ``system``."""

    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Stop it in order, so that it takes its own shared memory along."""
        self.process.terminate()
        self.process.wait()

    def kill(self) -> None:
        """Let the server die without a word to its clients."""
        self.process.kill()
        self.process.wait()


def jack_environment(name: str) -> dict[str, str]:
    """What leads clients to the server of this name, and keeps them from starting one."""
    return {"JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1"}


def start_jack(name: str, rate: int = 48_000) -> JackServer:
    """Start a server of this name."""
    command = ["jackd", "-S", "--no-realtime", "-n", name, "-d", "dummy", "-r", str(rate), "-p", "1024"]
    process = subprocess.Popen(
        [*command, "-C", "2", "-P", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ}
    )
    deadline = time.monotonic() + 10
    environment = {**os.environ, **jack_environment(name)}
    while subprocess.run(["jack_lsp"], env=environment, capture_output=True, check=False).returncode != 0:
        if time.monotonic() > deadline or process.poll() is not None:
            process.kill()
            raise RuntimeError("JACK did not start")
        time.sleep(0.05)
    return JackServer(process)
