"""Input devices: which there are, and which one the user means."""

import re
from dataclasses import dataclass

from edmlive.errors import DeviceError

_ALSA_NUMBER = re.compile(r" \(hw:\d+,\d+\)$")


@dataclass(frozen=True)
class Device:
    """An input device as PortAudio describes it.

    Parameters
    ----------
    index
        PortAudio's number; it may change when devices come and go.
    name
        PortAudio's name.
    host
        Host API, such as ``ALSA`` or ``JACK Audio Connection Kit``.
    channels
        Input channels.
    rate
        Its own sampling rate in Hz.
    default
        Whether it is the default input.
    source
        The source of the sound server that is behind it, where there is a server and it says so.
    """

    index: int
    name: str
    host: str
    channels: int
    rate: int
    default: bool
    source: str | None = None


def find_device(devices: list[Device], wanted: str | None) -> Device:
    """Return the device that the user means: by exact name, else by index, else by part of a name, ignoring case.

    Raises
    ------
    DeviceError
        There is no input device at all, none matches, or several do.
    """
    if not devices:
        raise DeviceError(
            "No audio input device was found: connect one and see it with 'edmlive devices', "
            "or analyse a recording with 'edmlive listen --input FILE'."
        )
    if wanted is None:
        return next((d for d in devices if d.default), devices[0])
    text = wanted.casefold()
    matches = [d for d in devices if d.name.casefold() == text]
    if not matches and wanted.isdecimal():
        matches = [d for d in devices if d.index == int(wanted)]
    if not matches:
        matches = [d for d in devices if text in d.name.casefold()]
    if not matches:
        raise DeviceError(f"No input device is called '{wanted}': 'edmlive devices' lists {_names(devices)}.")
    if len(matches) > 1:
        raise DeviceError(f"'{wanted}' may mean {_names(matches)}: give the index or more of the name.")
    return matches[0]


def find_again(devices: list[Device], known: Device, wanted: str | None) -> Device:
    """Return the device that was open before: by its name, else by the index that was asked for.

    The number of the ALSA card in PortAudio's name is ignored, because it changes with the USB socket.

    Parameters
    ----------
    known
        The device as it was.
    wanted
        What the user asked for originally.

    Raises
    ------
    DeviceError
        It is absent, or several match and none has the index it had.
    """
    matches = [d for d in devices if (d.name, d.host) == (known.name, known.host)]
    if not matches:
        name = _ALSA_NUMBER.sub("", known.name)
        matches = [d for d in devices if d.host == known.host and _ALSA_NUMBER.sub("", d.name) == name]
    if len(matches) > 1:
        matches = [d for d in matches if d.index == known.index] or matches
    if not matches and wanted is not None and wanted.isdecimal():
        matches = [d for d in devices if d.index == int(wanted)]
    if not matches:
        raise DeviceError(f"Input device '{known.name}' is not there: connect it again.")
    if len(matches) > 1:
        raise DeviceError(f"Input device '{known.name}' may be {_names(matches)}: disconnect the others.")
    return matches[0]


def _names(devices: list[Device]) -> str:
    return ", ".join(f"{d.index} '{d.name}'" for d in devices)
