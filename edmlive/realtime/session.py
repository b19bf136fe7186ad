"""One listening session: from a source through the engine to its outputs, and a summary of it."""

import contextlib
import dataclasses
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from edmlive.errors import SinkError, SourceError
from edmlive.realtime.engine import Engine
from edmlive.realtime.live_score import LiveScore
from edmlive.realtime.reading import Reading
from edmlive.sources.audio import AudioBlock, Source
from edmlive.sources.recorder import Recorder


class Output(Protocol):
    """Where readings go without blocking, such as a `SinkThread`.

    Attributes
    ----------
    failure
        Why it has stopped, if it has.
    interruption
        Why it cannot take readings for the time being, if so.
    """

    failure: SinkError | None
    interruption: SinkError | None

    @property
    def dropped(self) -> int:
        """Number of readings dropped because it was busy or interrupted."""

    def send(self, reading: Reading) -> None:
        """Queue a reading, without blocking."""

    def close(self, *, patient: bool = True) -> None:
        """Finish what is queued; unless patient, give up soon."""


@dataclass
class Summary:
    """Summary of a session.

    Parameters
    ----------
    seconds
        Audio processed, in seconds.
    genres
        Number of readings by genre.
    bpm
        The last tempo, if any.
    frames_lost
        Frames that the source lost.
    reconnects
        How often the input came back after it was lost.
    dropped
        Readings that outputs dropped.
    failures
        What went wrong, one sentence each.
    score
        Accuracy of the readings, if the source knows the truth.
    """

    seconds: float = 0.0
    genres: Counter[str] = field(default_factory=Counter)
    bpm: float | None = None
    frames_lost: int = 0
    reconnects: int = 0
    dropped: int = 0
    failures: list[str] = field(default_factory=list)
    score: LiveScore = field(default_factory=LiveScore)

    def add(self, reading: Reading) -> None:
        """Take a reading in, in the order of time."""
        if reading.genre is not None:
            self.genres[reading.genre] += 1
        self.bpm = reading.bpm or self.bpm
        self.score.push(reading)


class Session:
    """Runs a source through the engine until it ends, fails, is interrupted, or nothing keeps what is heard.

    Parameters
    ----------
    source
        An open source; the caller closes it.
    engine
        A fresh engine for the source's rate.
    outputs
        Where readings go. They are closed at the end, as is the recorder.
    recorder
        Keeps every sample of the source.
    notify
        Called with each failure and each notice, a sentence, as it comes up.
    """

    def __init__(
        self,
        source: Source,
        engine: Engine,
        outputs: Sequence[Output],
        recorder: Recorder | None = None,
        notify: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._source = source
        self._engine = engine
        self._outputs = outputs
        self._working = list(outputs)
        self._interrupted: list[Output] = []
        self._recorder = recorder
        self._notify = notify
        self._notices: tuple[str, ...] = ()
        self._summary = Summary()
        self._identifier = secrets.token_hex(4)

    def run(self) -> Summary:
        """Run the session and return its summary."""
        patient = True
        try:
            self._listen()
        except KeyboardInterrupt:
            patient = False
        except SourceError as error:
            self._fail(error)
        finally:
            self._close(patient=patient)
        if self._source.fault is not None:
            self._fail(f"{self._source.name} is broken: {self._source.fault}.")
        self._summary.seconds = self._engine.seconds
        self._summary.frames_lost = self._engine.counts.frames_lost
        self._summary.reconnects = self._engine.counts.reconnects
        self._summary.dropped = self._dropped()
        return self._summary

    def _listen(self) -> None:
        for block in self._source:
            self._record(block)
            self._deliver(self._engine.push(block))
            self._source.wanted = self._engine.wanted
            self._remove_failed_outputs()
            if self._outputs and not self._working and self._recorder is None:
                return
        self._deliver(self._engine.finish())

    def _record(self, block: AudioBlock) -> None:
        if self._recorder is None or not len(block.samples):
            return
        try:
            self._recorder.write(block.samples)
        except SinkError as error:
            self._fail(error)
            with contextlib.suppress(SinkError):
                self._recorder.close()
            self._recorder = None

    def _deliver(self, readings: Iterable[Reading]) -> None:
        for reading in readings:
            self._notify_of_new(reading.notices)
            reading = dataclasses.replace(reading, session=self._identifier)
            if lost := self._dropped():
                counts = dataclasses.replace(reading.counts, readings_dropped=lost)
                reading = dataclasses.replace(reading, counts=counts)
            for output in self._working:
                output.send(reading)
            self._summary.add(reading)

    def _notify_of_new(self, notices: tuple[str, ...]) -> None:
        for notice in notices:
            if notice not in self._notices:
                self._notify(notice)
        self._notices = notices

    def _dropped(self) -> int:
        return sum(output.dropped for output in self._outputs)

    def _remove_failed_outputs(self) -> None:
        self._report_interruptions()
        for output in [output for output in self._working if output.failure is not None]:
            self._working.remove(output)
            self._fail(output.failure)

    def _report_interruptions(self) -> None:
        for output in self._working:
            known = output in self._interrupted
            if output.interruption is not None and not known:
                self._interrupted.append(output)
                self._fail(output.interruption)
            elif output.interruption is None and known:
                self._interrupted.remove(output)
                self._notify("There is room again: readings are written as before.")

    def _fail(self, failure: object) -> None:
        self._summary.failures.append(str(failure))
        if str(failure) not in self._notices:
            self._notify(str(failure))

    def _close(self, *, patient: bool) -> None:
        _close_together(self._outputs, patient=patient)
        self._remove_failed_outputs()
        if self._recorder is not None:
            try:
                self._recorder.close()
            except SinkError as error:
                self._fail(error)


def _close_together(outputs: Sequence[Output], *, patient: bool) -> None:
    """Close outputs in parallel, so that several that hang take no longer than one."""
    closing = [threading.Thread(target=output.close, kwargs={"patient": patient}) for output in outputs]
    for thread in closing:
        thread.start()
    for thread in closing:
        thread.join()
