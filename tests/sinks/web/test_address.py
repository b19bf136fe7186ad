import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edmlive.errors import SinkError
from edmlive.sinks.web.address import TOKEN_FILE_VARIABLE, TOKEN_VARIABLE, Address, listen, read_token
from tests.sinks.web.conftest import TOKEN


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8765", "127.0.0.1", 8765),
        ("localhost:0", "localhost", 0),
        ("[::1]:80", "::1", 80),
        ("studio.lan:65535", "studio.lan", 65535),
    ],
)
def test_address(text: str, host: str, port: int) -> None:
    assert Address.parse(text) == Address(host, port)
    assert str(Address(host, port)) == text


@pytest.mark.parametrize(
    "text", ["", "8765", "127.0.0.1", ":8765", "a:b", "::1:80", "a:65536", "http://a:1", "a b:1", "a:१"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(SinkError, match="give --web HOST:PORT"):
        Address.parse(text)


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    try:
        Address.parse(text)
    except SinkError as error:
        assert "such as 127.0.0.1:8765" in str(error)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_other_computers_only_with_a_token(host: str) -> None:
    with pytest.raises(SinkError, match=TOKEN_VARIABLE):
        listen(Address(host, 0), has_token=False)
    listen(Address("0.0.0.0", 0), has_token=True).close()


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(SinkError, match=f"cannot be served on {address} .*in use.*another HOST:PORT"):
            listen(address, has_token=False)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70])
def test_a_host_that_is_not_there(host: str) -> None:
    with pytest.raises(SinkError, match="cannot be served on"):
        listen(Address(host, 0), has_token=True)


def test_token(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert read_token({}) is None
    assert read_token({TOKEN_VARIABLE: TOKEN}) == TOKEN
    assert read_token({TOKEN_FILE_VARIABLE: str(file), TOKEN_VARIABLE: "another-token-of-some-length"}) == TOKEN


@pytest.mark.parametrize(
    "token", ["", "short", "with spaces in between", "line\nbreaks-are-no-good", "ünïcödé-tökens-áre-nöt"]
)
def test_an_invalid_token_is_not_repeated(token: str) -> None:
    with pytest.raises(SinkError, match="openssl rand") as caught:
        read_token({TOKEN_VARIABLE: token})
    assert not token or token not in str(caught.value)


def test_a_token_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="no such file"):
        read_token({TOKEN_FILE_VARIABLE: str(tmp_path / "nothing")})
    (tmp_path / "bytes").write_bytes(b"\xff" * 20)
    with pytest.raises(SinkError, match="not text"):
        read_token({TOKEN_FILE_VARIABLE: str(tmp_path / "bytes")})


def test_without_the_extra_one_sentence_says_how_to_get_it() -> None:
    code = "import sys; sys.modules['uvicorn'] = None; from edmlive.cli import main; main()"
    command = [sys.executable, "-c", code, "listen", "--input", "-", "--web"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "pip install 'edmlive[web]'" in done.stderr
