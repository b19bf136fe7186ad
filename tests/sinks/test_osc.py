"""OSC: what a receiver reads from a bundle, and invalid destinations."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle import OscBundle

from edmlive.errors import SinkError
from edmlive.realtime.reading import State, TempoCandidate
from edmlive.sinks.osc import OscSender, address_part
from tests.realtime.readings import LABELS, reading, unsure, waiting

Messages = dict[str, tuple[Any, ...]]


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        yield receiver


def sender_to(receiver: socket.socket) -> OscSender:
    return OscSender(f"127.0.0.1:{receiver.getsockname()[1]}")


def received(receiver: socket.socket) -> tuple[float, Messages]:
    bundle = OscBundle(receiver.recv(65_536))
    return bundle.timestamp, {message.address: tuple(message.params) for message in bundle}


def test_bundle_holds_the_whole_reading(receiver: socket.socket) -> None:
    sender_to(receiver).write(reading(clock="2026-11-22T23:00:00.250+01:00"))
    moment, messages = received(receiver)
    assert moment == pytest.approx(1_795_384_800.25, abs=1e-3)
    assert messages["/edmlive/genre"] == ("Techno",)
    assert messages["/edmlive/confidence"] == (pytest.approx(6 / 21),)
    assert messages["/edmlive/bpm"] == (128.0,)
    assert messages["/edmlive/level"] == (-12.5,)
    assert messages["/edmlive/state"] == ("listening",)
    assert messages["/edmlive/liveness"] == ("healthy",)
    for place in range(5):
        assert messages[f"/edmlive/top/{place + 1}"] == (LABELS[place], pytest.approx((6 - place) / 21))
    assert messages["/edmlive/is/techno"] == (1.0,)


def test_nothing_heard_is_empty_and_zero(receiver: socket.socket) -> None:
    sender_to(receiver).write(waiting(state=State.SILENCE))
    _, messages = received(receiver)
    assert messages["/edmlive/state"] == ("silence",)
    assert messages["/edmlive/genre"] == ("",)
    assert messages["/edmlive/confidence"] == messages["/edmlive/bpm"] == (0.0,)
    assert messages["/edmlive/top/1"] == messages["/edmlive/top/5"] == ("", 0.0)


def test_one_genre_is_on_and_the_one_before_it_off(receiver: socket.socket) -> None:
    sender = sender_to(receiver)
    shown = []
    for genre in ("House", "Drum & Bass", None, "House"):
        sender.write(waiting() if genre is None else reading(genre=genre))
        _, messages = received(receiver)
        shown.append({address: value for address, (value, *_) in messages.items() if "/is/" in address})
    assert shown == [
        {"/edmlive/is/house": 1.0},
        {"/edmlive/is/house": 0.0, "/edmlive/is/drum-bass": 1.0},
        {"/edmlive/is/drum-bass": 0.0},
        {"/edmlive/is/drum-bass": 0.0, "/edmlive/is/house": 1.0},
    ]


def test_last_bundle_says_stopped(receiver: socket.socket) -> None:
    sender = sender_to(receiver)
    sender.write(reading())
    received(receiver)
    sender.close()
    _, messages = received(receiver)
    assert messages["/edmlive/state"] == ("stopped",)
    assert messages["/edmlive/genre"] == ("",)
    assert messages["/edmlive/is/techno"] == (0.0,)


def test_ipv6() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as receiver:
        try:
            receiver.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 here")
        receiver.settimeout(5)
        OscSender(f"[::1]:{receiver.getsockname()[1]}").write(reading())
        assert received(receiver)[1]["/edmlive/genre"] == ("Techno",)


def test_missing_receiver_or_network_is_not_an_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        port = gone.getsockname()[1]
    for destination in (f"127.0.0.1:{port}", "240.0.0.1:9000"):  # nobody there; no way there
        sender = OscSender(destination)
        for _ in range(5):
            sender.write(reading())
        sender.close()


def test_unknown_name_is_an_error() -> None:
    with pytest.raises(SinkError, match=r"'desk\.invalid'"):
        OscSender("desk.invalid:7700")


@pytest.mark.parametrize(
    "text",
    ["", "localhost", "localhost:", ":7700", "localhost:0", "localhost:70000", "localhost:x", "::1:7700", "[::1]"],
)
def test_invalid_destination_is_an_error(text: str) -> None:
    with pytest.raises(SinkError, match="give HOST:PORT"):
        OscSender(text)


@given(st.text(max_size=30))
def test_any_other_text_is_one_sentence(text: str) -> None:
    try:
        OscSender(f"{text}/:1x")
    except SinkError as error:
        assert str(error).endswith(".")
    else:
        pytest.fail("accepted")


@given(st.text())
def test_address_has_no_character_that_osc_forbids(genre: str) -> None:
    assert not set(address_part(genre)) & set(" #*,/?[]{}")


def test_family_mixing_tempi_and_set_are_sent(receiver: socket.socket) -> None:
    tempi = (TempoCandidate(174.0, 0.7), TempoCandidate(87.0, 0.2))
    sender_to(receiver).write(unsure(mixing=True, set=("Techno", "House"), bpm_candidates=tempi))
    _, messages = received(receiver)
    assert messages["/edmlive/family"] == ("Club",)
    assert messages["/edmlive/family_confidence"] == (0.75,)
    assert messages["/edmlive/is-family/club"] == messages["/edmlive/mixing"] == (1.0,)
    assert messages["/edmlive/set"] == ("Techno", "House")
    assert messages["/edmlive/tempo/1"] == (174.0, pytest.approx(0.7))
    assert messages["/edmlive/tempo/3"] == (0.0, 0.0)


def test_unknown_names_nothing_and_switches_off(receiver: socket.socket) -> None:
    sender = sender_to(receiver)
    sender.write(unsure())
    received(receiver)
    sender.write(waiting(state=State.UNKNOWN))
    _, messages = received(receiver)
    assert messages["/edmlive/state"] == ("unknown",)
    assert messages["/edmlive/genre"] == messages["/edmlive/family"] == messages["/edmlive/set"] == ("",)
    assert messages["/edmlive/is/techno"] == messages["/edmlive/is-family/club"] == (0.0,)
