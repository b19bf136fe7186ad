"""A listener inside the test: a live source and an engine on a thread, with a log of everything and when it came."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from edmlive.realtime.classifier import Classifier
from edmlive.realtime.engine import Engine
from edmlive.realtime.reading import Reading
from edmlive.sources.audio import AudioBlock
from edmlive.sources.health import Liveness
from edmlive.sources.supervisor import SupervisedSource

HEALTHY = Liveness.HEALTHY
NOTICE_SECONDS = 2.0
LISTEN_SECONDS = 2.0
ANSWER_SECONDS = 8.0
ACCOUNT_SECONDS = 0.06


@dataclass(frozen=True)
class Heard:
    """A block without its samples, and when it came."""

    at: float
    frames: int
    block: AudioBlock


class Ear:
    """Hears a source out on a thread of its own.

    Parameters
    ----------
    source
        An open source; it is closed at the end.
    classifier
        The model.
    """

    def __init__(self, source: SupervisedSource, classifier: Classifier) -> None:
        self.source = source
        self.engine = Engine(classifier, source.rate)
        self.blocks: list[Heard] = []
        self.readings: list[tuple[float, Reading]] = []
        self.error: Exception | None = None
        self._stop = False
        self._stalled_until = 0.0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Ear":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop = True
        self._thread.join()

    def _run(self) -> None:
        try:
            with self.source:
                for block in self.source:
                    self.blocks.append(Heard(time.monotonic(), len(block.samples), block))
                    self.readings += [(time.monotonic(), reading) for reading in self.engine.push(block)]
                    time.sleep(max(0.0, self._stalled_until - time.monotonic()))
                    if self._stop:
                        return
        except Exception as error:
            self.error = error

    def stall(self, seconds: float) -> None:
        """Let the listener do nothing for so long."""
        self._stalled_until = time.monotonic() + seconds

    def wait(self, what: Callable[[], object], seconds: float, name: str) -> float:
        """Wait for something and return how long it took."""
        began = time.monotonic()
        while not what():
            assert self._thread.is_alive(), f"the listener has ended: {self.error}"
            assert time.monotonic() - began < seconds, f"{name}: not within {seconds} s"
            time.sleep(0.01)
        return time.monotonic() - began

    def hear(self, seconds: float) -> None:
        """Wait until so much audio has come from now on."""
        frames = sum(heard.frames for heard in self.blocks) + seconds * self.source.rate
        self.wait(lambda: sum(heard.frames for heard in self.blocks) >= frames, seconds + 10, "audio")

    def wait_for_loss(self, seconds: float = NOTICE_SECONDS + 0.5) -> float:
        """Wait until the readings say that there is no input."""
        return self.wait(lambda: self.blocks[-1].block.liveness is not HEALTHY, seconds, "noticed")

    def wait_for_audio(self, seconds: float = 10) -> float:
        """Wait until audio comes, after a loss."""
        return self.wait(lambda: self.blocks[-1].block.liveness is HEALTHY, seconds, "listening")

    def wait_for_genre(self, genres: Iterable[str], seconds: float = 20) -> float:
        """Wait for one of these answers, to come from now on."""
        after, allowed = len(self.readings), set(genres)
        return self.wait(lambda: any(r.genre in allowed for _, r in self.readings[after:]), seconds, "right answer")

    @property
    def frames_lost(self) -> int:
        """Frames reported as lost."""
        return sum(heard.block.gap for heard in self.blocks)

    def unaccounted_seconds(self) -> float:
        """By how much the frames heard and lost differ from the time that has passed by the test's own clock."""
        position, late = 0, []
        for heard in self.blocks:
            position += heard.frames + heard.block.gap
            if heard.frames:
                late.append((heard.at, heard.at - position / self.source.rate))
        first, last = late[0][0], late[-1][0]
        # Blocks come late by chance, never early: the least lateness in a second is the truth.
        return min(d for at, d in late if at >= last - 1) - min(d for at, d in late if at <= first + 1)

    def liveness(self) -> list[Liveness]:
        """The states in the order in which they came."""
        states = [heard.block.liveness for heard in self.blocks]
        return [state for i, state in enumerate(states) if i == 0 or state is not states[i - 1]]
