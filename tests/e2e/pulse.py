"""A private PulseAudio server whose only sink is monitored: a sound card without a card, bit for bit."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

NEEDED = ("pulseaudio", "paplay", "pactl")
_CHANNEL_MAPS = {2: "front-left,front-right", 4: "front-left,front-right,rear-left,rear-right"}
_SINK = "edm"


@dataclass(frozen=True)
class PulseServer:
    """A running server; what is played into its sink is heard on the capture device ``pulse``."""

    process: subprocess.Popen[bytes]
    environment: dict[str, str]

    def play(self, path: Path) -> subprocess.Popen[bytes]:
        """Start to play a WAV file. The long latency keeps a busy machine from dropping samples."""
        return subprocess.Popen(["paplay", f"--device={_SINK}", "--latency-msec=500", path], env=self.environment)

    def pactl(self, *command: str) -> str:
        """Ask or tell the server something."""
        return subprocess.run(
            ["pactl", *command], env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def load_sink(self, rate: int, channels: int, name: str = _SINK) -> str:
        """Plug a sink in; return the number of its module."""
        return self.pactl("load-module", *_sink_module(rate, channels, name).split()).strip()

    def unload_sink(self) -> None:
        """Pull the first sink out."""
        modules = self.pactl("list", "short", "modules").splitlines()
        self.pactl("unload-module", next(line.split()[0] for line in modules if f"sink_name={_SINK} " in line))

    def captured_sources(self) -> list[str]:
        """Return the name of the source that each stream captures."""
        sources = dict(line.split("\t")[:2] for line in self.pactl("list", "short", "sources").splitlines())
        return [sources[line.split("\t")[1]] for line in self.pactl("list", "short", "source-outputs").splitlines()]

    def freeze(self) -> None:
        """Let the server stand still."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Let the server die without a word to its clients."""
        self.process.kill()
        self.process.wait()


def start_server(folder: Path, rate: int, channels: int) -> PulseServer:
    """Start a server that keeps everything of its own in `folder`."""
    socket = folder / "pulse.socket"
    own = {**os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    environment = {**os.environ, "PULSE_SERVER": f"unix:{socket}", "PULSE_SOURCE": f"{_SINK}.monitor"}
    sink = _sink_module(rate, channels)
    protocol = f"module-native-protocol-unix auth-anonymous=1 socket={socket}"
    command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
    process = subprocess.Popen(
        [*command, "-L", sink, "-L", protocol], env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 10
    while subprocess.run(["pactl", "info"], env=environment, capture_output=True, check=False).returncode != 0:
        if time.monotonic() > deadline or process.poll() is not None:
            process.kill()
            raise RuntimeError("PulseAudio did not start")
        time.sleep(0.05)
    return PulseServer(process, environment)


def _sink_module(rate: int, channels: int, name: str = _SINK) -> str:
    return (
        f"module-null-sink sink_name={name} rate={rate} channels={channels} format=float32le "
        f"channel_map={_CHANNEL_MAPS[channels]} norewinds=1"
    )
