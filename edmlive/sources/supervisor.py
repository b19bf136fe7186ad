"""A live source that outlives its input: a loss is noticed, reported, waited for, and the input opened again."""

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
from edmlive.sources.health import HealthMonitor, Liveness, Transition

OPEN_SECONDS = 10.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 0.75
"""Between two attempts to open a lost input again."""
REPORT_SECONDS = 1.0
"""While nothing arrives, a block without samples comes this often."""
POLL_SECONDS = 0.02
WAIT_SECONDS = 0.3

OnLoss = Literal["wait", "exit"]

log = logging.getLogger("edmlive.capture")
log.addHandler(logging.NullHandler())  # else Python prints to standard error what the notices say already


@dataclass(frozen=True)
class Opened:
    """What a link has opened: the input's name as a user knows it, its rate in Hz, and its number of channels."""

    name: str
    rate: int
    channels: int


class Link(Protocol):
    """One connection to an input, from its opening to its loss. Only `wait` blocks.

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

    def read(self) -> AudioBlock | None:
        """Return what has arrived, ``None`` if nothing has; `SourceError` once the link is dead and read to its end."""

    def wait(self, wanted: float) -> None:
        """Wait until so many seconds of audio have arrived, but for `WAIT_SECONDS` at most."""

    def close(self) -> None:
        """Release the input within a second, whatever it does; closing twice does nothing."""


class InputEndedError(Exception):
    """The input has come to its proper end, with or without a fault on the way."""

    def __init__(self, fault: str | None = None) -> None:
        super().__init__(fault)
        self.fault = fault


class SupervisedSource(ABC):
    """A live source of constant rate and channels over one link after another.

    `HealthMonitor` decides in which state it is; this class reads, waits, and opens the input again.

    Parameters
    ----------
    channels
        Channel numbers from 1 to keep, in that order; ``None`` for the first `most` at most.
    most
        How many channels are kept where none are chosen; ``None`` for all.
    on_loss
        Whether a lost input is waited for, or ends the source with a `SourceError`.
    """

    kind: str

    def __init__(self, channels: tuple[int, ...] | None, most: int | None, on_loss: OnLoss) -> None:
        self.live = True
        self.fault: str | None = None
        self.wanted = 0.0
        self._on_loss = on_loss
        self._ready = False
        self._overflows = 0
        self._newest: float | None = None
        self._lost_from: float | None = None
        self._reported_at = time.monotonic()
        self._link = self._connect()
        try:
            began = time.monotonic()
            while (opened := self._opened(began)) is None:
                time.sleep(POLL_SECONDS)
            self.name, self.rate = opened.name, opened.rate
            self.channels = len(channels) if channels else min(most or opened.channels, opened.channels)
            self._chosen = channels
            self._adopt(opened)
        except BaseException:
            self._link.close()
            raise
        self._health = HealthMonitor(f"{self.kind} '{self.name}'", time.monotonic())

    @abstractmethod
    def _connect(self) -> Link:
        """Begin to open the input, again if it was open before."""

    @property
    def liveness(self) -> Liveness:
        """The state now."""
        return self._health.state

    @property
    def transitions(self) -> Counter[Liveness]:
        """How often each state was entered."""
        return self._health.transitions

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
                yield from self._listen() if self._ready else self._reopen()
            except InputEndedError as end:
                self.fault = end.fault
                return
            except SourceError as loss:
                if self._on_loss == "exit":
                    yield self._report(self._health.failed(str(loss)))
                    raise
                self._ready = False
                self._lost_from = self._newest
                yield self._report(self._health.lost(str(loss)))

    def _listen(self) -> Iterator[AudioBlock]:
        """Yield what arrives over the link until it is lost or given up."""
        self._health.connected(time.monotonic())
        while True:
            block = self._link.read()
            now = time.monotonic()
            if block is not None:
                self._log(self._health.audio_arrived(now))
                yield self._conform(block)
                continue
            if transition := self._health.nothing_arrived(now):
                yield self._report(transition)
            if self._health.overdue() and not self._link.patient:
                raise DeviceError(self._health.silence(now))
            if self.liveness is Liveness.HEALTHY:
                self._link.wait(self.wanted)
            else:
                yield from self._idle()

    def _reopen(self) -> Iterator[AudioBlock]:
        """Try to open the input again until it works, less and less often."""
        pause = FIRST_PAUSE_SECONDS
        while not self._ready:
            self._overflows += self._link.overflows
            self._link.close()
            began = time.monotonic()
            try:
                self._link = self._connect()
                while (opened := self._opened(began)) is None:
                    yield from self._idle()
                self._adopt(opened)
            except SourceError as error:
                self._health.lost(str(error))
                log.debug("%s: not yet: %s", self.name, error)
                while time.monotonic() - began < pause:
                    yield from self._idle()
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _opened(self, began: float) -> Opened | None:
        """Return what the link has opened, ``None`` while it is opening and still has time."""
        opened = self._link.opened()
        if opened is None and time.monotonic() - began > OPEN_SECONDS:
            raise DeviceError(
                f"The input did not answer within {OPEN_SECONDS:.0f} s: restart its server or check the cable."
            )
        return opened

    def _adopt(self, opened: Opened) -> None:
        """Prepare to make what the input now delivers like what it delivered first."""
        input_ = f"{self.kind} '{opened.name}'"
        first = tuple(min(number, opened.channels) for number in range(1, 1 + self.channels))
        self._picked = list(choose_channels(opened.channels, self._chosen or first, input_))
        self._input_rate = opened.rate
        self._resampler = None
        changes = []
        if opened.name != self.name:
            changes.append(f"{input_} is heard in place of '{self.name}', which is gone.")
        if opened.rate != self.rate:
            self._resampler = soxr.ResampleStream(opened.rate, self.rate, self.channels, dtype="float32")
            changes.append(f"{input_} now runs at {opened.rate} Hz; it is converted to {self.rate} Hz.")
        self._changes = tuple(changes)
        self._ready = True

    def _conform(self, block: AudioBlock) -> AudioBlock:
        """Return a block of the link in the source's channels and rate, with the time away as its gap."""
        samples = sanitise(block.samples[:, self._picked])
        gap = round(block.gap * self.rate / self._input_rate)
        if self._lost_from is not None:
            gap += max(0, round((block.time - len(samples) / self._input_rate - self._lost_from) * self.rate))
            self._lost_from = None
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples)
        self._newest = block.time
        return self._block(samples, block.time, gap)

    def _idle(self) -> Iterator[AudioBlock]:
        """Wait a moment; yield a block without samples if it is time to."""
        time.sleep(POLL_SECONDS)
        if time.monotonic() - self._reported_at > REPORT_SECONDS:
            yield self._report(None)

    def _report(self, transition: Transition | None) -> AudioBlock:
        """Log a change of state; return a block without samples that reports the state."""
        self._log(transition)
        return self._block(np.zeros((0, self.channels), np.float32), time.monotonic())

    def _log(self, transition: Transition | None) -> None:
        if transition is not None:
            level = logging.INFO if transition.after is Liveness.HEALTHY else logging.WARNING
            log.log(level, "%s: from %s to %s: %s", self.name, transition.before, transition.after, transition.reason)

    def _block(self, samples: NDArray[np.float32], at: float, gap: int = 0) -> AudioBlock:
        self._reported_at = time.monotonic()
        notices = self._health.notices(self._reported_at)
        if self.liveness is Liveness.HEALTHY:
            notices += (*self._changes, *filter(None, (self._link.notice,)))
        return AudioBlock(
            samples,
            at,
            gap,
            liveness=self.liveness,
            overflows=self._overflows + self._link.overflows,
            reconnects=self._health.reconnects,
            notices=notices,
        )
