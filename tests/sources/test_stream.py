"""Streams from servers that behave as badly as servers do."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import edmlive
from edmlive.errors import SourceError
from edmlive.realtime import engine
from edmlive.sources import file, open_source
from edmlive.sources.file import FileSource
from tests import small_models
from tests.conftest import write_audio
from tests.music import render

RATE = 48_000
HEADER = b"HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\n"


@contextmanager
def served(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that hands each connection's request to `serve`."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection = server.accept()[0]
                except OSError:
                    return
                with connection:
                    try:
                        connection.recv(9999)
                        serve(connection)
                    except OSError:
                        pass

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def mp3(tmp_path: Path) -> bytes:
    return write_audio(tmp_path / "a.mp3", render(4, RATE), RATE, "libmp3lame", "fltp").read_bytes()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "TIMEOUT_SECONDS", 1.0)


@pytest.mark.usefixtures("impatient")
def test_server_that_sends_nothing_is_named_as_such() -> None:
    def nothing(connection: socket.socket) -> None:
        connection.sendall(HEADER + b"\r\n")
        time.sleep(3)

    with served(nothing) as url, pytest.raises(SourceError, match="sent nothing for 1 s"):
        FileSource(url)


@pytest.mark.usefixtures("impatient")
def test_silence_in_the_middle_of_a_stream_is_named_as_such(mp3: bytes) -> None:
    def half(connection: socket.socket) -> None:
        connection.sendall(HEADER + b"\r\n" + mp3[: len(mp3) * 3 // 4])
        time.sleep(3)

    with served(half) as url, FileSource(url) as source:
        assert sum(len(block.samples) for block in source) > RATE
        assert source.fault is not None and "sent nothing for 1 s" in source.fault


def test_unknown_host_is_named() -> None:
    with pytest.raises(SourceError, match=r"no computer of that name, no-such-host\.invalid"):
        FileSource("http://no-such-host.invalid/radio")


def test_refused_connection_keeps_its_own_reason() -> None:
    with pytest.raises(SourceError, match="connection refused"):
        FileSource("http://127.0.0.1:9/radio")


@pytest.mark.parametrize("length", [True, False], ids=["podcast", "radio"])
def test_any_failure_of_the_reader_is_a_lost_stream_and_no_end(
    mp3: bytes, monkeypatch: pytest.MonkeyPatch, length: bool
) -> None:
    def whole(connection: socket.socket) -> None:
        size = f"Content-Length: {len(mp3)}\r\n".encode() if length else b""
        connection.sendall(HEADER + size + b"\r\n" + mp3)

    def broken(samples: object) -> object:
        raise RuntimeError("out of luck")

    monkeypatch.setattr(file, "sanitise", broken)
    with (
        served(whole) as url,
        open_source(url, on_loss="exit") as source,
        pytest.raises(SourceError, match="out of luck"),
    ):
        list(source)


@pytest.mark.parametrize(("wav", "length"), [(True, 0x7FFFF000), (True, 0xFFFFFFFF), (False, 0)])
def test_classify_takes_only_the_beginning_of_a_stream_without_an_end(
    tmp_path: Path, mp3: bytes, monkeypatch: pytest.MonkeyPatch, wav: bool, length: int
) -> None:
    music = (render(4, RATE) * 32_767).astype("<i2").tobytes()
    form = struct.pack("<4sI8sIHHIIHH", b"RIFF", length, b"WAVEfmt ", 16, 1, 2, RATE, RATE * 4, 4, 16)
    header = form + b"data" + struct.pack("<I", length) if wav else b""

    def radio(connection: socket.socket) -> None:
        connection.sendall(HEADER + b"\r\n" + header)
        while True:
            connection.sendall(music if wav else mp3)

    monkeypatch.setattr(engine, "ENDLESS_SECONDS", 6.0)
    with served(radio) as url:
        track = edmlive.classify(url, small_models.save(tmp_path / "small.onnx", small_models.spec()))
    assert 6 <= track.seconds < 8
    assert track.fault is not None and "no end" in track.fault


@pytest.mark.parametrize(
    "inner", ["file:///etc/hostname", "/etc/hostname", "concat:/etc/hostname", "gopher://127.0.0.1:9/"]
)
def test_stream_cannot_open_files_of_this_computer(tmp_path: Path, inner: str) -> None:
    del tmp_path

    def playlist(connection: socket.socket) -> None:
        text = f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{inner}\n#EXT-X-ENDLIST\n"
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: application/x-mpegURL\r\n\r\n" + text.encode())

    with served(playlist) as url, pytest.raises(SourceError, match=r"opened|decoded|no audio"):
        FileSource(f"{url}a.m3u8")
