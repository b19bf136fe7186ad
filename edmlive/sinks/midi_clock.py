"""MIDI clock at the tempo of the music, sent from a thread of its own."""

import threading
import time
from collections.abc import Callable

import mido
import rtmidi

PULSES_PER_BEAT = 24
_CATCH_UP_SECONDS = 0.25


class MidiClock:
    """Sends *start*, then 24 pulses per beat while there is a tempo, then *stop*.

    Pulses are scheduled on the monotonic clock, so that a late one does not delay the next and the tempo does not
    drift. A new tempo takes effect with the next pulse. The clock has the tempo of the music but not its phase: pulses
    do not fall on the beats.

    Parameters
    ----------
    send
        Sends one message; called from the clock's thread.

    Attributes
    ----------
    failure
        Why the clock has stopped for good, if it has.
    """

    def __init__(self, send: Callable[[mido.Message], None]) -> None:
        self.failure: Exception | None = None
        self._send = send
        self._bpm: float | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="midi-clock", daemon=True)
        self._thread.start()

    def follow(self, bpm: float | None) -> None:
        """Follow a tempo in beats per minute; ``None`` stops the clock."""
        with self._changed:
            self._bpm = bpm
            self._changed.notify()

    def close(self) -> None:
        """Stop the clock and its thread."""
        with self._changed:
            self._bpm, self._closed = None, True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            with self._changed:
                while not self._closed:
                    if self._bpm is not None:
                        self._play()
                    self._changed.wait_for(lambda: self._closed or self._bpm is not None)
        except (OSError, rtmidi.RtMidiError) as error:
            self.failure = error

    def _play(self) -> None:
        """Send pulses until there is no tempo."""
        self._send(mido.Message("start"))
        due = time.monotonic()
        while self._bpm is not None:
            due += 60.0 / (self._bpm * PULSES_PER_BEAT)
            # After the computer slept, the pulses missed are not sent.
            due = max(due, time.monotonic() - _CATCH_UP_SECONDS)
            if self._changed.wait_for(lambda: self._bpm is None, due - time.monotonic()):
                break
            self._send(mido.Message("clock"))
        self._send(mido.Message("stop"))
