"""Messages of MQTT discovery, by which Home Assistant finds edmlive on its own.

https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
"""

import re
from importlib.metadata import version
from typing import Any

from edmlive.realtime.reading import State

DISCOVERY_PREFIX = "homeassistant"

_BINARY = ("mixing",)
# A template that yields "None" makes a number unknown; text sensors need a word instead.
_SENSORS: dict[str, dict[str, Any]] = {
    "genre": {"value_template": "{{ value_json.genre or 'none' }}", "icon": "mdi:music"},
    "confidence": {
        "value_template": "{{ value_json.confidence * 100 if value_json.confidence is not none else none }}",
        "unit_of_measurement": "%",
        "state_class": "measurement",
        "suggested_display_precision": 0,
        "icon": "mdi:check-decagram",
    },
    "family": {"value_template": "{{ value_json.family or 'none' }}", "icon": "mdi:file-tree"},
    "family_confidence": {
        "name": "Family confidence",
        "value_template": "{{ value_json.family_confidence * 100 if value_json.family else none }}",
        "unit_of_measurement": "%",
        "state_class": "measurement",
        "suggested_display_precision": 0,
        "icon": "mdi:check-decagram-outline",
    },
    "mixing": {"value_template": "{{ 'ON' if value_json.mixing else 'OFF' }}", "icon": "mdi:blender"},
    "bpm": {
        "name": "Tempo",
        "value_template": "{{ value_json.bpm }}",
        "unit_of_measurement": "BPM",
        "state_class": "measurement",
        "suggested_display_precision": 1,
        "icon": "mdi:metronome",
    },
    "level": {
        "value_template": "{{ value_json.level_dbfs }}",
        "unit_of_measurement": "dBFS",
        "state_class": "measurement",
        "suggested_display_precision": 1,
        "icon": "mdi:volume-high",
    },
    "state": {
        "value_template": "{{ value_json.state }}",
        "device_class": "enum",
        "options": [str(state) for state in State],
        "icon": "mdi:ear-hearing",
    },
}


def discovery(
    identity: str, name: str, base_topic: str, state_topic: str, availability_topic: str
) -> dict[str, dict[str, Any]]:
    """Return discovery messages by topic: one for each sensor, all of the same device.

    Parameters
    ----------
    identity
        Unique identifier of this edmlive: letters, digits, hyphens and underscores.
    name
        The device's display name.
    base_topic
        Prefix of all topics; entities are called after it, such as ``sensor.edmlive_club_main_floor_genre``.
    state_topic
        Where readings are published as JSON.
    availability_topic
        Where ``online`` and ``offline`` are published.
    """
    entity = _slug(f"edmlive_{base_topic.lower().removeprefix('edmlive')}")
    shared = {
        "state_topic": state_topic,
        "availability_topic": availability_topic,
        "device": {"identifiers": [identity], "name": name, "model": "edmlive", "sw_version": version("edmlive")},
        "origin": {"name": "edmlive", "sw_version": version("edmlive")},
    }
    return {
        f"{DISCOVERY_PREFIX}/{_component(sensor)}/{identity}_{sensor}/config": {
            "name": sensor.capitalize(),
            "unique_id": f"{identity}_{sensor}",
            "default_entity_id": f"{_component(sensor)}.{entity}_{_slug(fields.get('name', sensor).lower())}",
            **shared,
            **fields,
        }
        for sensor, fields in _SENSORS.items()
    }


def _slug(text: str) -> str:
    return re.sub("[^a-z0-9]+", "_", text).strip("_")


def _component(sensor: str) -> str:
    return "binary_sensor" if sensor in _BINARY else "sensor"
