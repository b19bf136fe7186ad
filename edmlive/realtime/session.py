"""One listening session: a source through the engine to its sinks, and what to say at the end."""

import dataclasses
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edmlive.errors import SinkError, SourceError
from edmlive.realtime.audio import Source
from edmlive.realtime.engine import Engine
from edmlive.realtime.reading import Reading
from edmlive.realtime.recorder import Recorder
from edmlive.realtime.scorekeeper import Scorekeeper
from edmlive.realtime.sinks import Outlet, Sink


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
        Readings that a sink had no time for.
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
    sinks: Sequence[Sink],
    recorder: Recorder | None = None,
    tell: Callable[[str], None] = lambda sentence: None,
) -> Summary:
    """Run a source through the engine until it ends, fails, is interrupted, or no sink is left.

    Parameters
    ----------
    source
        An open source; the caller closes it.
    engine
        A fresh engine for the source's rate.
    sinks
        Where readings go; each gets a thread of its own. They are closed here, as is the recorder.
    recorder
        Keeps every sample of the source.
    tell
        Called with each failure and each notice, a sentence, when it comes up.
    """
    summary = Summary()
    patient = True
    noticed: tuple[str, ...] = ()
    outlets = [Outlet(sink, live=source.live) for sink in sinks]
    working = list(outlets)

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
        for outlet in working:
            outlet.send(reading)
        if reading.genre is not None:
            summary.genres[reading.genre] += 1
        summary.bpm = reading.bpm or summary.bpm
        summary.score.push(reading)

    def dropped() -> int:
        return sum(outlet.dropped for outlet in outlets)

    def drop_failed() -> None:
        for outlet in [outlet for outlet in working if outlet.failure is not None]:
            working.remove(outlet)
            fail(outlet.failure)

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
            if outlets and not working:
                break
        else:
            for reading in engine.finish():
                deliver(reading)
    except KeyboardInterrupt:
        patient = False
    except SourceError as error:
        fail(error)
    finally:
        _close(outlets, patient=patient)
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


def _close(outlets: Sequence[Outlet], *, patient: bool) -> None:
    """Close all at once, so that several that hang take no longer than one."""
    closing = [threading.Thread(target=outlet.close, kwargs={"patient": patient}) for outlet in outlets]
    for thread in closing:
        thread.start()
    for thread in closing:
        thread.join()
