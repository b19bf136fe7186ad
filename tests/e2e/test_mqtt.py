"""MQTT through a real broker: retained readings, the last will, a broker that dies, credentials and TLS."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from edmlive.errors import SinkError
from edmlive.sinks.mqtt import MqttPublisher
from tests.realtime.readings import reading, waiting
from tests.sinks.test_mqtt import SENSOR_KEYS

pytestmark = [pytest.mark.e2e, pytest.mark.needs("mosquitto")]

PASSWORD = "hush-4711"
PUBLISHER = """
import itertools, sys, time
from edmlive.sinks.mqtt import MqttPublisher
from tests.realtime.readings import reading
publisher = MqttPublisher(sys.argv[1])
for second in itertools.count():
    publisher.write(reading(float(second)))
    print("written", flush=True)
    time.sleep(0.2)
"""


@dataclass
class Broker:
    """A mosquitto of our own, which can die and come back on the same port."""

    folder: Path
    settings: list[str]
    port: int = field(default_factory=lambda: free_port())
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        config = self.folder / "mosquitto.conf"
        config.write_text("\n".join([f"listener {self.port} 127.0.0.1", *self.settings]) + "\n")
        log = (self.folder / "mosquitto.log").open("ab")
        self.process = subprocess.Popen(["mosquitto", "-v", "-c", config], stdout=log, stderr=log)
        wait_for(self._answers)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@dataclass
class Listener:
    """Another client, which keeps the messages it hears by topic."""

    messages: dict[str, list[str]] = field(default_factory=dict)

    def listen(self, port: int, username: str | None = None, tls: ssl.SSLContext | None = None) -> Client:
        client = Client(CallbackAPIVersion.VERSION2)
        client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        client.on_message = self._note
        client.reconnect_delay_set(1, 1)
        if username is not None:
            client.username_pw_set(username, PASSWORD)
        if tls is not None:
            client.tls_set_context(tls)
        client.connect("localhost", port, keepalive=5)
        client.loop_start()
        return client

    def last(self, topic: str) -> str | None:
        return self.messages.get(topic, [None])[-1]

    def _note(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        self.messages.setdefault(message.topic, []).append(message.payload.decode())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> float:
    """Wait until something is so, and return for how long."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() < start + seconds, "it did not happen"
        time.sleep(0.02)
    return time.monotonic() - start


@pytest.fixture
def start_broker(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    brokers = []

    def start(*settings: str) -> Broker:
        broker = Broker(tmp_path, list(settings) or ["allow_anonymous true"])
        brokers.append(broker)
        broker.start()
        return broker

    yield start
    for broker in brokers:
        broker.stop()


@pytest.fixture
def listener() -> Iterator[Callable[..., Listener]]:
    clients = []

    def listen(port: int, **options: Any) -> Listener:
        ears = Listener()
        clients.append(ears.listen(port, **options))
        return ears

    yield listen
    for client in clients:
        client.disconnect()
        client.loop_stop()


def test_newest_reading_is_retained_and_the_end_announced(
    start_broker: Callable[..., Broker], listener: Callable[..., Listener]
) -> None:
    broker = start_broker()
    publisher = MqttPublisher(f"mqtt://localhost:{broker.port}/club/floor", {})
    publisher.write(reading(1.0))
    late = listener(broker.port)
    wait_for(lambda: late.last("club/floor/state") is not None)
    assert late.last("club/floor/state") == reading(1.0).to_json()
    assert late.last("club/floor/availability") == "online"
    publisher.write(waiting(2.0))
    wait_for(lambda: late.last("club/floor/state") == waiting(2.0).to_json())
    publisher.close()
    wait_for(lambda: late.last("club/floor/availability") == "offline")


def test_home_assistant_finds_the_sensors_of_one_device(
    start_broker: Callable[..., Broker], listener: Callable[..., Listener]
) -> None:
    broker = start_broker()
    publisher = MqttPublisher(f"mqtt://localhost:{broker.port}", {})
    ears = listener(broker.port)
    wait_for(lambda: sum(topic.startswith("homeassistant/") for topic in ears.messages) == 8)
    messages = [json.loads(ears.messages[topic][0]) for topic in ears.messages if topic.startswith("homeassistant/")]
    assert all(set(message) <= SENSOR_KEYS for message in messages)
    names = {"Genre", "Confidence", "Family", "Family confidence", "Mixing", "Tempo", "Level", "State"}
    assert {message["name"] for message in messages} == names
    assert {message["state_topic"] for message in messages} == {"edmlive/state"}
    assert ears.last("edmlive/availability") == "online"
    publisher.close()


def test_broker_publishes_the_last_will_of_a_killed_process(
    start_broker: Callable[..., Broker], listener: Callable[..., Listener]
) -> None:
    broker = start_broker()
    process = subprocess.Popen(
        [sys.executable, "-c", PUBLISHER, f"mqtt://localhost:{broker.port}"], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    ears = listener(broker.port)
    wait_for(lambda: ears.last("edmlive/availability") == "online")
    process.kill()
    seconds = wait_for(lambda: ears.last("edmlive/availability") == "offline")
    process.wait()
    print(f"last will {seconds:.2f} s after SIGKILL")
    assert seconds < 5


def test_broker_that_dies_is_found_again_and_memory_stays(
    start_broker: Callable[..., Broker], listener: Callable[..., Listener]
) -> None:
    broker = start_broker()
    publisher = MqttPublisher(f"mqtt://localhost:{broker.port}", {})
    publisher.write(reading(0.0))
    broker.stop()
    time.sleep(0.5)
    before = psutil.Process().memory_info().rss
    for second in range(20_000):
        publisher.write(reading(float(second)))
    grown = psutil.Process().memory_info().rss - before
    broker.start()
    ears = listener(broker.port)

    def back() -> bool:
        publisher.write(reading(99_999.0))
        return ears.last("edmlive/state") == reading(99_999.0).to_json()

    seconds = wait_for(back)
    publisher.close()
    print(f"back {seconds:.2f} s after the broker, memory grew by {grown / 1e6:.2f} MB in 20,000 readings without it")
    assert ears.last("edmlive/availability") in ("online", "offline")
    assert "online" in ears.messages["edmlive/availability"]
    assert any(topic.startswith("homeassistant/") for topic in ears.messages)
    assert seconds < 12
    assert grown < 5e6


def test_frozen_broker_costs_no_memory(start_broker: Callable[..., Broker], listener: Callable[..., Listener]) -> None:
    broker = start_broker()
    publisher = MqttPublisher(f"mqtt://localhost:{broker.port}", {})
    publisher.write(reading(0.0))
    assert broker.process is not None
    broker.process.send_signal(signal.SIGSTOP)
    before = psutil.Process().memory_info().rss
    started = time.monotonic()
    for second in range(20_000):
        publisher.write(reading(float(second)))
    held_up = time.monotonic() - started
    grown = psutil.Process().memory_info().rss - before
    broker.process.send_signal(signal.SIGCONT)
    ears = listener(broker.port)

    def back() -> bool:
        publisher.write(reading(99_999.0))
        return ears.last("edmlive/state") == reading(99_999.0).to_json()

    wait_for(back)
    publisher.close()
    print(f"20,000 readings in {held_up:.2f} s, memory grew by {grown / 1e6:.2f} MB")
    assert grown < 5e6


def test_credentials_come_from_the_environment_and_are_seen_nowhere(
    start_broker: Callable[..., Broker], listener: Callable[..., Listener], tmp_path: Path
) -> None:
    subprocess.run(["mosquitto_passwd", "-b", "-c", tmp_path / "users", "club", PASSWORD], check=True)
    (tmp_path / "users").chmod(0o644)
    broker = start_broker("allow_anonymous false", f"password_file {tmp_path / 'users'}", "user root")
    url = f"mqtt://localhost:{broker.port}"
    environment = {"EDMLIVE_MQTT_USERNAME": "club", "EDMLIVE_MQTT_PASSWORD": PASSWORD}
    for wrong in ({}, environment | {"EDMLIVE_MQTT_PASSWORD": "guess-1234"}):
        with pytest.raises(SinkError, match="not authorized") as refusal:
            MqttPublisher(url, wrong)
        assert "guess-1234" not in str(refusal.value)
    process = subprocess.Popen(
        [sys.executable, "-c", PUBLISHER, url],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    ears = listener(broker.port, username="club")
    wait_for(lambda: ears.last("edmlive/state") is not None)
    arguments = " ".join(psutil.Process(process.pid).cmdline())
    process.kill()
    assert PASSWORD not in arguments
    assert PASSWORD not in process.stdout.read()
    assert PASSWORD not in (tmp_path / "mosquitto.log").read_text()
    assert PASSWORD not in json.dumps(ears.messages)
    process.wait()


def test_tls_with_a_certificate_of_ones_own(
    start_broker: Callable[..., Broker], listener: Callable[..., Listener], tmp_path: Path
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    openssl = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run([*openssl.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    broker = start_broker("allow_anonymous true", f"certfile {certificate}", f"keyfile {key}", "user root")
    with pytest.raises(SinkError, match=r"not trusted: self-signed certificate.*EDMLIVE_MQTT_CA_FILE"):
        MqttPublisher(f"mqtts://localhost:{broker.port}", {})
    trusting = {"EDMLIVE_MQTT_CA_FILE": str(certificate)}
    with pytest.raises(SinkError, match="not trusted"):  # another name than the certificate's
        MqttPublisher(f"mqtts://127.0.0.1:{broker.port}", trusting)
    publisher = MqttPublisher(f"mqtts://localhost:{broker.port}", trusting)
    publisher.write(reading(1.0))
    ears = listener(broker.port, tls=ssl.create_default_context(cafile=str(certificate)))
    wait_for(lambda: ears.last("edmlive/state") == reading(1.0).to_json())
    publisher.close()


def test_server_that_never_answers_is_reported() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(SinkError, match="it does not answer"):
            MqttPublisher(f"mqtt://127.0.0.1:{silent.getsockname()[1]}", {})
