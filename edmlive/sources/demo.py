"""The demo set as a source: edmlive renders this music itself, so it knows what is playing."""

import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from edmlive.sources.audio import AudioBlock, Playing
from edmlive.synth.audio import RATE
from edmlive.synth.deck import Turn
from edmlive.synth.demo import DemoSet

BLOCK_SECONDS = 0.1


class DemoSource:
    """An endless rendered DJ set; each block says what is truly playing. Opening it renders its first, short track.

    Parameters
    ----------
    seed
        The same seed gives the same set.
    pace
        Yield blocks no faster than they would be heard.
    """

    def __init__(self, seed: int = 0, *, pace: bool = False) -> None:
        self.name = f"demo set {seed}"
        self.rate = RATE
        self.channels = 2
        self.live = False
        self.fault: str | None = None
        self.wanted = 0.0
        self._pace = pace
        self._set = DemoSet(seed)
        self._set.read(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open."""

    def __iter__(self) -> Iterator[AudioBlock]:
        """Yield blocks of `BLOCK_SECONDS` for ever."""
        started = time.monotonic()
        while True:
            samples = self._set.read(round(BLOCK_SECONDS * RATE))
            position = self._set.position
            if self._pace:
                time.sleep(max(0.0, started + position / RATE - time.monotonic()))
            yield AudioBlock(samples, time.monotonic(), truth=_truth(self._set.playing, position - 1))


def _truth(turn: Turn, sample: int) -> Playing:
    """Return what is playing at a sample of the set, given the turn that is the louder one there."""
    return Playing(turn.genre, round(turn.tempo_at(sample), 1), round(turn.leading / RATE, 3))
