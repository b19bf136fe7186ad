"""Readings for home and show automation, retained on an MQTT broker, with availability."""

import hashlib
import json
import os
import platform
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edmlive.errors import SinkError
from edmlive.realtime.reading import Reading
from edmlive.sinks.home_assistant import discovery

USERNAME, PASSWORD = "EDMLIVE_MQTT_USERNAME", "EDMLIVE_MQTT_PASSWORD"
PASSWORD_FILE, CA_FILE = "EDMLIVE_MQTT_PASSWORD_FILE", "EDMLIVE_MQTT_CA_FILE"
BASE_TOPIC = "edmlive"
LONGEST_BYTES = 65_535
"""What a text in an MQTT packet may come to."""

ONLINE, OFFLINE = "online", "offline"

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_ANSWER_SECONDS = 5.0
_CLOSE_SECONDS = 0.5
_KEEP_ALIVE_SECONDS = 10
_LONGEST_WAIT_SECONDS = 10


@dataclass(frozen=True)
class Broker:
    """Address of the broker and credentials.

    Parameters
    ----------
    host, port
        Where it is.
    tls
        Whether to encrypt the connection and check the broker's certificate.
    base_topic
        Prefix of all topics.
    username, password
        Credentials, if it requires any.
    ca_file
        CA certificate of the broker's; ``None`` for those the system trusts.
    """

    host: str
    port: int
    tls: bool
    base_topic: str
    username: str | None
    password: str | None = field(repr=False)
    ca_file: str | None


def read_broker(url: str, environment: Mapping[str, str]) -> Broker:
    """Return the broker described by a URL and the environment.

    Parameters
    ----------
    url
        ``mqtt[s]://host[:port][/base-topic]``, without credentials, since every user of the computer can see it.
    environment
        May hold `USERNAME`, `PASSWORD` or `PASSWORD_FILE`, and `CA_FILE`.

    Raises
    ------
    SinkError
        One of them is not valid.
    """
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        scheme, host, port = "", None, None
    if "@" in url:
        raise SinkError(
            "The MQTT address must not contain a user name or password, which other users of this computer could read: "
            f"set {USERNAME} and {PASSWORD} or {PASSWORD_FILE} in the environment."
        )
    if scheme not in _PORTS or not host or port == 0:
        raise SinkError(f"'{url}' is not an MQTT address: give mqtt://HOST[:PORT][/TOPIC], or mqtts:// for TLS.")
    topic = parts.path.strip("/") or BASE_TOPIC
    wrong = "+" in topic or "//" in topic or topic.startswith("$") or not topic.isprintable()
    if wrong or parts.query or parts.fragment or url.endswith("#"):
        raise SinkError(f"'{url}' has no valid base topic: give names between slashes, without + # ? or a leading $.")
    if len(f"{topic}/availability".encode(errors="replace")) > LONGEST_BYTES:
        raise SinkError(f"The MQTT topic is too long: MQTT allows {LONGEST_BYTES:,} bytes.")
    username, password = environment.get(USERNAME), _password(environment)
    for name, secret in ((USERNAME, username), (PASSWORD, password)):
        if secret is not None and len(secret.encode(errors="replace")) > LONGEST_BYTES:
            raise SinkError(f"{name} is too long: MQTT allows {LONGEST_BYTES:,} bytes.")
    return Broker(
        host=host,
        port=port or _PORTS[scheme],
        tls=scheme == "mqtts",
        base_topic=topic,
        username=username,
        password=password,
        ca_file=environment.get(CA_FILE),
    )


def _password(environment: Mapping[str, str]) -> str | None:
    password, file = environment.get(PASSWORD), environment.get(PASSWORD_FILE)
    if password is not None and file is not None:
        raise SinkError(f"Both {PASSWORD} and {PASSWORD_FILE} are set: unset one.")
    if file is not None:
        try:
            password = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = (getattr(error, "strerror", None) or "not text in UTF-8").lower()
            raise SinkError(f"{PASSWORD_FILE} names {file}, which cannot be read ({reason}).") from None
    if password is not None and environment.get(USERNAME) is None:
        raise SinkError(f"An MQTT password is set without a user name: set {USERNAME} too.")
    return password


class MqttPublisher:
    """Publishes each reading as a retained message, and availability; reconnects when the broker was unreachable.

    Topics, under the base topic: ``state``, a reading as in `Reading.to_json`, and ``availability``, which the broker
    sets to ``offline`` by itself if edmlive dies. Discovery messages for Home Assistant are published as well.
    While the broker is unreachable or slow, only the newest reading is kept for it.

    Parameters
    ----------
    url
        As in `read_broker`.
    environment
        As in `read_broker`.

    Raises
    ------
    SinkError
        The address is not valid, or the broker cannot be reached or refuses the connection at the start. Later
        interruptions are not errors.
    """

    def __init__(self, url: str, environment: Mapping[str, str] = os.environ) -> None:
        self._broker = broker = read_broker(url, environment)
        self._state_topic = f"{broker.base_topic}/state"
        self._availability_topic = f"{broker.base_topic}/availability"
        self._newest: Reading | None = None
        self._sent: MQTTMessageInfo | None = None
        self._answered = threading.Event()
        self._answer: ReasonCode | None = None
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = self._on_connect
        self._client.will_set(self._availability_topic, OFFLINE, qos=1, retain=True)
        self._client.reconnect_delay_set(1, _LONGEST_WAIT_SECONDS)
        self._client.username_pw_set(broker.username, broker.password)
        self._connect()

    def write(self, reading: Reading) -> None:
        """Publish a reading, or keep it while the previous one is still in flight."""
        self._newest = reading
        self._publish_newest()

    def close(self) -> None:
        """Publish the reading that is pending, announce *offline*, and disconnect."""
        if self._client.is_connected():
            if self._sent is not None and _in_flight(self._sent):
                self._sent.wait_for_publish(_CLOSE_SECONDS)
            self._publish_newest()
            self._client.publish(self._availability_topic, OFFLINE, 1, retain=True).wait_for_publish(_CLOSE_SECONDS)
        self._client.disconnect()
        self._client.loop_stop()

    def _publish_newest(self) -> None:
        if self._newest is not None and self._client.is_connected() and not _in_flight(self._sent):
            self._sent = self._client.publish(self._state_topic, self._newest.to_json(), qos=1, retain=True)
            self._newest = None

    def _connect(self) -> None:
        broker = self._broker
        if broker.tls:
            try:
                self._client.tls_set(broker.ca_file)
            except OSError as error:
                raise SinkError(f"{CA_FILE} names {broker.ca_file}, which contains no certificate ({error}).") from None
        try:
            self._client.connect(broker.host, broker.port, _KEEP_ALIVE_SECONDS)
        except ssl.SSLCertVerificationError as error:
            raise self._failure(f"its certificate is not trusted: {error.verify_message}; {CA_FILE} may help") from None
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise self._failure(reason.lower()) from None
        self._client.loop_start()
        if self._answered.wait(_ANSWER_SECONDS) and self._answer is not None and not self._answer.is_failure:
            return
        self._client.disconnect()
        self._client.loop_stop()
        if self._answer is None:
            raise self._failure("it does not answer")
        raise self._failure(f"{str(self._answer).lower()}; credentials come from {USERNAME} and {PASSWORD}")

    def _failure(self, reason: str) -> SinkError:
        return SinkError(f"The MQTT broker at {self._broker.host}:{self._broker.port} cannot be used ({reason}).")

    def _on_connect(
        self, client: Client, userdata: Any, flags: ConnectFlags, answer: ReasonCode, properties: Properties | None
    ) -> None:
        self._answer = answer
        if not answer.is_failure:
            # On every connection, since the broker may have restarted without its retained messages.
            client.publish(self._availability_topic, ONLINE, retain=True)
            for topic, message in self._discovery().items():
                client.publish(topic, json.dumps(message), retain=True)
        self._answered.set()

    def _discovery(self) -> dict[str, dict[str, Any]]:
        computer, base = platform.node(), self._broker.base_topic
        digest = hashlib.sha256(f"{computer}/{base}".encode()).hexdigest()[:12]
        name = f"edmlive on {computer}" if base == BASE_TOPIC else f"edmlive on {computer}, {base}"
        return discovery(f"edmlive_{digest}", name, base, self._state_topic, self._availability_topic)


def _in_flight(message: MQTTMessageInfo | None) -> bool:
    """Whether a message was sent and the broker has not acknowledged it yet."""
    return message is not None and message.rc == MQTTErrorCode.MQTT_ERR_SUCCESS and not message.is_published()
