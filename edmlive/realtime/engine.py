"""The engine: audio in, readings out, the same for a device, a stream and a file."""

import dataclasses
import datetime
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edmlive.errors import SourceError
from edmlive.features.resampler import Resampler
from edmlive.kernels.tables import SAMPLE_RATE
from edmlive.realtime.classifier import Classifier
from edmlive.realtime.decider import Decider, Outcome
from edmlive.realtime.names import Names, names_of
from edmlive.realtime.providers import Provider
from edmlive.realtime.reading import Reading, State, Track
from edmlive.sources.audio import AudioBlock, Source
from edmlive.sources.file import FileSource
from edmlive.sources.health import NOTHING_LOST, Liveness
from edmlive.sources.inspection import Inspector
from edmlive.util.blocks import BlockBuffer

GATHER_SECONDS = 0.25
"""Blocks are processed together up to this length, because each call has its price; no decision waits for it."""
ENDLESS_SECONDS = 120.0
"""Audio that `classify` takes from a stream that has no end."""


class Engine:
    """Turns audio blocks into readings, one each hop.

    Decisions fall on fixed positions of the resampled stream, so neither the size of the blocks nor their timing
    changes an answer. Only where live audio arrives faster than the model can run are decisions skipped, and counted;
    their audio still enters the windows.

    Parameters
    ----------
    classifier
        The model's session.
    rate
        Sampling rate of the blocks in Hz.
    hop_seconds
        Audio between two decisions; ``None`` for the model's default.
    votes
        Decisions that vote; ``None`` for the model's default, 0 for all.
    labels
        What answers are called, as in `listen`.

    Attributes
    ----------
    counts
        What happened since the start, except for what sinks dropped.
    wanted
        Seconds of audio to come that are best handed over at once: no decision falls within them.

    Examples
    --------
    Audio of your own goes in block by block.

    >>> import time
    >>> import edmlive, numpy as np
    >>> engine = edmlive.Engine(edmlive.Classifier(), rate=44_100)
    >>> block = np.zeros((22_050, 2), np.float32)
    >>> for _ in range(7):
    ...     for reading in engine.push(edmlive.AudioBlock(block, time.monotonic())):
    ...         print(reading.time, reading.state)
    1.0 warming up
    2.0 silence
    3.0 silence
    """

    def __init__(
        self,
        classifier: Classifier,
        rate: int,
        hop_seconds: float | None = None,
        votes: int | None = None,
        labels: str | Path | Names | None = None,
    ) -> None:
        spec = classifier.spec
        hop = max(1, round((hop_seconds or spec.vote.hop_seconds) * SAMPLE_RATE))
        self._model = spec.name
        self._names = names_of(spec, labels)
        self._rate = rate
        self._newest = AudioBlock(np.zeros((0, 1), np.float32), -math.inf)
        self._gathered: list[NDArray[np.float32]] = []
        self._inspector = Inspector(rate)
        self._resampler = Resampler(rate)
        self._hops = BlockBuffer(np.zeros(hop, np.float32))
        self._decider = Decider(classifier, votes)
        self._samples = 0
        self.wanted = 0.0
        self.counts = NOTHING_LOST

    @property
    def seconds(self) -> float:
        """Seconds of audio processed."""
        return self._samples / SAMPLE_RATE

    def run(self, source: Source) -> Iterator[Reading]:
        """Yield the readings of a source until it ends."""
        for block in source:
            yield from self.push(block)
            source.wanted = self.wanted
        yield from self.finish()

    def push(self, block: AudioBlock) -> Iterator[Reading]:
        """Take one block and yield the readings that have become possible."""
        healthy = block.liveness is Liveness.HEALTHY
        if block.gap or not healthy:
            yield from self._process()
        self._newest = block
        self._count_losses(block)
        if block.gap:
            self._decider.reset()
        if not healthy:
            yield self._reading(Outcome(State.NO_INPUT), block.time)
        self._gathered.append(block.samples)
        self.wanted -= len(block.samples) / self._rate
        if self.wanted <= 0:
            yield from self._process()

    def finish(self) -> Iterator[Reading]:
        """Process what is left at the end of the audio; if no decision was possible before, decide on what there is."""
        yield from self._process()
        now = time.monotonic()
        self._newest = dataclasses.replace(self._newest, time=now)
        yield from self._advance(self._resampler.push(np.zeros((0, 1), np.float32), last=True), now)
        outcome = self._decider.finish(self._hops.partial)
        if outcome is not None and outcome.vote is not None:
            self._count(decisions=1)
            yield self._reading(outcome, now)

    def _process(self) -> Iterator[Reading]:
        """Process the blocks gathered."""
        if self._gathered:
            samples = np.concatenate(self._gathered)
            self._gathered.clear()
            rest = len(samples)
            # In parts, so that notices and decisions fall in the same order whatever the blocks.
            for part in self._inspector.parts(samples):
                rest -= len(part)
                mono = self._resampler.push(part)
                yield from self._advance(mono, self._newest.time - rest / self._rate - self._resampler.held)
        to_decision = self._hops.missing / SAMPLE_RATE - self._resampler.held
        self.wanted = min(GATHER_SECONDS, to_decision)

    def _advance(self, mono: NDArray[np.float32], captured_at: float) -> Iterator[Reading]:
        """Take mono samples, the last of them captured at that time, and decide wherever a hop ends."""
        rest = len(mono)
        for piece, hop in self._hops.push(mono):
            rest -= len(piece)
            self._samples += len(piece)
            self._decider.push(piece)
            if hop is None:
                continue
            outcome = self._decider.decide(hop, time.monotonic() - self._newest.time)
            if outcome is None:
                self._count(decisions_skipped=1)
            else:
                self._count(decisions=outcome.decided)
                yield self._reading(outcome, captured_at - rest / SAMPLE_RATE)

    def _count_losses(self, block: AudioBlock) -> None:
        if block.gap:
            self._count(gaps=1, frames_lost=block.gap)
        if (block.overflows, block.reconnects) != (self.counts.overflows, self.counts.reconnects):
            self.counts = dataclasses.replace(self.counts, overflows=block.overflows, reconnects=block.reconnects)

    def _count(self, **more: int) -> None:
        self.counts = dataclasses.replace(self.counts, **{k: getattr(self.counts, k) + n for k, n in more.items()})

    def _reading(self, outcome: Outcome, captured_at: float) -> Reading:
        block, age = self._newest, time.monotonic() - captured_at
        answer = self._names.answer(outcome.state, outcome.vote)
        moment = datetime.datetime.now().astimezone() - datetime.timedelta(seconds=age)
        return Reading(
            time=round(self.seconds, 6),
            state=answer.state,
            level_dbfs=outcome.level_dbfs,
            genre=answer.genre,
            confidence=answer.confidence,
            top=answer.top,
            votes=answer.votes,
            mixing=outcome.mixing,
            family=answer.family,
            family_confidence=answer.family_confidence,
            set=answer.set,
            bpm=round(outcome.bpm, 1) if math.isfinite(outcome.bpm) else None,
            seconds=round(outcome.seconds, 3),
            model=self._model,
            latency=round(age, 4),
            truth=self._names.truth(block.truth),
            clock=moment.isoformat(timespec="milliseconds"),
            liveness=block.liveness,
            counts=self.counts,
            notices=(*block.notices, *self._inspector.notices),
        )


def listen(
    source: Source,
    model: str | Path | Classifier | None = None,
    *,
    provider: Provider = "auto",
    hop_seconds: float | None = None,
    votes: int | None = None,
    labels: str | Path | Names | None = None,
) -> Iterator[Reading]:
    """Follow any source, reading by reading, until it ends.

    Parameters
    ----------
    source
        An open source, such as `FileSource` or `DeviceSource`. The caller closes it.
    model
        Name of a shipped model, path of an ONNX file, or a loaded `Classifier`; ``None`` for the default.
    provider
        Where the model runs; ignored if it is already loaded.
    hop_seconds, votes
        Audio between decisions, and decisions that vote; ``None`` for the model's defaults.
    labels
        What answers are called: ``families``, Beatport's names of ``2021`` or ``2025``, or a TOML file with names of
        your own; ``None`` for the model's labels.

    Returns
    -------
    Iterator[Reading]
        One reading each hop. It raises a `SourceError` if the source fails.

    Raises
    ------
    UserError
        The model is refused, or the file of names.

    Examples
    --------
    >>> import edmlive
    >>> with edmlive.open_source("track.flac") as source:
    ...     for reading in edmlive.listen(source, hop_seconds=10):
    ...         print(f"{reading.time:.0f} s: {reading.state}, {reading.genre}")
    10 s: listening, Dubstep
    20 s: listening, Dubstep
    30 s: listening, Dubstep
    40 s: listening, Dubstep
    """
    return Engine(_classifier(model, provider), source.rate, hop_seconds, votes, labels).run(source)


def classify(
    path: str | Path,
    model: str | Path | Classifier | None = None,
    *,
    provider: Provider = "auto",
    labels: str | Path | Names | None = None,
) -> Track:
    """Name the subgenre and the tempo of a whole file, by a majority vote over all its decisions.

    Parameters
    ----------
    path
        Path or URL of anything PyAV opens. Of a stream without an end, the first `ENDLESS_SECONDS` are classified.
    model
        Name of a shipped model, path of an ONNX file, or a loaded `Classifier`; ``None`` for the default.
    provider
        Where the model runs; ignored if it is already loaded.
    labels
        What answers are called, as in `listen`.

    Returns
    -------
    Track
        Genre, confidence, ranking, tempo, length, and where the file is broken, if it is. There is no genre if
        the file as a whole is nothing that the model knows.

    Raises
    ------
    UserError
        The file cannot be decoded, is silent or too short to decide on, or the model is refused.

    Examples
    --------
    >>> import edmlive
    >>> track = edmlive.classify("track.flac")
    >>> print(f"{track.genre}, {track.bpm:.0f} BPM")
    Dubstep, 141 BPM
    """
    classifier = _classifier(model, provider)
    last: Reading | None = None
    tempos: list[float] = []
    with FileSource(path, endless_seconds=ENDLESS_SECONDS) as source:
        engine = Engine(classifier, source.rate, votes=0, labels=labels)
        for reading in engine.run(source):
            if reading.genre is not None or reading.state is State.UNKNOWN:
                last = reading  # the vote is over all decisions so far
                if reading.bpm is not None:
                    tempos.append(reading.bpm)
    if last is None:
        because = f" ({source.fault})" if source.fault else ""
        raise SourceError(
            f"{path} holds {engine.seconds:.1f} s of audio without enough music to decide on{because}: "
            "give at least a few seconds that are not silent."
        )
    return Track(
        path=str(path),
        state=last.state,
        genre=last.genre,
        confidence=last.confidence,
        top=last.top,
        family=last.family,
        family_confidence=last.family_confidence,
        set=last.set,
        bpm=round(float(np.median(tempos)), 1) if tempos else None,
        seconds=round(engine.seconds, 3),
        model=classifier.spec.name,
        fault=source.fault,
    )


def _classifier(model: str | Path | Classifier | None, provider: Provider) -> Classifier:
    if isinstance(model, Classifier):
        return model
    return Classifier(provider=provider) if model is None else Classifier(model, provider)
