"""How an input fares: whether it delivers, the state machine that decides so, and counts of everything lost."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

STALL_SECONDS = 1.5
"""Silence of a healthy input before it counts as stalled."""
FIRST_AUDIO_SECONDS = 5.0
"""The same for a connection that has not delivered yet: some devices take their time."""
LOOK_SECONDS = 0.5
"""What one look at a silent input counts for at most: if nobody had time to look, the input had none either."""
BACK_SECONDS = 10.0
"""How long the return of an input is worth a notice."""


class Liveness(StrEnum):
    """Whether audio arrives."""

    STARTING = "starting"
    HEALTHY = "healthy"
    STALLED = "stalled"
    RECOVERING = "recovering"
    FAILED = "failed"


@dataclass(frozen=True)
class Counts:
    """What happened since the start.

    Parameters
    ----------
    decisions
        Times the model was run.
    decisions_skipped
        Decisions skipped because the computer did not keep up; their audio was analysed all the same.
    gaps, frames_lost
        Interruptions of the audio, and the frames lost in them, at the source's rate.
    overflows
        How often the sound system said that it dropped input; a hint, no more.
    reconnects
        How often the input came back after it was lost.
    readings_dropped
        Readings that a slow or dead sink had no time for.
    """

    decisions: int = 0
    decisions_skipped: int = 0
    gaps: int = 0
    frames_lost: int = 0
    overflows: int = 0
    reconnects: int = 0
    readings_dropped: int = 0


NOTHING_LOST = Counts()
"""The counts at the start."""


@dataclass(frozen=True)
class Transition:
    """A change of state and its reason."""

    before: Liveness
    after: Liveness
    reason: str


class HealthMonitor:
    """The state machine of a live input. It has no clock and does no I/O: each event comes with its time.

    ==========  ===========================================  ==========
    from        on                                           to
    ==========  ===========================================  ==========
    any         audio                                        healthy
    healthy     no audio for `STALL_SECONDS`                 stalled
    any         the connection is lost or given up           recovering
    any         the same, and nobody waits for its return    failed
    ==========  ===========================================  ==========

    Parameters
    ----------
    name
        The input as the subject of a sentence, such as ``Input device 'mixer'``.
    now
        Seconds on a monotonic clock, here and in every method. Silence counts only as far as it is looked at.

    Attributes
    ----------
    state
        The state now; *starting* until the first audio.
    transitions
        How often each state was entered.
    reconnects
        How often audio came back over a new connection.
    """

    def __init__(self, name: str, now: float) -> None:
        self.state = Liveness.STARTING
        self.transitions: Counter[Liveness] = Counter()
        self.reconnects = 0
        self._name = name
        self._loss: str | None = None
        self._silent_since = self._lost_at = self._looked_at = now
        self._silence_seen = 0.0
        self._back_at: float | None = None

    def connected(self, now: float) -> None:
        """Count silence from now on: there is a new connection, or it is read again."""
        self._silent_since = self._looked_at = now
        self._silence_seen = 0.0

    def audio_arrived(self, now: float) -> Transition | None:
        """Note that the connection delivers; return the change of state, if it is one."""
        self.connected(now)
        if self.state is Liveness.HEALTHY:
            return None
        if self.state is not Liveness.STARTING:
            self._back_at = now
        self.reconnects += self.state is Liveness.RECOVERING
        return self._enter(Liveness.HEALTHY, "audio arrives")

    def nothing_arrived(self, now: float) -> Transition | None:
        """Note that there is nothing to read; return the change of state, if it is one."""
        self._silence_seen += min(now - self._looked_at, LOOK_SECONDS)
        self._looked_at = now
        if self.state is not Liveness.HEALTHY or self._silence_seen <= STALL_SECONDS:
            return None
        return self._enter(Liveness.STALLED, self.silence(now))

    def overdue(self) -> bool:
        """Return whether a connection that will not resume by itself has to be given up."""
        if self.state is Liveness.HEALTHY:
            return False
        limit = STALL_SECONDS if self.state is Liveness.STALLED else FIRST_AUDIO_SECONDS
        return self._silence_seen > limit

    def lost(self, reason: str) -> Transition | None:
        """Note that the connection is lost, or could not be made again; return the change of state, if it is one."""
        return self._enter(Liveness.RECOVERING, reason)

    def failed(self, reason: str) -> Transition | None:
        """Note that the connection is lost for good."""
        return self._enter(Liveness.FAILED, reason)

    def silence(self, now: float) -> str:
        """Say for how long there has been no audio."""
        seconds = now - self._silent_since
        return f"{self._name} has delivered no audio for {seconds:.1f} s: check its cable and its server."

    def notices(self, now: float) -> tuple[str, ...]:
        """Return what a person should know now: why there is no audio, or that it has just come back."""
        if self.state is not Liveness.HEALTHY:
            return (self._loss,) if self._loss else ()
        if self._back_at is None or now - self._back_at >= BACK_SECONDS:
            return ()
        return (f"{self._name} is back after {self._back_at - self._lost_at:.1f} s.",)

    def _enter(self, state: Liveness, reason: str) -> Transition | None:
        if state is not Liveness.HEALTHY:
            self._loss = reason
        if self.state in (Liveness.STARTING, Liveness.HEALTHY):
            self._lost_at = self._silent_since
        if state is self.state:
            return None
        transition = Transition(self.state, state, reason)
        self.transitions[state] += 1
        self.state = state
        return transition
