"""Readings for lighting desks and instruments: program changes or notes, controllers, and MIDI clock."""

import os
import time
from pathlib import Path
from typing import Any

import mido
import rtmidi

from edmlive.errors import SinkError
from edmlive.realtime.reading import Reading
from edmlive.sinks.midi_clock import MidiClock
from edmlive.sinks.midi_map import GenreMessages, default_map, read_map

VIRTUAL = "virtual"
NAME = "edmlive"
BACKEND = "MIDO_BACKEND"
"""Environment variable by which mido chooses the MIDI system."""

QUIETEST_DBFS = -60.0

_ALL_NOTES_OFF = 123
_VELOCITY = 127
_LINGER_SECONDS = 0.1
"""JACK delivers messages once per period; closing the port sooner would discard them."""


class MidiOutput:
    """Sends the messages of a genre and a family when they begin, controllers with each reading, clock in between.

    Parameters
    ----------
    port
        Name of an output port or part of it, ignoring case; or `VIRTUAL`, to open a port named `NAME` that other
        programs can connect to, on platforms that support it (Linux and macOS). The MIDI system can be chosen as
        mido documents it, such as ``MIDO_BACKEND=mido.backends.rtmidi/UNIX_JACK``.
    genres
        Every genre that an answer may have.
    map_file
        A TOML file for `read_map`; `default_map` is used without one.
    families
        Every family that an answer may have.

    Raises
    ------
    UserError
        There is no such port, it cannot be opened, or the map is not valid.
    """

    def __init__(
        self, port: str, genres: tuple[str, ...], map_file: Path | None = None, families: tuple[str, ...] = ()
    ) -> None:
        self._map = default_map(genres) if map_file is None else read_map(map_file, genres, families)
        self._port = _open(port)
        self._clock = MidiClock(self._port.send) if self._map.clock else None
        self._playing: dict[str, str | None] = {}
        self._held: dict[str, tuple[int, int]] = {}

    def write(self, reading: Reading) -> None:
        """Send the messages for a reading."""
        try:
            self._follow(reading.bpm)
            self._control(self._map.controllers.confidence, reading.confidence or 0.0)
            self._control(self._map.controllers.family_confidence, reading.family_confidence or 0.0)
            self._control(self._map.controllers.level, 1 - reading.level_dbfs / QUIETEST_DBFS)
            self._change("genre", reading.genre, self._map.genres)
            self._change("family", reading.family, self._map.families)
        except (OSError, rtmidi.RtMidiError) as error:
            raise SinkError(f"MIDI can no longer be sent to '{self._port.name}' ({error}).") from None

    def close(self) -> None:
        """Stop the clock, release every note, and close the port."""
        if self._clock is not None:
            self._clock.close()
        self._release("genre")
        self._release("family")
        entries = (*self._map.genres.values(), *self._map.families.values())
        for channel in sorted({messages.channel or self._map.channel for messages in entries}):
            self._send("control_change", channel, control=_ALL_NOTES_OFF, value=0)
        time.sleep(_LINGER_SECONDS)
        self._port.close()

    def _follow(self, bpm: float | None) -> None:
        if self._clock is None:
            return
        if self._clock.failure is not None:
            raise self._clock.failure
        self._clock.follow(bpm)

    def _control(self, number: int | None, value: float) -> None:
        if number is not None:
            data = round(127 * min(max(value, 0.0), 1.0))
            self._send("control_change", self._map.channel, control=number, value=data)

    def _change(self, kind: str, name: str | None, entries: dict[str, GenreMessages]) -> None:
        """Send what begins and ends with a genre or a family, if it has changed."""
        if name == self._playing.get(kind):
            return
        self._playing[kind] = name
        self._release(kind)
        messages = entries.get(name) if name is not None else None
        if messages is None:
            return
        channel = messages.channel or self._map.channel
        if messages.program is not None:
            self._send("program_change", channel, program=messages.program)
        if messages.note is not None:
            self._send("note_on", channel, note=messages.note, velocity=_VELOCITY)
            self._held[kind] = channel, messages.note

    def _release(self, kind: str) -> None:
        held = self._held.pop(kind, None)
        if held is not None and held not in self._held.values():
            channel, note = held
            self._send("note_off", channel, note=note)

    def _send(self, kind: str, channel: int, **values: int) -> None:
        self._port.send(mido.Message(kind, channel=channel - 1, **values))


def _open(wanted: str) -> Any:
    """Open an output port: by exact name, else by part of a name, ignoring case."""
    try:
        if wanted == VIRTUAL:
            return mido.open_output(NAME, virtual=True, client_name=NAME)
        return mido.open_output(_find(list(dict.fromkeys(mido.get_output_names())), wanted))
    except (NotImplementedError, rtmidi.UnsupportedOperationError):
        raise SinkError(
            "This platform has no virtual MIDI ports: install a loopback driver such as loopMIDI, and name its port."
        ) from None
    except (OSError, rtmidi.RtMidiError) as error:
        raise SinkError(f"The MIDI port '{wanted}' cannot be opened ({str(error).rstrip('.')}).") from None
    except SinkError:
        raise
    except Exception as error:  # the variable may name any module
        if BACKEND not in os.environ:
            raise
        raise SinkError(
            f"{BACKEND}={os.environ[BACKEND]} names no MIDI system that can be used here ({str(error).rstrip('.')}): "
            "unset it, or set it to mido.backends.rtmidi/LINUX_ALSA or mido.backends.rtmidi/UNIX_JACK."
        ) from None


def _find(ports: list[str], wanted: str) -> str:
    if not ports:
        raise SinkError(
            f"There is no MIDI output port: connect a device, or create one for other programs with --midi {VIRTUAL}."
        )
    text = wanted.casefold()
    exact = [port for port in ports if port.casefold() == text]
    matches = exact or [port for port in ports if text in port.casefold()]
    if not matches:
        raise SinkError(f"No MIDI output port is called '{wanted}': choose from {_names(ports)}.")
    if len(matches) > 1:
        raise SinkError(f"'{wanted}' matches {_names(matches)}: give more of the name.")
    return matches[0]


def _names(ports: list[str]) -> str:
    return ", ".join(f"'{port}'" for port in ports)
