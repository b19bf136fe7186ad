"""MQTT: addresses, credentials and discovery messages; tests/e2e/test_mqtt.py has a broker."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edmlive.errors import SinkError
from edmlive.realtime.reading import State
from edmlive.sinks.home_assistant import discovery
from edmlive.sinks.mqtt import MqttPublisher, read_broker

# Documented at https://www.home-assistant.io/integrations/sensor.mqtt/#configuration-variables and
# https://www.home-assistant.io/integrations/mqtt/#adding-information-about-the-origin-of-a-discovery-message
SENSOR_KEYS = {
    *("availability", "availability_mode", "availability_template", "availability_topic", "default_entity_id"),
    *("device", "device_class", "enabled_by_default", "encoding", "entity_category", "entity_picture"),
    *("expire_after", "force_update", "icon", "json_attributes_template", "json_attributes_topic"),
    *("last_reset_value_template", "name", "object_id", "options", "origin", "payload_available"),
    *("payload_not_available", "platform", "qos", "state_class", "state_topic", "suggested_display_precision"),
    *("unique_id", "unit_of_measurement", "value_template"),
}
DEVICE_KEYS = {
    *("configuration_url", "connections", "hw_version", "identifiers", "manufacturer", "model", "model_id", "name"),
    *("serial_number", "suggested_area", "sw_version", "via_device"),
}
ORIGIN_KEYS = {"name", "sw_version", "support_url"}


def test_address_with_defaults() -> None:
    broker = read_broker("mqtt://desk", {})
    assert (broker.host, broker.port, broker.tls, broker.base_topic) == ("desk", 1883, False, "edmlive")
    assert broker.username is broker.password is broker.ca_file is None


def test_address_with_everything(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("se:cr@t \n")
    environment = {
        "EDMLIVE_MQTT_USERNAME": "club",
        "EDMLIVE_MQTT_PASSWORD_FILE": str(tmp_path / "password"),
        "EDMLIVE_MQTT_CA_FILE": "/etc/ca.pem",
    }
    broker = read_broker("mqtts://[::1]:18883/club/main floor/", environment)
    assert (broker.host, broker.port, broker.tls, broker.base_topic) == ("::1", 18883, True, "club/main floor")
    assert (broker.username, broker.password, broker.ca_file) == ("club", "se:cr@t ", "/etc/ca.pem")
    assert "se:cr@t" not in repr(broker)


@pytest.mark.parametrize(
    "url",
    [
        *("", "desk", "http://desk", "mqtt://", "mqtt://:1883", "mqtt://desk:0", "mqtt://desk:99999", "mqtt://desk:x"),
        *("mqtt://desk/#", "mqtt://desk/a/#", "mqtt://desk/+/x", "mqtt://desk/a//b", "mqtt://desk/$SYS", "mqtt://[::1"),
        "mqtt://desk/a?b",
    ],
)
def test_invalid_address_is_an_error(url: str) -> None:
    with pytest.raises(SinkError, match=r"give mqtt://HOST|give names between slashes"):
        read_broker(url, {})


@pytest.mark.parametrize("url", ["mqtt://club:hush@desk", "mqtt://club@desk", "mqtt://desk/club:hush@desk"])
def test_credentials_in_the_address_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SinkError, match="set EDMLIVE_MQTT_USERNAME and EDMLIVE_MQTT_PASSWORD") as refusal:
        read_broker(url, {})
    assert "hush" not in str(refusal.value)


@given(st.text())
def test_any_text_is_an_address_or_one_sentence(text: str) -> None:
    for url in (text, f"mqtt://{text}"):
        try:
            broker = read_broker(url, {})
        except SinkError as error:
            assert str(error).endswith(".")
        else:
            assert broker.host
            assert broker.base_topic
            assert not set(broker.base_topic) & set("+#")


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"EDMLIVE_MQTT_PASSWORD": "a", "EDMLIVE_MQTT_PASSWORD_FILE": "b"}, "unset one"),
        ({"EDMLIVE_MQTT_PASSWORD": "a"}, "set EDMLIVE_MQTT_USERNAME too"),
        ({"EDMLIVE_MQTT_PASSWORD_FILE": "/nowhere/password"}, r"cannot be read \(no such file or directory\)"),
    ],
)
def test_invalid_credentials_are_an_error(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(SinkError, match=sentence):
        read_broker("mqtt://desk", environment)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mqtt://127.0.0.1:1", r"127\.0\.0\.1:1 .*connection refused"),
        ("mqtt://desk.invalid", r"desk\.invalid:1883 .*not known"),
        ("mqtt://a..b", r"a\.\.b:1883"),
    ],
)
def test_unreachable_broker_is_an_error_at_once(url: str, sentence: str) -> None:
    with pytest.raises(SinkError, match=sentence):
        MqttPublisher(url, {})


def test_text_that_mqtt_cannot_hold_is_refused() -> None:
    with pytest.raises(SinkError, match=r"topic is too long: MQTT allows 65,535 bytes"):
        read_broker(f"mqtt://desk/{'t' * 65_530}", {})
    for name in ("EDMLIVE_MQTT_USERNAME", "EDMLIVE_MQTT_PASSWORD"):
        with pytest.raises(SinkError, match=f"{name} is too long"):
            read_broker("mqtt://desk", {"EDMLIVE_MQTT_USERNAME": "dj", name: "x" * 65_536})
    with pytest.raises(SinkError, match="no valid base topic"):
        read_broker("mqtt://desk/a\x00b", {})


def test_ca_file_without_a_certificate_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing\n")
    for file in (tmp_path / "ca.pem", tmp_path / "missing.pem"):
        with pytest.raises(SinkError, match=r"EDMLIVE_MQTT_CA_FILE names .*, which contains no certificate"):
            MqttPublisher("mqtts://127.0.0.1:1", {"EDMLIVE_MQTT_CA_FILE": str(file)})


def test_discovery_is_what_home_assistant_documents() -> None:
    messages = discovery("edmlive_1f", "edmlive on desk", "club", "club/state", "club/availability")
    sensors = ("genre", "confidence", "family", "family_confidence", "bpm", "level", "state")
    assert set(messages) == {
        *(f"homeassistant/sensor/edmlive_1f_{name}/config" for name in sensors),
        "homeassistant/binary_sensor/edmlive_1f_mixing/config",
    }
    for message in messages.values():
        assert set(message) <= SENSOR_KEYS
        assert {"name", "unique_id", "state_topic", "value_template", "device", "origin"} <= set(message)
        assert message["state_topic"] == "club/state"
        assert message["availability_topic"] == "club/availability"
        assert set(message["device"]) <= DEVICE_KEYS
        assert message["device"]["identifiers"] == ["edmlive_1f"]
        assert set(message["origin"]) <= ORIGIN_KEYS
        assert message.get("state_class") in (None, "measurement")
        # A device class "enum" goes with options, and with neither a unit nor a state class.
        assert ("options" in message) == (message.get("device_class") == "enum")
        assert not ("options" in message and {"state_class", "unit_of_measurement"} & set(message))
    assert {message["default_entity_id"] for message in messages.values()} == {
        *(f"sensor.edmlive_club_{name}" for name in sensors if name != "bpm"),
        "sensor.edmlive_club_tempo",
        "binary_sensor.edmlive_club_mixing",
    }
    assert len({message["unique_id"] for message in messages.values()}) == len(messages)
    assert len({str(message["device"]) for message in messages.values()}) == 1
    state = messages["homeassistant/sensor/edmlive_1f_state/config"]
    assert state["options"] == [state.value for state in State]
