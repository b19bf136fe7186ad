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
from edmlive.features.level import FLOOR_DBFS, SilenceGate, level_dbfs
from edmlive.features.resampler import Resampler
from edmlive.features.windows import Windows
from edmlive.kernels.tables import SAMPLE_RATE
from edmlive.realtime.classifier import Classifier
from edmlive.realtime.providers import Provider
from edmlive.realtime.reading import Reading, State, Track
from edmlive.realtime.voter import Vote, Voter
from edmlive.sources.audio import AudioBlock, Playing, Source
from edmlive.sources.file import FileSource
from edmlive.sources.health import NOTHING_LOST, Liveness
from edmlive.sources.inspection import Inspector

LATE_SECONDS = 3.0
"""Age of the newest block from which decisions are left out, so that the rest catches up."""
SKIP_SECONDS = 5.0
"""However late it is, decisions are never further apart than this."""
GATHER_SECONDS = 0.25
"""Blocks are heard together up to this length, because each call has its price; no decision waits for it."""


def _clock(seconds_ago: float) -> str:
    """Return a moment of the recent past by the computer's clock."""
    moment = datetime.datetime.now().astimezone() - datetime.timedelta(seconds=seconds_ago)
    return moment.isoformat(timespec="milliseconds")


class Engine:
    """Turns audio blocks into readings, one each hop.

    Decisions fall on fixed positions of the resampled stream, so that neither the size of the blocks
    nor the speed at which they come changes any answer. Only where live audio comes faster than it can be judged are
    decisions left out, and counted; the audio is heard all the same.

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

    Attributes
    ----------
    counts
        What happened since the start; what sinks dropped is not known here.
    wanted
        Seconds of audio to come that are best handed over at once: no decision falls into them.
    """

    def __init__(
        self, classifier: Classifier, rate: int, hop_seconds: float | None = None, votes: int | None = None
    ) -> None:
        spec = classifier.spec
        self._classifier = classifier
        self._rate = rate
        self._gathered: list[NDArray[np.float32]] = []
        self._inspector = Inspector(rate)
        self._resampler = Resampler(rate)
        self._windows = Windows(spec)
        self._voter = Voter(spec.labels, spec.vote.votes if votes is None else votes or None)
        self._gate = SilenceGate()
        self._hop = np.zeros(max(1, round((hop_seconds or spec.vote.hop_seconds) * SAMPLE_RATE)), np.float32)
        self._filled = 0
        self._vote: Vote | None = None
        self._truth: Playing | None = None
        self._liveness = Liveness.HEALTHY
        self._notices: tuple[str, ...] = ()
        self._newest = self._decided_at = -math.inf
        self.samples_heard = 0
        self.wanted = 0.0
        self.counts = NOTHING_LOST

    @property
    def seconds(self) -> float:
        """Seconds of audio heard."""
        return self.samples_heard / SAMPLE_RATE

    def run(self, source: Source) -> Iterator[Reading]:
        """Yield the readings of a source until it ends."""
        for block in source:
            yield from self.push(block)
            source.wanted = self.wanted
        yield from self.finish()

    def push(self, block: AudioBlock) -> Iterator[Reading]:
        """Take one block and yield the readings that have become possible."""
        if block.gap or block.liveness is not Liveness.HEALTHY:
            yield from self._hear()
        self._truth, self._liveness, self._notices = block.truth, block.liveness, block.notices
        if (block.overflows, block.reconnects) != (self.counts.overflows, self.counts.reconnects):
            self.counts = dataclasses.replace(self.counts, overflows=block.overflows, reconnects=block.reconnects)
        if block.gap:
            self._count(gaps=1, frames_lost=block.gap)
            self._forget()
        self._newest = block.time
        if block.liveness is not Liveness.HEALTHY:
            yield self._reading(State.NO_INPUT, FLOOR_DBFS, None, None, 0.0, block.time)
        self._gathered.append(block.samples)
        self.wanted -= len(block.samples) / self._rate
        if self.wanted <= 0:
            yield from self._hear()

    def finish(self) -> Iterator[Reading]:
        """Take in what the resampler holds back; where no decision was possible yet, decide on what there is."""
        yield from self._hear()
        self._newest = now = time.monotonic()
        yield from self._advance(self._resampler.push(np.zeros((0, 1), np.float32), last=True), now)
        if self._vote is None and not self._gate.silent:
            reading = self._decide(now, whole=False)
            if reading is not None and reading.genre is not None:
                yield reading

    def _hear(self) -> Iterator[Reading]:
        """Take in the blocks gathered, the last of them captured at `_newest`."""
        if self._gathered:
            samples = np.concatenate(self._gathered)
            self._gathered.clear()
            rest = len(samples)
            # In parts, so that what is noticed and what is decided meet in the same order whatever the blocks.
            for part in self._inspector.parts(samples):
                rest -= len(part)
                mono = self._resampler.push(part)
                yield from self._advance(mono, self._newest - rest / self._rate - self._resampler.held)
        to_decision = (len(self._hop) - self._filled) / SAMPLE_RATE - self._resampler.held
        self.wanted = min(GATHER_SECONDS, to_decision)

    def _advance(self, mono: NDArray[np.float32], captured_at: float) -> Iterator[Reading]:
        while len(mono):
            segment = mono[: len(self._hop) - self._filled]
            mono = mono[len(segment) :]
            self._windows.push(segment)
            self._hop[self._filled : self._filled + len(segment)] = segment
            self._filled += len(segment)
            self.samples_heard += len(segment)
            if self._filled == len(self._hop):
                reading = self._decide(captured_at - len(mono) / SAMPLE_RATE)
                self._filled = 0
                if reading is not None:
                    yield reading

    def _decide(self, captured_at: float, *, whole: bool = True) -> Reading | None:
        # A file may end with a hop that has been decided on already; it is still the newest audio.
        level = round(level_dbfs(self._hop[: self._filled or None]), 2)
        if self._gate.push(level, self._filled / SAMPLE_RATE) or (self._gate.quiet and not whole):
            self._forget()
            return self._reading(State.SILENCE, level, None, None, 0.0, captured_at)
        if self._is_late():
            self._count(decisions_skipped=1)
            return None
        window = self._windows.read(whole=whole)
        if window.tensors is not None:
            self._vote = self._voter.push(self._classifier.probabilities(window.tensors))
            self._count(decisions=1)
            self._decided_at = time.monotonic()
        if self._vote is None:
            state = State.WARMING_UP
        elif not whole or self._vote.confidence < self._classifier.spec.vote.minimum_confidence:
            state = State.UNSURE
        else:
            state = State.LISTENING
        return self._reading(state, level, self._vote, window.rhythm.bpm, window.seconds, captured_at)

    def _is_late(self) -> bool:
        """Tell whether to leave a decision out, so that the audio that waits is caught up with."""
        now = time.monotonic()
        return now - self._newest > LATE_SECONDS and now - self._decided_at < SKIP_SECONDS

    def _count(self, **more: int) -> None:
        self.counts = dataclasses.replace(self.counts, **{k: getattr(self.counts, k) + n for k, n in more.items()})

    def _reading(
        self, state: State, level: float, vote: Vote | None, bpm: float | None, seconds: float, captured_at: float
    ) -> Reading:
        return Reading(
            time=round(self.seconds, 6),
            state=state,
            level_dbfs=level,
            genre=vote.genre if vote else None,
            confidence=vote.confidence if vote else None,
            top=vote.top if vote else (),
            votes=vote.counts if vote else {},
            bpm=round(bpm, 1) if bpm is not None and math.isfinite(bpm) else None,
            seconds=round(seconds, 3),
            model=self._classifier.spec.name,
            latency=round(time.monotonic() - captured_at, 4),
            truth=self._truth,
            clock=_clock(time.monotonic() - captured_at),
            liveness=self._liveness,
            counts=self.counts,
            notices=(*self._notices, *self._inspector.notices),
        )

    def _forget(self) -> None:
        """Let nothing heard before a gap or a silence weigh on what comes; a whole song's vote goes on."""
        self._windows.reset()
        self._vote = None
        if self._voter.votes is not None:
            self._voter.reset()


def listen(
    source: Source,
    model: str | Path | Classifier | None = None,
    *,
    provider: Provider = "auto",
    hop_seconds: float | None = None,
    votes: int | None = None,
) -> Iterator[Reading]:
    """Yield readings of any source until it ends.

    Parameters
    ----------
    source
        An open source, such as `FileSource` or `DeviceSource`. The caller closes it.
    model
        Name of a shipped model, path of an ONNX file, or a loaded `Classifier`; ``None`` for the default.
    provider
        Where the model runs, unless it is loaded already.
    hop_seconds, votes
        Audio between decisions, and decisions that vote; ``None`` for the model's defaults.

    Raises
    ------
    UserError
        The source fails, or the model is refused.
    """
    yield from Engine(_classifier(model, provider), source.rate, hop_seconds, votes).run(source)


def classify(path: str | Path, model: str | Path | Classifier | None = None, *, provider: Provider = "auto") -> Track:
    """Name the subgenre and the tempo of a whole file: the majority over all its decisions.

    Parameters
    ----------
    path
        Path or URL of anything PyAV opens.
    model
        Name of a shipped model, path of an ONNX file, or a loaded `Classifier`; ``None`` for the default.
    provider
        Where the model runs, unless it is loaded already.

    Returns
    -------
    Track
        Genre, confidence, ranking, tempo, length, and where the file is broken, if it is.

    Raises
    ------
    UserError
        The file cannot be decoded, is silent or too short to decide on, or the model is refused.
    """
    classifier = _classifier(model, provider)
    last: Reading | None = None
    tempos = []
    with FileSource(path) as source:
        engine = Engine(classifier, source.rate, votes=0)
        for reading in engine.run(source):
            if reading.genre is not None:
                last = reading
                if reading.bpm is not None:
                    tempos.append(reading.bpm)
    if last is None or last.genre is None or last.confidence is None:
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
        bpm=round(float(np.median(tempos)), 1) if tempos else None,
        seconds=round(engine.seconds, 3),
        model=classifier.spec.name,
        fault=source.fault,
    )


def _classifier(model: str | Path | Classifier | None, provider: Provider) -> Classifier:
    if isinstance(model, Classifier):
        return model
    return Classifier(provider=provider) if model is None else Classifier(model, provider)
