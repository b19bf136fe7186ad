"""From one stream's mono audio to an outcome each hop: level, silence gate, windows, classifier and vote."""

import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edmlive.features.change import SHORTEST, Change, ChangeDetector
from edmlive.features.level import FLOOR_DBFS, SilenceGate, level_dbfs
from edmlive.features.windows import Window, Windows
from edmlive.kernels.tables import SAMPLE_RATE
from edmlive.realtime.classifier import Classifier, Decision
from edmlive.realtime.reading import State
from edmlive.realtime.voter import Vote, Voter

LATE_SECONDS = 3.0
"""Age of the newest audio above which decisions are skipped, so that the backlog is caught up with."""
SKIP_SECONDS = 5.0
"""Longest time between two decisions, however late they are."""
SURE_CHANGE = 0.7
"""Probability of a change of track from which the votes on the track before no longer count."""
MIXING_SECONDS = 15.0
"""How long after a likely change two tracks are said to overlap, or one to have just replaced the other."""
UNKNOWN_FROM = 0.5
"""Mean probability over the votes, of music that is none of the model's genres, from which there is no answer."""


@dataclass(frozen=True)
class Outcome:
    """What the newest hop of audio led to.

    Parameters
    ----------
    state
        What is known of the music.
    level_dbfs
        RMS level of the hop in dBFS.
    vote
        The vote as it stands; ``None`` without input, while warming up, in silence and for what is unknown.
    bpm
        Tempo in beats per minute; NaN if there is none.
    seconds
        Seconds of audio that the model looked at.
    decided
        Whether the model was run.
    mixing
        Whether two tracks overlap, or one has just replaced the other.
    """

    state: State
    level_dbfs: float = FLOOR_DBFS
    vote: Vote | None = None
    bpm: float = math.nan
    seconds: float = 0.0
    decided: bool = False
    mixing: bool = False


class Decider:
    """Decides on the genre of one stream.

    After a change of track that may have happened, two answers are possible: that of the music since then, and that of
    all the music in the model's window. Their probabilities are averaged, each weighted by how likely it is that there
    was, or was not, a change. A whole song has none.

    Parameters
    ----------
    classifier
        The model's session.
    votes
        Decisions that vote; ``None`` for the model's default, 0 for all.
    """

    def __init__(self, classifier: Classifier, votes: int | None = None) -> None:
        spec = classifier.spec
        self._classifier = classifier
        self._windows = Windows(spec)
        self._gate = SilenceGate()
        self._voter = Voter(spec.labels, spec.vote.votes if votes is None else votes or None)
        self._changes = None if self._voter.votes is None else ChangeDetector()
        self._track_start = 0.0
        self._vote: Vote | None = None
        self._level = FLOOR_DBFS
        self._decided_at = -math.inf

    def push(self, samples: NDArray[np.float32]) -> None:
        """Take (n,) mono samples at 22,050 Hz, any n."""
        self._windows.push(samples)
        if self._changes is not None:
            self._changes.push(samples)

    def reset(self) -> None:
        """Forget the audio, as after a gap or in silence, and the votes, unless they are a whole song's."""
        self._windows.reset()
        self._vote = None
        if self._changes is not None:
            self._changes.reset()
            self._track_start = 0.0
            self._voter.reset()

    def decide(self, hop: NDArray[np.float32], age: float) -> Outcome | None:
        """Decide at the end of a hop.

        Parameters
        ----------
        hop
            The samples pushed since the last decision, shape (n,).
        age
            Seconds since the newest audio at hand was captured.

        Returns
        -------
        Outcome or None
            ``None`` if the decision was skipped because the audio is old.
        """
        if self._measure(hop):
            return self._silence()
        if age > LATE_SECONDS and time.monotonic() - self._decided_at < SKIP_SECONDS:
            return None
        return self._run_model()

    def finish(self, rest: NDArray[np.float32]) -> Outcome | None:
        """Decide on what there is at the end of the audio, if nothing has been decided on it before.

        Parameters
        ----------
        rest
            The samples pushed since the last decision, shape (n,); maybe none.
        """
        if self._voter.decisions or self._gate.silent:
            return None
        if self._measure(rest) or self._gate.quiet:
            return self._silence()
        return self._run_model(at_end=True)

    def _measure(self, hop: NDArray[np.float32]) -> bool:
        """Take the level of a hop and return whether this is silence."""
        if len(hop):
            self._level = round(level_dbfs(hop), 2)
        return self._gate.push(self._level, len(hop) / SAMPLE_RATE)

    def _silence(self) -> Outcome:
        self.reset()
        return Outcome(State.SILENCE, self._level)

    def _run_model(self, *, at_end: bool = False) -> Outcome:
        change = None if self._changes is None else self._changes.change
        window = self._windows.read(whole=not at_end)
        if window.tensors is not None:
            decision = self._classifier.decide(window.tensors)
            if change is not None and change.seconds < window.seconds:
                window, decision = self._since(change, window, decision)
            self._vote = self._voter.push(decision.probabilities, decision.unknown)
            self._decided_at = time.monotonic()
        state = self._state(at_end)
        return Outcome(
            state,
            self._level,
            None if state is State.UNKNOWN else self._vote,
            window.rhythm.bpm,
            window.seconds,
            window.tensors is not None,
            change is not None and change.probability >= 0.5 and change.seconds < MIXING_SECONDS,
        )

    def _since(self, change: Change, window: Window, decision: Decision) -> tuple[Window, Decision]:
        """Return the likelier of the whole window and the one since a change, and the decision on both."""
        since = self._windows.read(look_back=change.seconds)
        if since.tensors is None:
            return window, decision
        if change.probability >= SURE_CHANGE and change.start > self._track_start + SHORTEST:
            self._track_start = change.start
            self._voter.reset()
        decision = _mean(decision, self._classifier.decide(since.tensors), change.probability)
        return (since if change.probability >= 0.5 else window), decision

    def _state(self, at_end: bool) -> State:
        if self._vote is None:
            return State.WARMING_UP
        if self._vote.unknown >= UNKNOWN_FROM:
            return State.UNKNOWN
        unsure = at_end or self._vote.confidence < self._classifier.spec.unsure_below
        return State.UNSURE if unsure else State.LISTENING


def _mean(before: Decision, since: Decision, share: float) -> Decision:
    """Return the mean of two decisions, of which the second has this share."""
    probabilities = ((1 - share) * before.probabilities + share * since.probabilities).astype(np.float32)
    if before.unknown is None or since.unknown is None:
        return Decision(probabilities, None)
    return Decision(probabilities, (1 - share) * before.unknown + share * since.unknown)
