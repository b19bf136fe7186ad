"""One listening session: a source through the engine to its sinks, and what to say at the end."""

import dataclasses
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from edmlive.errors import SinkError, SourceError
from edmlive.realtime.engine import Engine
from edmlive.realtime.live_score import Scorekeeper
from edmlive.realtime.reading import Reading
from edmlive.sources.audio import Source
from edmlive.sources.recorder import Recorder


class Output(Protocol):
    """Where readings go without anybody waiting, such as a `SinkThread`.

    Attributes
    ----------
    dropped
        Readings it had no time for.
    failure
        Why it has stopped, once it has.
    """

    dropped: int
    failure: SinkError | None

    def send(self, reading: Reading) -> None:
        """Take a reading, at once."""

    def close(self, *, patient: bool = True) -> None:
        """Finish what was taken; soon, unless patient."""


@dataclass
class Summary:
    """What a session came to.

    Parameters
    ----------
    seconds
        Audio heard, in seconds.
    genres
        Readings by the genre they named.
    bpm
        The last tempo, if any.
    frames_lost
        Frames that the source lost.
    reconnects
        How often the input came back after it was lost.
    dropped
        Readings that an output had no time for.
    failures
        What went wrong, a sentence each.
    score
        How right the readings were, where the source knows the truth.
    """

    seconds: float = 0.0
    genres: Counter[str] = field(default_factory=Counter)
    bpm: float | None = None
    frames_lost: int = 0
    reconnects: int = 0
    dropped: int = 0
    failures: list[str] = field(default_factory=list)
    score: Scorekeeper = field(default_factory=Scorekeeper)


def follow(
    source: Source,
    engine: Engine,
    outputs: Sequence[Output],
    recorder: Recorder | None = None,
    tell: Callable[[str], None] = lambda sentence: None,
) -> Summary:
    """Run a source through the engine until it ends, fails, is interrupted, or no output is left.

    Parameters
    ----------
    source
        An open source; the caller closes it.
    engine
        A fresh engine for the source's rate.
    outputs
        Where readings go. They are closed here, as is the recorder.
    recorder
        Keeps every sample of the source.
    tell
        Called with each failure and each notice, a sentence, when it comes up.
    """
    summary = Summary()
    patient = True
    noticed: tuple[str, ...] = ()
    working = list(outputs)

    def fail(failure: object) -> None:
        summary.failures.append(str(failure))
        if str(failure) not in noticed:
            tell(str(failure))

    def deliver(reading: Reading) -> None:
        nonlocal noticed
        for notice in reading.notices:
            if notice not in noticed:
                tell(notice)
        noticed = reading.notices
        if lost := dropped():
            reading = dataclasses.replace(reading, counts=dataclasses.replace(reading.counts, readings_dropped=lost))
        for output in working:
            output.send(reading)
        if reading.genre is not None:
            summary.genres[reading.genre] += 1
        summary.bpm = reading.bpm or summary.bpm
        summary.score.push(reading)

    def dropped() -> int:
        return sum(output.dropped for output in outputs)

    def drop_failed() -> None:
        for output in [output for output in working if output.failure is not None]:
            working.remove(output)
            fail(output.failure)

    try:
        for block in source:
            if recorder is not None and len(block.samples):
                try:
                    recorder.write(block.samples)
                except SinkError as error:
                    fail(error)
                    recorder = None
            for reading in engine.push(block):
                deliver(reading)
            source.wanted = engine.wanted
            drop_failed()
            if outputs and not working:
                break
        else:
            for reading in engine.finish():
                deliver(reading)
    except KeyboardInterrupt:
        patient = False
    except SourceError as error:
        fail(error)
    finally:
        _close(outputs, patient=patient)
        drop_failed()
        if recorder is not None:
            try:
                recorder.close()
            except SinkError as error:
                fail(error)
    if source.fault is not None:
        fail(f"{source.name} is broken: {source.fault}.")
    summary.seconds = engine.seconds
    summary.frames_lost = engine.counts.frames_lost
    summary.reconnects = engine.counts.reconnects
    summary.dropped = dropped()
    return summary


def _close(outputs: Sequence[Output], *, patient: bool) -> None:
    """Close all at once, so that several that hang take no longer than one."""
    closing = [threading.Thread(target=output.close, kwargs={"patient": patient}) for output in outputs]
    for thread in closing:
        thread.start()
    for thread in closing:
        thread.join()
