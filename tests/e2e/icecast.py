"""A private Icecast server and an encoder that plays a file to it, round and round."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

NEEDED = ("icecast2", "ffmpeg")
CODECS = {
    "MP3": ("libmp3lame", "mp3", "audio/mpeg"),
    "Ogg Vorbis": ("libvorbis", "ogg", "application/ogg"),
    "Ogg FLAC": ("flac", "ogg", "application/ogg"),
}
_CONFIGURATION = """<icecast>
<authentication><source-password>edm</source-password></authentication>
<listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
<limits><source-timeout>3</source-timeout></limits>
<paths><logdir>{folder}</logdir><webroot>{folder}</webroot><adminroot>{folder}</adminroot></paths>
<logging><errorlog>error.log</errorlog><loglevel>2</loglevel></logging>
<security><chroot>0</chroot>{owner}</security>
</icecast>"""
_OWNER = "<changeowner><user>nobody</user><group>nogroup</group></changeowner>"  # it refuses to run as root


@dataclass
class IcecastServer:
    """A server that may be stopped and started; its listeners' address stays."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    encoder: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What to listen to."""
        return f"http://127.0.0.1:{self.port}/edm"

    def start(self) -> None:
        """Start the server."""
        configuration = self.folder / "icecast.xml"
        owner = _OWNER if os.getuid() == 0 else ""
        configuration.write_text(_CONFIGURATION.format(port=self.port, folder=self.folder, owner=owner))
        self.process = subprocess.Popen(
            ["icecast2", "-c", configuration], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._wait(lambda: socket.create_connection(("127.0.0.1", self.port), 1).close())

    def play(self, music: Path, codec: str) -> None:
        """Let the encoder play a file to it, at the speed of the music, and wait until it can be heard."""
        name, container, kind = CODECS[codec]
        target = f"icecast://source:edm@127.0.0.1:{self.port}/edm"
        command = ["ffmpeg", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", str(music), "-c:a", name]
        self.encoder = subprocess.Popen(
            [*command, "-f", container, "-content_type", kind, target], stdin=subprocess.DEVNULL
        )
        self._wait(lambda: urllib.request.urlopen(self.url, timeout=2).close())

    def stop_encoder(self) -> None:
        """Let the encoder die."""
        assert self.encoder is not None
        self.encoder.kill()
        self.encoder.wait()

    def freeze(self) -> None:
        """Let the server stand still, its connections open."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Let the server die, and the encoder with it."""
        for process in (self.process, self.encoder):
            if process is not None:
                process.kill()
                process.wait()

    def _wait(self, attempt: Callable[[], None]) -> None:
        deadline = time.monotonic() + 10
        while True:
            try:
                attempt()
                return
            except (OSError, urllib.error.URLError):
                if time.monotonic() > deadline:
                    self.kill()
                    raise RuntimeError("Icecast did not start") from None
                time.sleep(0.1)


def icecast_server(folder: Path) -> IcecastServer:
    """Return a server that has yet to be started, and keeps everything in `folder`."""
    folder.chmod(0o777)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return IcecastServer(folder, port)
