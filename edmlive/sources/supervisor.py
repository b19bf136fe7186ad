"""A source that outlives its input: what is lost is noticed, told, waited for and opened anew.

Its liveness is a state machine. *Starting* becomes *healthy* with the first audio; *healthy* becomes *stalled* when
none has come for `STALL_SECONDS`, and *recovering* when the link to the input is lost or given up; a fresh link
that delivers is *healthy* again. *Failed* is the end, where nobody wants to wait.
"""

import logging
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self

import numpy as np
import soxr
from numpy.typing import NDArray

from edmlive.errors import DeviceError, SourceError
from edmlive.sources.audio import AudioBlock, choose_channels, sanitise
from edmlive.sources.health import Liveness

OPEN_SECONDS = 10.0
STALL_SECONDS = 1.5
"""Silence of a healthy link before it counts as stalled."""
FIRST_AUDIO_SECONDS = 5.0
"""The same for a link that has not delivered yet: some devices take their time."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 0.75
TELL_SECONDS = 1.0
BACK_SECONDS = 10.0
POLL_SECONDS = 0.02
WAIT_SECONDS = 0.3

OnLoss = Literal["wait", "exit"]

log = logging.getLogger("edmlive.capture")
log.addHandler(logging.NullHandler())  # else Python prints to standard error what the notices say already


@dataclass(frozen=True)
class Opened:
    """What a link found: the input's name as a user knows it, its rate in Hz, and how many channels it has."""

    name: str
    rate: int
    channels: int


@dataclass(frozen=True)
class Piece:
    """What a link delivers: samples (frames, channels), when the last was captured, frames lost before the first."""

    samples: NDArray[np.float32]
    time: float
    gap: int = 0


class Link(Protocol):
    """One connection to an input, from its opening to its loss. No method waits but `wait`.

    Attributes
    ----------
    patient
        Whether a stalled link may resume by itself, or is given up at once.
    """

    patient: bool

    @property
    def overflows(self) -> int:
        """How often the sound system said that it dropped input."""

    @property
    def notice(self) -> str | None:
        """What a person should know about the input, if anything."""

    def opened(self) -> Opened | None:
        """Return what was opened, ``None`` while it is opening; `SourceError` when it cannot be."""

    def read(self) -> Piece | None:
        """Return what has arrived, ``None`` where that is nothing; `SourceError` once it is dead and read out."""

    def wait(self, wanted: float) -> None:
        """Wait for so many seconds of audio to arrive; for `WAIT_SECONDS` at most, and less where it is not known."""

    def close(self) -> None:
        """Let the input go, within a second whatever it does."""


class InputEndedError(Exception):
    """The input has come to its proper end, with or without a fault on its way."""

    def __init__(self, fault: str | None = None) -> None:
        super().__init__(fault)
        self.fault = fault


class SupervisedSource(ABC):
    """A live source of constant rate and channels over one link after another.

    Parameters
    ----------
    channels
        Channel numbers from 1 to keep, in that order; ``None`` for the first `most` at most.
    most
        How many channels are kept where none are chosen; ``None`` for all.
    on_loss
        Whether a lost input is waited for, or ends it with a `SourceError`.

    Attributes
    ----------
    liveness
        The state now.
    transitions
        How often each state was entered.
    """

    kind: str

    def __init__(self, channels: tuple[int, ...] | None, most: int | None, on_loss: OnLoss) -> None:
        self.live = True
        self.fault: str | None = None
        self.wanted = 0.0
        self.liveness = Liveness.STARTING
        self.transitions: Counter[Liveness] = Counter()
        self._on_loss = on_loss
        self._wanted = channels
        self._ready = False
        self._overflows = self._reconnects = 0
        self._newest: float | None = None
        self._lost_from: float | None = None
        self._loss: str | None = None
        self._lost_at = self._back_at = -np.inf
        self._told_at = time.monotonic()
        self._link = self._connect()
        try:
            opened = self._wait_until_open()
            self.name, self.rate = opened.name, opened.rate
            self.channels = len(channels) if channels else min(most or opened.channels, opened.channels)
            self._adopt(opened)
        except BaseException:
            self._link.close()
            raise

    @abstractmethod
    def _connect(self) -> Link:
        """Begin to open the input, again if it was open before."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._link.close()

    def __iter__(self) -> Iterator[AudioBlock]:
        """Yield what is captured, as it comes; while nothing comes, a block without samples about once a second."""
        while True:
            try:
                yield from self._hear() if self._ready else self._reopen()
            except InputEndedError as end:
                self.fault = end.fault
                return
            except SourceError as loss:
                if self._on_loss == "exit":
                    yield self._enter(Liveness.FAILED, str(loss))
                    raise
                self._ready = False
                self._lost_from = self._newest
                yield self._enter(Liveness.RECOVERING, str(loss))

    def _hear(self) -> Iterator[AudioBlock]:
        heard_at = time.monotonic()
        while True:
            piece = self._link.read()
            silent = time.monotonic() - heard_at
            if piece is not None:
                heard_at = time.monotonic()
                if self.liveness is not Liveness.HEALTHY:
                    self._enter(Liveness.HEALTHY, "audio arrives")
                yield self._block(piece)
            elif self.liveness in (Liveness.STALLED, Liveness.RECOVERING, Liveness.STARTING):
                if silent > FIRST_AUDIO_SECONDS and not self._link.patient:
                    raise DeviceError(self._silence(silent))
                yield from self._idle()
            elif silent > STALL_SECONDS:
                yield self._enter(Liveness.STALLED, self._silence(silent))
                if not self._link.patient:
                    raise DeviceError(self._silence(silent))
            else:
                self._link.wait(self.wanted)

    def _silence(self, seconds: float) -> str:
        return f"{self.kind} '{self.name}' has delivered no audio for {seconds:.1f} s: check its cable and its server."

    def _reopen(self) -> Iterator[AudioBlock]:
        pause = FIRST_PAUSE_SECONDS
        while True:
            self._overflows += self._link.overflows
            self._link.close()
            began = time.monotonic()
            try:
                self._link = self._connect()
                while (opened := self._link.opened()) is None:
                    if time.monotonic() - began > OPEN_SECONDS:
                        raise _no_answer()
                    yield from self._idle()
                self._adopt(opened)
                return
            except SourceError as error:
                self._loss = str(error)
                log.debug("%s: not yet: %s", self.name, error)
            while time.monotonic() - began < pause:
                yield from self._idle()
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _wait_until_open(self) -> Opened:
        began = time.monotonic()
        while (opened := self._link.opened()) is None:
            if time.monotonic() - began > OPEN_SECONDS:
                raise _no_answer()
            time.sleep(POLL_SECONDS)
        return opened

    def _adopt(self, opened: Opened) -> None:
        """Make what the input now delivers like what it delivered first."""
        what = f"{self.kind} '{opened.name}'"
        first = tuple(min(number, opened.channels) for number in range(1, 1 + self.channels))
        self._picked = list(choose_channels(opened.channels, self._wanted or first, what))
        self._rate = opened.rate
        same = opened.rate == self.rate
        self._resampler = None if same else soxr.ResampleStream(opened.rate, self.rate, self.channels, dtype="float32")
        changes = []
        if opened.name != self.name:
            changes.append(f"{what} is heard in place of '{self.name}', which is gone")
        if not same:
            changes.append(f"{what} now runs at {opened.rate} Hz; it is converted to {self.rate} Hz")
        self._changes = tuple(f"{change}." for change in changes)
        self._ready = True

    def _block(self, piece: Piece) -> AudioBlock:
        samples = sanitise(piece.samples[:, self._picked])
        gap = round(piece.gap * self.rate / self._rate)
        if self._lost_from is not None:
            gap += max(0, round((piece.time - len(samples) / self._rate - self._lost_from) * self.rate))
            self._lost_from = None
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples)
        self._newest = piece.time
        return self._told(samples, piece.time, gap)

    def _idle(self) -> Iterator[AudioBlock]:
        """Wait a moment; yield a block without samples if it is time to."""
        time.sleep(POLL_SECONDS)
        if time.monotonic() - self._told_at > TELL_SECONDS:
            yield self._empty()

    def _empty(self) -> AudioBlock:
        return self._told(np.zeros((0, self.channels), np.float32), time.monotonic(), 0)

    def _told(self, samples: NDArray[np.float32], at: float, gap: int) -> AudioBlock:
        self._told_at = time.monotonic()
        return AudioBlock(
            samples,
            at,
            gap,
            liveness=self.liveness,
            overflows=self._overflows + self._link.overflows,
            reconnects=self._reconnects,
            notices=self._notices(),
        )

    def _notices(self) -> tuple[str, ...]:
        if self.liveness is not Liveness.HEALTHY:
            return (self._loss,) if self._loss else ()
        back = f"{self.kind} '{self.name}' is back after {self._back_at - self._lost_at:.1f} s."
        recent = (back,) if time.monotonic() - self._back_at < BACK_SECONDS else ()
        return (*recent, *self._changes, *filter(None, (self._link.notice,)))

    def _enter(self, state: Liveness, reason: str) -> AudioBlock:
        """Change the state; return a block that tells it."""
        before, self.liveness = self.liveness, state
        if state is before:
            self._loss = reason
            return self._empty()
        self.transitions[state] += 1
        level = logging.INFO if state is Liveness.HEALTHY else logging.WARNING
        log.log(level, "%s: from %s to %s: %s", self.name, before, state, reason)
        if state is Liveness.HEALTHY:
            if before is not Liveness.STARTING:
                self._back_at = time.monotonic()
            self._reconnects += before is Liveness.RECOVERING
        else:
            self._loss = reason
            if before is Liveness.HEALTHY:
                self._lost_at = time.monotonic()
        return self._empty()


def _no_answer() -> DeviceError:
    return DeviceError(f"The input did not answer within {OPEN_SECONDS:.0f} s: restart its server or check the cable.")
